"""Truth of a policy step, from the simulator's contact points and poses."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.se3 import rotation_matrix
from assembly_rl.envs import PegHole
from assembly_rl.envs.scene import Scene

Array = NDArray[np.float64]

APART = 0.002
"""Distance in height [m] from which on two contacts are two."""

OPPOSED = -0.5
"""Largest cosine between the normals of two walls that face each other."""


@dataclass(frozen=True)
class Truth:
    """Knowledge of the simulator alone of a policy step; lengths in m, hole axes unless stated otherwise.

    Attributes:
        height: Height of the tip above the mouth.
        highest: Height of the highest corner of the peg's end face.
        touching: True if there was a contact in the policy step.
        spread: Largest extent of the contact points along x or y; 0 without a contact.
        lowest: Height of the lowest contact point; 0 without a contact.
        opposed: True if two contacts, ``APART`` in height or more, are at walls that face each other.
        offset: Vector from the axis of the true hole to the tip, in nominal axes, x and y.
        side: Vector from the tip to the mean of the contact points, in nominal axes, x and y; 0 without one.
    """

    height: float
    highest: float
    touching: bool
    spread: float
    lowest: float
    opposed: bool
    offset: tuple[float, float]
    side: tuple[float, float]


def truth_of(part: PegHole, scene: Scene, contacts: Array) -> Truth:
    """Compute the truth of a policy step.

    Args:
        part: Part.
        scene: Poses at the end of the step.
        contacts: Points (n, 3) [m] in the hole frame of the step's last control step with a contact.
    """
    tip = np.array(scene.tip[0])
    axes = _matrix(scene.nominal[1])
    corners = tip + np.concatenate(part.peg_outlines) @ _matrix(scene.tip[1])[:, :2].T
    offset = axes.T @ np.array((tip[0], tip[1], 0.0))
    touching = len(contacts) > 0
    mean = axes.T @ (contacts.mean(axis=0) - tip) if touching else np.zeros(3)
    return Truth(
        height=float(tip[2]),
        highest=float(corners[:, 2].max()),
        touching=touching,
        spread=float(np.ptp(contacts[:, :2], axis=0).max()) if touching else 0.0,
        lowest=float(contacts[:, 2].min()) if touching else 0.0,
        opposed=touching and _opposed(part, contacts),
        offset=(float(offset[0]), float(offset[1])),
        side=(float(mean[0]), float(mean[1])),
    )


def _matrix(rotation: tuple[float, float, float, float]) -> Array:
    return np.array(rotation_matrix(rotation)).reshape(3, 3)


def _opposed(part: PegHole, contacts: Array) -> bool:
    """Return True if two contacts at different heights are at walls that face each other."""
    apart = contacts[:, None, 2] - contacts[None, :, 2] >= APART
    if not apart.any():
        return False
    normals = wall_normals(part, contacts[:, :2])
    return bool((apart & (normals @ normals.T <= OPPOSED)).any())


def wall_normals(part: PegHole, points: Array) -> Array:
    """Return the normal (n, 2) of the wall of the hole that is nearest to each of some points (n, 2) [m]."""
    starts = np.concatenate(part.hole_outlines)
    ends = np.concatenate([np.roll(outline, -1, axis=0) for outline in part.hole_outlines])
    along = ends - starts
    lengths = np.linalg.norm(along, axis=1)
    share = ((points[:, None] - starts) * along).sum(axis=2) / lengths**2
    nearest = starts + np.clip(share, 0.0, 1.0)[..., None] * along
    wall = np.linalg.norm(points[:, None] - nearest, axis=2).argmin(axis=1)
    normals = np.column_stack((-along[:, 1], along[:, 0])) / lengths[:, None]
    return np.asarray(normals[wall])
