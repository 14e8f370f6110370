"""Checks of configuration: one clear error that names the owner, the field, the value and the bound."""

from collections.abc import Sequence
from math import isfinite

AXES = ("x", "y", "z", "rx", "ry", "rz")


def is_finite(value: object) -> bool:
    """Whether value is a number, and a finite one."""
    try:
        return isfinite(value)  # type: ignore[arg-type]
    except (TypeError, OverflowError):
        return False


def has_length(value: object, length: int) -> bool:
    """Whether value is a sequence of so many entries."""
    return hasattr(value, "__len__") and len(value) == length


def finite_numbers(value: object, length: int) -> bool:
    """Whether value is a sequence of so many finite numbers."""
    return has_length(value, length) and all(map(is_finite, value))  # type: ignore[call-overload]


def require_positive(owner: object, *names: str) -> None:
    """Raise a ValueError for the first of the named attributes that is not a finite number > 0."""
    for name in names:
        value = getattr(owner, name)
        if not (is_finite(value) and value > 0):
            raise ValueError(f"{type(owner).__name__}.{name} must be > 0, got {value}")


def require_not_negative(owner: object, *names: str) -> None:
    """Raise a ValueError for the first of the named attributes that is not a finite number >= 0."""
    for name in names:
        value = getattr(owner, name)
        if not (is_finite(value) and value >= 0):
            raise ValueError(f"{type(owner).__name__}.{name} must be >= 0, got {value}")


def require_six(owner: object, *names: str, positive: bool = False) -> None:
    """Raise a ValueError for the first of the named attributes that is not six finite numbers >= 0 (> 0)."""
    bound = "> 0" if positive else ">= 0"
    for name in names:
        value: Sequence[float] = getattr(owner, name)
        label = f"{type(owner).__name__}.{name}"
        if not has_length(value, 6):
            raise ValueError(f"{label} must be six numbers {' '.join(AXES)} {bound}, got {value!r}")
        for axis, entry in zip(AXES, value, strict=True):
            if not is_finite(entry) or entry < 0.0 or (positive and entry == 0.0):
                raise ValueError(f"{label}[{axis}] must be {bound}, got {entry}")


def require_cutoff(label: str, cutoff: float | None, rate: float) -> None:
    """Raise a ValueError for a cutoff [Hz] that is not between 0 and half the rate [Hz]; None passes."""
    if cutoff is not None and not 0.0 < cutoff < 0.5 * rate:
        raise ValueError(
            f"{label} must be > 0 Hz and below the Nyquist frequency {0.5 * rate:g} Hz "
            f"(half the rate {rate:g} Hz), got {cutoff} Hz; null for no filter"
        )
