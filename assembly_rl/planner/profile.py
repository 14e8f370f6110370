"""How fast a device is: data, from a file of conf/profile or measured on the machine at hand."""

from dataclasses import dataclass, field
from importlib import resources

import yaml

from assembly_rl.controllers.serialization import from_mapping
from assembly_rl.planner.kernels import Kernel


@dataclass
class Profile:
    """A device, for the planner. SI units.

    Attributes:
        name: Shown in tables.
        device: Kind of torch device.
        calibrated: Measured where it stands; else from data sheets.
        kernels: Kind of kernel -> seconds for each call, floating-point operation and byte.
        context: How updates are made (``learner``, ``autograd``) -> factor by which kernels take longer in an
            update than by themselves, and host seconds for each; of a CPU.
        launch: Host time to launch a kernel [s]; 0 where the host does the work itself.
        captures: One graph holds a whole update.
        copy: Copy of a batch's indices or of a row to the device [s].
        memory: [byte].
        peak: [floating-point operations/s], for the share that is used of it.
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

    def costs(self, kernel: Kernel) -> list[float]:
        """Seconds for a call, a floating-point operation and a byte."""
        return self.kernels["matrix" if kernel.kind == "wide" and "wide" not in self.kernels else kernel.kind]

    def seconds(self, kernel: Kernel) -> float:
        """Time of a kernel on the device."""
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
