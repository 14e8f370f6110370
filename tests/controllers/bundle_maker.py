"""A small bundle without a training: random weights, the default insertion, a law of its own."""

from collections.abc import Sequence
from dataclasses import asdict
from enum import Enum
from math import sin
from pathlib import Path
from typing import Any

import numpy as np

from assembly_rl.controllers import BundleController, ComplianceLaw
from assembly_rl.controllers.bundles import Manifest, write_bundle
from assembly_rl.controllers.bundles.golden import Golden
from assembly_rl.controllers.bundles.manifest import CONVENTIONS
from assembly_rl.controllers.insertion import InsertionConfig, Observer
from assembly_rl.controllers.mlp import MLP
from assembly_rl.controllers.validation import AXES

LENGTH = 0.04
HOLE = ((0.4, -0.1, 0.2), (0.0, 0.0, 0.0, 1.0))


def policy(
    inputs: int = 42, scale: float = 0.3, seed: int = 0, hidden: Sequence[int] = (8,), bias: float = 0.1
) -> MLP:
    rng = np.random.default_rng(seed)
    widths = [inputs, *hidden, 6]
    activations = [*["relu"] * len(hidden), "tanh"]
    return MLP(
        [
            (
                (scale * rng.normal(size=(after, before))).astype(np.float32),
                (bias * rng.normal(size=after)).astype(np.float32),
                activation,
            )
            for before, after, activation in zip(widths, widths[1:], activations, strict=False)
        ]
    )


def plain(values: Any) -> Any:
    if isinstance(values, dict):
        return {key: plain(value) for key, value in values.items()}
    return values.name if isinstance(values, Enum) else values


LAW = ComplianceLaw.from_diagonals(
    [4.0, 4.0, 4.0, 0.06, 0.06, 0.06], [150.0, 150.0, 800.0, 1.0, 1.0, 1.0], [0.0, 0.0, 300.0, 3.0, 3.0, 3.0]
)


def manifest(config: InsertionConfig | None = None, law: ComplianceLaw = LAW) -> dict[str, Any]:
    config = config or InsertionConfig()
    return {
        "format": 2,
        "name": "small",
        "created": "2026-01-01T00:00:00+00:00",
        "conventions": dict(CONVENTIONS),
        "insertion": plain(asdict(config)),
        "observations": list(Observer(config.observation).names),
        "actions": list(AXES),
        "activations": ["relu", "tanh"],
        "law": {
            "mass": law.mass.tolist(),
            "damping": law.damping.tolist(),
            "stiffness": law.stiffness.tolist(),
        },
        "contact": {
            "stiffness": [3e4] * 3 + [500.0] * 3, "delay": 0.0, "lag": 0.0, "sensor_cutoff": 40.0,
            "lead": None,
        },
        "tool": {"centre": [0.0, 0.0, -LENGTH], "mass": 0.0, "centre_of_mass": [0.0, 0.0, 0.0]},
        "gravity": [0.0, 0.0, -9.81],
        "sensor": {"cutoff": 40.0, "delay": 0.0},
        "response": {"lag": [0.0, 0.04], "delay": [0.0, 0.01]},
        "part": {
            "section": "square", "parameters": {"width": 0.02}, "clearance": 1e-4, "chamfer": 3e-4,
            "hole_depth": 0.025, "peg_length": LENGTH, "tip_chamfer": 0.0, "blind": False, "name": "",
        },
        "provenance": {"seed": 0, "evaluation": {"episodes": 0}},
    }  # fmt: skip


def golden(values: dict[str, Any], network: MLP, steps: int = 30) -> Golden:
    controller = BundleController(Manifest.read(values), network)
    rng = np.random.default_rng(1)
    observations = rng.normal(size=(5, network.layers[0][0].shape[1])).astype(np.float32)
    (x, y, z), orientation = HOLE
    start = controller.start[0]
    pose = [x + start[0], y + start[1], z + start[2], *orientation]
    controller.reset(HOLE, bias=[1.0, 0.0, -1.0, 0.0, 0.0, 0.01])
    times = [k / controller.rate for k in range(steps)]
    wrenches = [[1.0 + sin(k), 0.3, -1.0 + 0.2 * k, 0.0, 0.01 * k, 0.01] for k in range(steps)]
    commands = [
        (*command.position, *command.orientation)
        for command in (
            controller.step(wrench, (pose[:3], pose[3:]), time)
            for wrench, time in zip(wrenches, times, strict=True)
        )
    ]
    return Golden(
        observations,
        np.array([network(row) for row in observations]),
        np.array([x, y, z, *orientation]),
        np.array([1.0, 0.0, -1.0, 0.0, 0.0, 0.01]),
        np.array(times),
        np.array(wrenches),
        np.array([pose] * steps),
        np.array(commands),
    )


def write(path: Path, config: InsertionConfig | None = None, **changes: Any) -> Path:
    values = manifest(config) | changes
    network = policy(len(values["observations"]))
    write_bundle(path, values, network, golden(values, network))
    return path
