"""Golden vectors: inputs with the outputs that every machine must reproduce."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.bundles.controller import BundleController
from assembly_rl.controllers.mlp import MLP
from assembly_rl.controllers.validation import InputError

Array = NDArray[np.float64]
ACTION_TOLERANCE = 1e-5
"""Tolerance of an action: float32 sums in another order differ by less."""
COMMAND_TOLERANCE = 1e-8
"""Tolerance of a command's position [m] and of its quaternion's components."""
MAX_OBSERVATIONS = 256
"""Most golden observations."""
MAX_STEPS = 1000
"""Most golden steps."""


@dataclass(frozen=True)
class Golden:
    """Inputs, and outputs that the exporting machine computed.

    Attributes:
        observations: (n, observations) observations, float32.
        actions: (n, 6) actions of the network before the clip, float32.
        hole: (7,) pose of the hole at the controller's reset [m, xyzw].
        bias: (6,) bias of the sensor [N, Nm].
        times: (k,) times [s].
        wrenches: (k, 6) readings of the first steps of an insertion [N, Nm].
        poses: (k, 7) measured poses [m, xyzw].
        commands: (k, 7) commands of the controller [m, xyzw].
    """

    observations: NDArray[np.float32]
    actions: NDArray[np.float32]
    hole: Array
    bias: Array
    times: Array
    wrenches: Array
    poses: Array
    commands: Array

    def tensors(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Yield name and values of each tensor, for a file."""
        for field in fields(self):
            yield f"golden.{field.name}", getattr(self, field.name)

    @classmethod
    def of(cls, tensors: dict[str, NDArray[Any]]) -> "Golden":
        """Take the golden vectors out of a file's tensors.

        Raises:
            ValueError: A tensor is missing, or has another shape or type.
        """
        taken = {}
        for field in fields(cls):
            name = f"golden.{field.name}"
            if name not in tensors:
                raise InputError(f"the tensor {name!r} is missing")
            taken[field.name] = tensors.pop(name)
        own = cls(**taken)
        n, k = len(np.atleast_1d(own.observations)), len(np.atleast_1d(own.times))
        shapes = {
            "observations": (n, *own.observations.shape[1:2]), "actions": (n, 6), "hole": (7,), "bias": (6,),
            "times": (k,), "wrenches": (k, 6), "poses": (k, 7), "commands": (k, 7),
        }  # fmt: skip
        for name, shape in shapes.items():
            kind = np.float32 if name in ("observations", "actions") else np.float64
            tensor = taken[name]
            if tensor.shape != shape or tensor.dtype != kind or not np.isfinite(tensor).all():
                raise InputError(
                    f"the tensor 'golden.{name}' must have shape {shape}, {kind.__name__}, finite"
                )
        if n > MAX_OBSERVATIONS or k > MAX_STEPS:
            raise InputError(
                f"there are {n} golden observations and {k} golden steps, more than {MAX_OBSERVATIONS} "
                f"and {MAX_STEPS}"
            )
        if not n or not k:
            raise InputError("there are no golden vectors: export the run again")
        return own

    def check(self, controller: BundleController, policy: MLP) -> None:
        """Compute the outputs again with the network and the controller.

        Raises:
            ValueError: An output differs.
        """
        for number, (observation, action) in enumerate(zip(self.observations, self.actions, strict=True)):
            if observation.shape != (len(controller.manifest.observations),):
                raise InputError("the tensor 'golden.observations' does not fit observations")
            with np.errstate(all="ignore"):
                error = float(np.abs(policy(observation) - action).max())
            if not error <= ACTION_TOLERANCE:
                raise InputError(
                    f"golden observation {number} gives an action that is off by {error:.2g}: the network "
                    "or this machine computes something else than at the export"
                )
        for number, command in enumerate(run(controller, self)):
            error = float(np.abs(command - self.commands[number]).max())
            if not error <= COMMAND_TOLERANCE:
                raise InputError(
                    f"golden step {number} gives a command that is off by {error:.2g}: the controller "
                    "computes something else than at the export"
                )


def run(controller: BundleController, golden: Golden) -> Iterator[Array]:
    """Yield the commands (7,) of a controller for the golden steps."""
    hole = golden.hole.tolist()
    position, orientation = (hole[0], hole[1], hole[2]), (hole[3], hole[4], hole[5], hole[6])
    controller.reset((position, orientation), bias=golden.bias.tolist())
    for time, wrench, pose in zip(
        golden.times.tolist(), golden.wrenches.tolist(), golden.poses.tolist(), strict=True
    ):
        command = controller.step(wrench, (pose[:3], pose[3:]), time)
        yield np.array((*command.position, *command.orientation))
