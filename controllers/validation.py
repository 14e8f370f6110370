"""Checks of configurations; an error names the owner, the field, the value and the bound."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from math import isfinite
from numbers import Integral

AXES = ("x", "y", "z", "rx", "ry", "rz")


LARGEST_COUNT = 10**9
"""Largest number of steps, episodes or the like."""
LARGEST_SEED = 2**31 - 1
"""Largest seed: further ones are counted up from it, and numpy takes at most 2**32 - 1."""


class InputError(ValueError):
    """Input that cannot be used; the message says what is wrong, which value, and what to do."""


def closest(name: object, known: Iterable[str]) -> str:
    """Return the known name that is most similar to another one; an empty string without known names."""
    return next(iter(get_close_matches(str(name), list(known), 1, 0.0)), "")


def unknown(kind: str, name: object, known: Iterable[str]) -> str:
    """Return the message for an unknown name, with the known ones and the closest.

    Args:
        kind: Kind of the named object, such as ``robot``.
        name: Unknown name.
        known: Known names.
    """
    names = sorted(known)
    close = closest(name, names)
    hint = f"; did you mean {close!r}?" if close else "."
    return f"unknown {kind} {name!r}{hint} Known: {', '.join(names) or 'none'}"


def is_finite(value: object) -> bool:
    """Return True if a value is a finite number."""
    try:
        return isfinite(value)  # type: ignore[arg-type]
    except (TypeError, OverflowError):
        return False


def has_length(value: object, length: int) -> bool:
    """Return True if a value is a sequence of a given length."""
    return hasattr(value, "__len__") and len(value) == length


def finite_numbers(value: object, length: int) -> bool:
    """Return True if a value is a sequence of finite numbers of a given length."""
    return has_length(value, length) and all(map(is_finite, value))  # type: ignore[call-overload]


def require_positive(owner: object, *names: str) -> None:
    """Raise a ValueError for the first of the named attributes that is not a finite number > 0."""
    for name in names:
        value = getattr(owner, name)
        if not (is_finite(value) and value > 0):
            raise InputError(f"{type(owner).__name__}.{name} must be > 0, got {value}")


def require_not_negative(owner: object, *names: str) -> None:
    """Raise a ValueError for the first of the named attributes that is not a finite number >= 0."""
    for name in names:
        value = getattr(owner, name)
        if not (is_finite(value) and value >= 0):
            raise InputError(f"{type(owner).__name__}.{name} must be >= 0, got {value}")


def require_at_most(owner: object, bound: float, *names: str) -> None:
    """Raise a ValueError for the first of the named attributes that is not a finite number <= a bound."""
    for name in names:
        value = getattr(owner, name)
        if not (is_finite(value) and value <= bound):
            raise InputError(f"{type(owner).__name__}.{name} must be <= {bound:g}, got {value}")


def require_count(owner: object, *names: str, least: int = 1, most: int = LARGEST_COUNT) -> None:
    """Raise a ValueError for the first of the named attributes that is not a whole number in a range."""
    for name in names:
        value = getattr(owner, name)
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        if not whole or not least <= value <= most:
            bound = {0: ">= 0", 1: "> 0"}.get(least, f">= {least}")
            limit = f" and <= {most}, a whole number," if is_finite(value) and value >= least else ","
            raise InputError(f"{type(owner).__name__}.{name} must be {bound}{limit} got {value}")


def require_seed(owner: object, name: str = "seed") -> None:
    """Raise a ValueError if the named attribute is not a whole number from 0 to ``LARGEST_SEED``."""
    require_count(owner, name, least=0, most=LARGEST_SEED)


def require_text(owner: object, *names: str) -> None:
    """Raise a ValueError for the first of the named attributes that is empty text; None passes."""
    for name in names:
        if getattr(owner, name) == "":
            raise InputError(f"{type(owner).__name__}.{name} must not be empty: give a value or leave it out")


def require_six(owner: object, *names: str, positive: bool = False) -> None:
    """Raise a ValueError for the first of the named attributes that is not six finite numbers >= 0 (> 0)."""
    bound = "> 0" if positive else ">= 0"
    for name in names:
        value: Sequence[float] = getattr(owner, name)
        label = f"{type(owner).__name__}.{name}"
        if not has_length(value, 6):
            raise InputError(f"{label} must be six numbers {' '.join(AXES)} {bound}, got {value!r}")
        for axis, entry in zip(AXES, value, strict=True):
            if not is_finite(entry) or entry < 0.0 or (positive and entry == 0.0):
                raise InputError(f"{label}[{axis}] must be {bound}, got {entry}")


def require_cutoff(label: str, cutoff: float | None, rate: float) -> None:
    """Raise a ValueError for a cutoff [Hz] that is not between 0 and half the rate [Hz]; None passes."""
    if cutoff is not None and not 0.0 < cutoff < 0.5 * rate:
        raise InputError(
            f"{label} must be > 0 Hz and below the Nyquist frequency {0.5 * rate:g} Hz "
            f"(half the rate {rate:g} Hz), got {cutoff} Hz; null for no filter"
        )
