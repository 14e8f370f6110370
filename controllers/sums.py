"""Sums whose last bit does not depend on the version of Python."""

from collections.abc import Iterable
from functools import reduce
from operator import add


def added(values: Iterable[float]) -> float:
    """Return the sum of numbers, added one after the other.

    The built-in ``sum`` does the same up to Python 3.11; later versions compensate for its rounding.

    Args:
        values: Numbers.
    """
    return reduce(add, values, 0.0)
