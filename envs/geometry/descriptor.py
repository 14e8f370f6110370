"""Description of a section by a few numbers, for networks."""

import numpy as np

from assembly_rl.envs.geometry.part import PegHole
from assembly_rl.envs.geometry.polygons import Array

DIRECTIONS = 16
"""Directions in which a section is described, equally spaced from the x axis on."""


def support_function(part: PegHole) -> Array:
    """Return how far the peg extends from its axis along each of the ``DIRECTIONS`` (DIRECTIONS,) [m].

    It is the support function of the section, which determines its convex hull.

    Args:
        part: Part.
    """
    angles = 2.0 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    directions = np.column_stack((np.cos(angles), np.sin(angles)))
    return np.asarray((np.concatenate(part.peg_outlines) @ directions.T).max(axis=0))
