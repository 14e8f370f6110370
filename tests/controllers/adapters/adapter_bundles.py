"""Small bundles, and the robot that goes with them, for the tests of the adapters."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import bundle_maker
import gymnasium

from assembly_rl.controllers.bundles import BundleController, Manifest, write_bundle
from assembly_rl.controllers.insertion import InsertionConfig, LimitConfig
from assembly_rl.controllers.se3 import IDENTITY, Pose, compose
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.config import PoseErrorConfig, RandomizationConfig
from assembly_rl.envs.simulation import SimulatedRobot

PART = PegHole(hole_depth=0.008)
LIMITS = LimitConfig(time=1.5)
POLICY = bundle_maker.policy(seed=1, bias=0.0)
BLIND = TaskConfig(limits=LIMITS)
"""The hole is known to a millimetre: a policy that knows nothing does not get in."""
EXACT = replace(BLIND, randomization=RandomizationConfig(hole_estimate=PoseErrorConfig()))
"""The hole is known: every policy gets in."""


def manifest(**changes: Any) -> dict[str, Any]:
    """Of a bundle for ``PART``, as JSON has it."""
    own = bundle_maker.manifest(InsertionConfig(limits=LIMITS), BLIND.law())
    own["part"]["hole_depth"] = PART.hole_depth
    return own | changes


def controller(**changes: Any) -> BundleController:
    return BundleController(Manifest.read(manifest(**changes)), POLICY)


def write(path: Path) -> Path:
    """A bundle file."""
    content = manifest()
    write_bundle(path, content, POLICY, bundle_maker.golden(content, POLICY))
    return path


def at_start(robot: SimulatedRobot, seed: int) -> Pose:
    """Draw conditions, bring the robot to the start as ``envs.robot.insert`` does; T_base_nominal."""
    hole = robot.draw(gymnasium.utils.seeding.np_random(seed)[0])
    height = robot.task.path.start_height + robot.part.peg_length
    start = controller().reset(hole, compose(hole, ((0.0, 0.0, height), IDENTITY)))
    robot.place((start.position, start.orientation))
    return hole
