"""Checks of values from a file; an error names the file, the place in it, the value and the bound."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np
import torch

from assembly_rl.runs.files import RunError, shown

LARGEST = 2**53


def refuse(place: str, expected: str, value: Any) -> RunError:
    """Return the error of a value that is not as expected."""
    return RunError(f"{place} must be {expected}, got {shown(value)}; put back the file from a copy")


def require_names(place: str, found: Any, known: Iterable[str], optional: Iterable[str] = ()) -> None:
    """Raise a RunError unless an object has exactly the known names, but for optional ones."""
    if not isinstance(found, Mapping):
        raise refuse(place, "an object", found)
    names = set(known)
    if set(found) - names - set(optional):
        raise refuse(place, f"without {min(set(found) - names - set(optional))!r}", sorted(found))
    if names - set(found):
        raise refuse(place, f"with {min(names - set(found))!r}", sorted(found))


def require_list(place: str, value: Any, length: int | None = None) -> list[Any]:
    """Return a value if it is a list, of a given length if any; otherwise raise a RunError."""
    if not isinstance(value, list) or (length is not None and len(value) != length):
        raise refuse(place, "a list" if length is None else f"a list of {length}", value)
    return value


def require_count(place: str, value: Any, largest: int = LARGEST) -> None:
    """Raise a RunError unless a value is an integer from 0 to a largest one."""
    if type(value) is not int or not 0 <= value <= largest:
        raise refuse(place, f"an integer from 0 to {largest}", value)


def require_number(place: str, value: Any, finite: bool = True) -> None:
    """Raise a RunError unless a value is a number, by default a finite one."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise refuse(place, "a number", value)
    if finite and not (abs(value) <= LARGEST or (isinstance(value, float) and isfinite(value))):
        raise refuse(place, "finite", value)


def require_type(place: str, value: Any, kind: type) -> None:
    """Raise a RunError unless a value has exactly a type."""
    if type(value) is not kind:
        raise refuse(place, f"of type {kind.__name__}", value)


def shape_of(array: torch.Tensor | np.ndarray) -> str:
    """Return type and shape of an array, such as ``float32[3, 2]``."""
    return f"{str(array.dtype).removeprefix('torch.')}{list(array.shape)}"


def require_shape(place: str, tensor: torch.Tensor, kind: str, shape: Sequence[int]) -> None:
    """Raise a RunError unless a tensor has a type, such as ``float32``, and a shape."""
    if shape_of(tensor) != f"{kind}{list(shape)}":
        raise refuse(place, f"{kind}{list(shape)}", shape_of(tensor))
