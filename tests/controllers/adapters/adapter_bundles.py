"""Small bundles, and the robot that goes with them, for the tests of the adapters."""

import json
from dataclasses import asdict, replace
from enum import Enum
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from assembly_rl.controllers.bundles import BundleController, Manifest, write_bundle
from assembly_rl.controllers.bundles.golden import Golden, run
from assembly_rl.controllers.bundles.manifest import CONVENTIONS, FORMAT
from assembly_rl.controllers.insertion import InsertionConfig, LimitConfig, Observer
from assembly_rl.controllers.mlp import MLP
from assembly_rl.controllers.se3 import IDENTITY, Pose, compose
from assembly_rl.controllers.validation import AXES
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.config import PoseErrorConfig, RandomizationConfig
from assembly_rl.envs.robot import SimulatedRobot

PART = PegHole(hole_depth=0.008)
LIMITS = LimitConfig(time=1.5)
BLIND = TaskConfig(limits=LIMITS)
"""The hole is known to a millimetre: a policy that knows nothing does not get in."""
EXACT = replace(BLIND, randomization=RandomizationConfig(hole_estimate=PoseErrorConfig()))
"""The hole is known: every policy gets in."""


def _name(value: Enum) -> str:
    return value.name


def manifest(**changes: Any) -> dict[str, Any]:
    """Of a bundle for ``PART``, as JSON has it."""
    insertion, law = InsertionConfig(limits=LIMITS), TaskConfig().law()
    content = {
        "format": FORMAT,
        "name": "small",
        "created": "2026-01-01T00:00:00+00:00",
        "conventions": CONVENTIONS,
        "insertion": asdict(insertion),
        "observations": list(Observer(insertion.observation).names),
        "actions": list(AXES),
        "activations": ["relu", "tanh"],
        "law": {name: getattr(law, name).tolist() for name in ("mass", "damping", "stiffness")},
        "contact": None,
        "tool": {"centre": [0.0, 0.0, -PART.peg_length], "mass": 0.0, "centre_of_mass": [0.0, 0.0, 0.0]},
        "gravity": [0.0, 0.0, -9.81],
        "sensor": {"cutoff": 40.0, "delay": 0.0},
        "part": asdict(replace(PART, parameters=dict(PART.parameters))),
        "provenance": {},
    }
    content.update(changes)
    plain: dict[str, Any] = json.loads(json.dumps(content, default=_name))
    return plain


def policy(seed: int = 0) -> MLP:
    """A small network with random weights."""
    rng = np.random.default_rng(seed)
    inputs = len(Observer(InsertionConfig().observation).names)
    shapes = ((8, inputs, "relu"), (6, 8, "tanh"))
    return MLP(
        [
            (0.3 * rng.standard_normal((rows, columns), np.float32), np.zeros(rows, np.float32), name)
            for rows, columns, name in shapes
        ]
    )


def controller(**changes: Any) -> BundleController:
    return BundleController(Manifest.read(manifest(**changes)), policy())


def write(path: Path) -> Path:
    """A bundle file."""
    content, network, steps = manifest(), policy(), 3
    rng = np.random.default_rng(1)
    observations = rng.standard_normal((2, len(content["observations"]))).astype(np.float32)
    own = BundleController(Manifest.read(content), network)
    position, orientation = own.start
    golden = Golden(
        observations=observations,
        actions=np.array([network(row) for row in observations]),
        hole=np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]),
        bias=np.zeros(6),
        times=np.arange(steps) / own.rate,
        wrenches=rng.standard_normal((steps, 6)),
        poses=np.tile([*position, *orientation], (steps, 1)),
        commands=np.zeros((steps, 7)),
    )
    golden = replace(golden, commands=np.array(list(run(own, golden))))
    write_bundle(path, content, network, golden)
    return path


def at_start(robot: SimulatedRobot, seed: int) -> Pose:
    """Draw conditions, bring the robot to the start as ``envs.robot.insert`` does; T_base_nominal."""
    hole = robot.draw(gymnasium.utils.seeding.np_random(seed)[0])
    height = robot.task.path.start_height + robot.part.peg_length
    start = controller().reset(hole, compose(hole, ((0.0, 0.0, height), IDENTITY)))
    robot.place((start.position, start.orientation))
    return hole
