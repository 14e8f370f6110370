"""Checks of configurations; an error names the owner, the field, the value and the bound."""

from collections.abc import Iterable, Mapping, Sequence, Set
from difflib import get_close_matches
from math import isfinite, nan
from numbers import Integral
from typing import Any

import numpy as np

REAL = (float, int, np.floating, np.integer)
"""Types of numbers that a control loop takes."""
AXES = ("x", "y", "z", "rx", "ry", "rz")
SMALLEST = 1e-9
"""Smallest positive value of a quantity with an upper bound, in SI units; a divisor would overflow below."""
LARGEST_COUNT = 10**9
"""Largest number of steps, episodes or the like."""
LARGEST_SEED = 2**31 - 1
"""Largest seed: further ones are counted up from it, and numpy takes at most 2**32 - 1."""


class InputError(ValueError):
    """Input that cannot be used; the message says what is wrong, which value, and what to do."""


class InputWarning(UserWarning):
    """Warning about input that can be used, with consequences that the caller may not want."""


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


def real(value: object) -> float:
    """Convert a number to a plain float; NaN if it is none. It never raises, whatever the object does."""
    try:
        return float(value) if isinstance(value, REAL) else nan
    except Exception:  # foreign objects run foreign code
        return nan


def entries(values: Any) -> Any:
    """Return the entries of a sequence, arrays as plain numbers.

    Raises:
        TypeError: The values are bytes or have no order.
    """
    kind = type(values)
    if kind is list or kind is tuple:
        return values
    if isinstance(values, np.ndarray):
        return values.tolist()
    if isinstance(values, bytes | bytearray | memoryview | Set | Mapping):
        raise TypeError
    return values


def plain(values: Iterable[Any]) -> list[float]:
    """Convert numbers to plain floats.

    Raises:
        TypeError: One of them is not a number.
    """
    numbers = list(values)
    if not all(isinstance(value, REAL) for value in numbers):
        raise TypeError
    return list(map(float, numbers))


def has_length(value: object, length: int) -> bool:
    """Return True if a value is a sequence of a given length."""
    return hasattr(value, "__len__") and len(value) == length


def finite_numbers(value: object, length: int) -> bool:
    """Return True if a value is a sequence of finite numbers of a given length."""
    return has_length(value, length) and all(map(is_finite, value))  # type: ignore[call-overload]


def _require_at_most(label: str, value: float, most: float) -> None:
    if 0.0 < value < SMALLEST:
        raise InputError(f"{label} must be at least {SMALLEST:g} in SI units, got {value}")
    if value > most:
        raise InputError(f"{label} must be <= {most:g} in SI units, got {value}")


def require_positive(owner: object, *names: str, **largest: float) -> None:
    """Raise a ValueError for the first of the named attributes that is not a finite number > 0.

    Args:
        owner: Configuration.
        names: Attributes without an upper bound.
        largest: Upper bounds of further attributes, by name.
    """
    for name in (*names, *largest):
        value = getattr(owner, name)
        label = f"{type(owner).__name__}.{name}"
        if not (is_finite(value) and value > 0):
            raise InputError(f"{label} must be > 0, got {value}")
        if name in largest:
            _require_at_most(label, value, largest[name])


def require_not_negative(owner: object, *names: str, **largest: float) -> None:
    """Raise a ValueError for the first of the named attributes that is not a finite number >= 0.

    Args:
        owner: Configuration.
        names: Attributes without an upper bound.
        largest: Upper bounds of further attributes, by name.
    """
    for name in (*names, *largest):
        value = getattr(owner, name)
        label = f"{type(owner).__name__}.{name}"
        if not (is_finite(value) and value >= 0):
            raise InputError(f"{label} must be >= 0, got {value}")
        if name in largest:
            _require_at_most(label, value, largest[name])


def require_times(owner: object, most: float, *names: str) -> None:
    """Raise a ValueError for the first of the named attributes that is not [low, high], 0 <= low <= high [s].

    Args:
        owner: Configuration.
        most: Bound of the upper end [s].
        names: Attributes.
    """
    for name in names:
        value = getattr(owner, name)
        if not finite_numbers(value, 2) or not 0.0 <= value[0] <= value[1] <= most:
            raise InputError(
                f"{type(owner).__name__}.{name} must be [low, high] with 0 <= low <= high <= {most:g} s, "
                f"got {value!r:.80}"
            )


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


def require_six(owner: object, *names: str, positive: bool = False, **largest: tuple[float, float]) -> None:
    """Raise a ValueError for the first of the named attributes that is not six finite numbers >= 0 (> 0).

    Args:
        owner: Configuration.
        names: Attributes without an upper bound.
        positive: True to refuse zero.
        largest: Upper bounds (linear, angular) of further attributes, by name.
    """
    bound = "> 0" if positive else ">= 0"
    for name in (*names, *largest):
        value: Sequence[float] = getattr(owner, name)
        label = f"{type(owner).__name__}.{name}"
        if not has_length(value, 6):
            raise InputError(f"{label} must be six numbers {' '.join(AXES)} {bound}, got {value!r}")
        for axis, entry in zip(AXES, value, strict=True):
            if not is_finite(entry) or entry < 0.0 or (positive and entry == 0.0):
                raise InputError(f"{label}[{axis}] must be {bound}, got {entry}")
        if name in largest:
            for number, (axis, entry) in enumerate(zip(AXES, value, strict=True)):
                _require_at_most(f"{label}[{axis}]", entry, largest[name][number // 3])


def require_vector(label: str, value: object, most: float) -> None:
    """Raise a ValueError for a value that is not three finite numbers within +-most."""
    if not finite_numbers(value, 3):
        raise InputError(f"{label} must be three finite numbers, got {value!r}")
    for entry in value:  # type: ignore[attr-defined]
        if abs(entry) > most:
            raise InputError(f"{label} must be within +-{most:g} in SI units, got {entry}")


def require_cutoff(label: str, cutoff: float | None, rate: float) -> None:
    """Raise a ValueError for a cutoff [Hz] that is not between 0 and half the rate [Hz]; None passes."""
    if cutoff is not None and not 0.0 < cutoff < 0.5 * rate:
        raise InputError(
            f"{label} must be > 0 Hz and below the Nyquist frequency {0.5 * rate:g} Hz "
            f"(half the rate {rate:g} Hz), got {cutoff} Hz; null for no filter"
        )
