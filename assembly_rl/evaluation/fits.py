"""Fit of a part in a physics engine: how deep its contacts penetrate, and so which fits are certified."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.se3 import Pose, Vector, quat_exp, rotate, rotation_matrix
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.physics import ENGINES, World, physics_rate

TRIALS = 24
"""Number of pegs that are driven onto the rim."""

SPEED = 0.02
"""Speed of these pegs [m/s]: that of the path, and as much again for the agent's push."""

ASIDE, START, WAY = 1e-3, 6e-4, 1.2e-3
"""Largest distance of a peg from where it fits, its height, and its way down [m]."""

RATES = (1.0, 2.0, 4.0)
"""Physics rates that are tried, as multiples of the engine's."""

FRICTION = 0.2


@dataclass(frozen=True)
class Fit:
    """Penetration of a part's contacts in an engine.

    Attributes:
        engine: Name of the engine.
        rate: Physics rate [Hz].
        default: It is the rate that the task has in this engine.
        rest: Penetration [m] of the peg that is pushed onto the rim with the largest force of the task.
        impact: Largest penetration [m] of pegs, half of them tilted, that are driven onto the rim.
        bound: Penetration [m] up to which the engine certifies the fit.
    """

    engine: str
    rate: float
    default: bool
    rest: float
    impact: float
    bound: float

    @property
    def certified(self) -> bool:
        """The engine certifies the fit."""
        return max(self.rest, self.impact) < self.bound


def fits(part: PegHole, task: TaskConfig, engine: str) -> Iterator[Fit]:
    """Measure the fit in an engine at its rate, twice, and four times as much, up to a certified one.

    Args:
        part: Part.
        task: Task, with the largest force and tilt.
        engine: Name of the engine; another one than the task's has its own rate.

    Raises:
        ImportError: The engine is not installed.
    """
    physics = task.physics.in_engine(engine)
    own = physics_rate(physics)
    for factor in RATES:
        config = replace(physics, rate=factor * own)
        world = ENGINES.get(engine)(part, config, task.sensor.cutoff, False)
        try:
            world.set_friction(FRICTION)
            rest = _pressed(world, task.limits.force)
            impact = _driven(world, task.randomization.hole_estimate.tilt)
            fit = Fit(engine, factor * own, factor == 1.0, rest, impact, world.penetration_bound)
        finally:
            world.close()
        yield fit
        if fit.certified:
            return


def flange_pose(
    part: PegHole, tip: Sequence[float] | NDArray[np.float64], rotation: Vector = (0.0, 0.0, 0.0)
) -> Pose:
    """Return the pose of the flange [m, xyzw] for a position of the tip [m] and a rotation vector [rad]."""
    orientation = quat_exp(rotation)
    up = rotate(rotation_matrix(orientation), (0.0, 0.0, part.peg_length))
    x, y, z = (float(a + b) for a, b in zip(tip, up, strict=True))
    return (x, y, z), orientation


def _pressed(world: World, force: float) -> float:
    """Penetration [m] at rest of an upright peg beside its hole."""
    part, config = world.part, world.config
    side = part.clearance + part.chamfer + part.tip_chamfer + 5e-4
    steps = round((config.rate or 0.0) / 10.0)
    below = flange_pose(part, (side, 0.0, -force / config.servo_stiffness))
    world.reset(*flange_pose(part, (side, 0.0, 1e-5)))
    for _ in range(4):
        world.advance(steps, *below)
    return world.measure_penetration()


def _driven(world: World, tilt: float) -> float:
    """Largest penetration [m] of pegs that go down at ``SPEED``, each a bit aside."""
    part, rate, rng = world.part, world.config.rate or 0.0, np.random.default_rng(0)
    reach = part.clearance + part.chamfer + part.tip_chamfer + ASIDE
    worst = 0.0
    for trial in range(TRIALS):
        a, b, c = rng.uniform(-tilt, tilt, 3).tolist()
        rotation = (a, b, c) if trial % 2 else (0.0, 0.0, 0.0)
        x, y = rng.uniform(-reach, reach, 2).tolist()
        height = START + rng.uniform(0.0, SPEED / rate)
        world.reset(*flange_pose(part, (x, y, height), rotation))
        for step in range(1, round(WAY / SPEED * rate)):
            world.advance(1, *flange_pose(part, (x, y, height - step * SPEED / rate), rotation))
            worst = max(worst, world.measure_penetration())
    return worst
