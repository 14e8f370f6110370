"""Guidance without learning: pushing wrench as a function of time, wrench and pose.

Each class is a baseline for a learned controller. It returns the wrench [N, Nm] with which the tool pushes
at the compliance centre (the negative of the reference wrench F_ref), in the axes of the nominal frame;
-z pushes into the hole. Parameters are tuned by ``assembly-rl-benchmark``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import pi, sin
from typing import Protocol

from assembly_rl.controllers.serialization import from_mapping
from assembly_rl.controllers.validation import InputError, is_finite, unknown

LARGEST_PARAMETER = 1e6
"""Largest parameter of a guidance, in its unit."""


class Guidance(Protocol):
    """Interface of guidance that steers the admittance controller."""

    def push(self, time: float, wrench: Sequence[float], pose: Sequence[float]) -> list[float]:
        """Return the wrench to push with.

        Args:
            time: Time since the start of the insertion [s].
            wrench: Wrench that the environment applies to the tool at the tip, six floats [N, Nm].
            pose: Pose of the tip in the nominal frame, translation and rotation vector, six floats [m, rad].

        Returns:
            Pushing wrench, six floats [N, Nm].
        """
        ...


@dataclass(frozen=True)
class FixedGuidance:
    """Constant push along the hole axis: the compliance law alone has to find the hole.

    Attributes:
        force: Pushing force [N], into the hole.
    """

    force: float = 0.0

    def push(self, time: float, wrench: Sequence[float], pose: Sequence[float]) -> list[float]:
        """Return the wrench to push with [N, Nm]; arguments as in ``Guidance.push``."""
        return [0.0, 0.0, -self.force, 0.0, 0.0, 0.0]


@dataclass(frozen=True)
class DitherGuidance:
    """Constant push plus sinusoidal forces and moments of incommensurable frequencies.

    Attributes:
        force: Pushing force [N], into the hole.
        lateral_force: Amplitude of the lateral forces [N].
        force_frequency: Frequency of the lateral force in x [Hz]; in y it is ``ratio`` times as high.
        moment: Amplitude of the moments about x and y [Nm].
        moment_frequency: Frequency of the moment about x [Hz]; about y it is ``ratio`` times as high.
        yaw_moment: Amplitude of the moment about z [Nm].
        yaw_frequency: Frequency of the moment about z [Hz].
        ratio: Ratio of the frequencies of two axes [1].
    """

    force: float = 0.0
    lateral_force: float = 3.0
    force_frequency: float = 1.0
    moment: float = 0.05
    moment_frequency: float = 1.5
    yaw_moment: float = 0.05
    yaw_frequency: float = 2.0
    ratio: float = 1.27

    def push(self, time: float, wrench: Sequence[float], pose: Sequence[float]) -> list[float]:
        """Return the wrench to push with [N, Nm]; arguments as in ``Guidance.push``."""
        turn = 2.0 * pi * time
        return [
            self.lateral_force * sin(turn * self.force_frequency),
            self.lateral_force * sin(turn * self.force_frequency * self.ratio),
            -self.force,
            self.moment * sin(turn * self.moment_frequency),
            self.moment * sin(turn * self.moment_frequency * self.ratio),
            self.yaw_moment * sin(turn * self.yaw_frequency),
        ]


@dataclass(frozen=True)
class ReflexGuidance:
    """Moment reflex: the contact moment shows on which side the peg rests, so move the other way.

    A moment about -y acts on a peg that rests on the rim at +x. The reflex answers moments with lateral
    forces and with moments, and pulls softly back to the nominal axis.

    Attributes:
        force: Pushing force [N], into the hole.
        force_per_moment: Lateral force per contact moment [1/m]: ``ux = k my``, ``uy = -k mx``.
        moment_per_moment: Tilting moment per contact moment [1].
        yaw_per_moment: Moment about z per contact moment about z [1].
        moment_per_force: Tilting moment per lateral contact force [m]: ``urx = -k fy``, ``ury = k fx``.
        centring: Stiffness of the pull to the nominal axis [N/m].
        upright: Stiffness of the pull to the nominal orientation [Nm/rad].
        largest_force: Bound of the lateral forces [N].
    """

    force: float = 4.0
    force_per_moment: float = 60.0
    moment_per_moment: float = 0.0
    yaw_per_moment: float = 0.0
    moment_per_force: float = 0.0
    centring: float = 0.0
    upright: float = 0.0
    largest_force: float = 5.0

    def push(self, time: float, wrench: Sequence[float], pose: Sequence[float]) -> list[float]:
        """Return the wrench to push with [N, Nm]; arguments as in ``Guidance.push``."""
        fx, fy, _, mx, my, mz = wrench
        x, y, _, rx, ry, rz = pose
        bound = self.largest_force
        ux = self.force_per_moment * my - self.centring * x
        uy = -self.force_per_moment * mx - self.centring * y
        return [
            max(-bound, min(bound, ux)),
            max(-bound, min(bound, uy)),
            -self.force,
            self.moment_per_moment * mx - self.moment_per_force * fy - self.upright * rx,
            self.moment_per_moment * my + self.moment_per_force * fx - self.upright * ry,
            self.yaw_per_moment * mz - self.upright * rz,
        ]


GUIDANCE: dict[str, type[FixedGuidance] | type[DitherGuidance] | type[ReflexGuidance]] = {
    "fixed": FixedGuidance,
    "dither": DitherGuidance,
    "reflex": ReflexGuidance,
}
"""Guidance classes by name."""


@dataclass
class GuidanceConfig:
    """Guidance by its name and parameters.

    Attributes:
        guidance: ``fixed``, ``dither`` or ``reflex``; null for none.
        parameters: Fields of the guidance's class; omitted fields keep their defaults.
    """

    guidance: str | None = None
    parameters: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.guidance is None:
            if self.parameters:
                raise InputError(
                    f"parameters {sorted(self.parameters)} belong to no guidance: give guidance="
                    f"{'|'.join(GUIDANCE)}, too"
                )
            return
        make_guidance(self.guidance, self.parameters)


def make_guidance(name: str, parameters: Mapping[str, float]) -> Guidance:
    """Create guidance.

    Args:
        name: Key of ``GUIDANCE``.
        parameters: Fields of its class; omitted fields keep their defaults.

    Raises:
        ValueError: Guidance or parameter is unknown, or a value is not a plausible number.
    """
    if name not in GUIDANCE:
        raise InputError(unknown("guidance", name, list(GUIDANCE)))
    for parameter, value in parameters.items():
        if not (is_finite(value) and abs(value) <= LARGEST_PARAMETER):
            raise InputError(
                f"parameter {parameter} of the guidance {name!r} must be a number within "
                f"+-{LARGEST_PARAMETER:g}, got {value}"
            )
    return from_mapping(GUIDANCE[name], dict(parameters))
