"""Profile of a device's speed, from a file of conf/profile or measured on this machine."""

from dataclasses import dataclass, field
from importlib import resources

import yaml

from assembly_rl.controllers.serialization import from_mapping
from assembly_rl.controllers.validation import (
    InputError,
    finite_numbers,
    require_not_negative,
    require_positive,
)
from assembly_rl.planner.kernels import Kernel

KINDS = ("matrix", "vector", "costly")
"""Kinds of kernels whose time every profile has."""


@dataclass
class Profile:
    """Speed and memory of a device, in SI units.

    Attributes:
        name: Name in tables.
        device: Kind of torch device.
        calibrated: True if measured on the device; otherwise the values are from data sheets.
        kernels: Kind of kernel -> time per call, floating-point operation and byte [s].
        context: Implementation of updates (``learner``, ``autograd``) -> ratio of a kernel's time in an
            update to that in isolation, and host time per kernel [s]; for a CPU only.
        launch: Host time to launch a kernel [s]; 0 where the host does the work itself.
        captures: True if a whole update can be captured as one graph.
        copy: Time to copy a batch's indices or a row to the device [s].
        memory: Memory [byte].
        peak: Peak performance [floating-point operations/s], for the utilisation.
    """

    name: str = "???"
    device: str = "cpu"
    calibrated: bool = False
    kernels: dict[str, list[float]] = field(default_factory=dict)
    context: dict[str, list[float]] = field(default_factory=dict)
    launch: float = 0.0
    captures: bool = False
    copy: float = 0.0
    memory: float = 0.0
    peak: float = 0.0

    def __post_init__(self) -> None:
        label = f"profile {self.name!r}"
        if self.device not in ("cpu", "cuda", "npu"):
            raise InputError(f"{label}: device must be cpu, cuda or npu, got {self.device!r}")
        for kind in KINDS:
            if kind not in self.kernels:
                raise InputError(f"{label} has no kernels.{kind}: give [call, operation, byte] in seconds")
        for key, length, values in (("kernels", 3, self.kernels), ("context", 2, self.context)):
            for name, numbers in values.items():
                if not finite_numbers(numbers, length) or min(numbers) < 0.0:
                    raise InputError(f"{label}: {key}.{name} must be {length} numbers >= 0, got {numbers}")
        require_not_negative(self, "launch", "copy", "memory")
        require_positive(self, "peak")

    def costs(self, kernel: Kernel) -> list[float]:
        """Return the time per call, floating-point operation and byte of a kernel [s]."""
        return self.kernels["matrix" if kernel.kind == "wide" and "wide" not in self.kernels else kernel.kind]

    def seconds(self, kernel: Kernel) -> float:
        """Return the time of a kernel on the device [s]."""
        call, flop, byte = self.costs(kernel)
        if self.device == "cpu":
            return call + flop * kernel.flops + byte * kernel.bytes  # fitted together
        return call + max(flop * kernel.flops, byte * kernel.bytes)


def known_profiles() -> dict[str, Profile]:
    """Read the profiles of conf/profile.

    Returns:
        Name of the file -> profile.
    """
    folder = resources.files("assembly_rl.conf").joinpath("profile")
    found = {}
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        name, _, suffix = entry.name.rpartition(".")
        if suffix == "yaml":
            found[name] = from_mapping(Profile, yaml.safe_load(entry.read_text(encoding="utf-8"))[name])
    return found
