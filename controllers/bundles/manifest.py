"""Description of the controller in a bundle. SI units; vectors of six are x y z rx ry rz."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from assembly_rl.controllers import bounds
from assembly_rl.controllers.ceiling_config import CeilingConfig
from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.contact_config import ContactConfig
from assembly_rl.controllers.guidance import GuidanceConfig
from assembly_rl.controllers.insertion.config import InsertionConfig
from assembly_rl.controllers.insertion.observation import ObservationConfig, Observer
from assembly_rl.controllers.insertion.observation_terms import OBSERVATION_TERMS
from assembly_rl.controllers.insertion.supervisor_config import SupervisorConfig
from assembly_rl.controllers.insertion.symmetry import SymmetryConfig
from assembly_rl.controllers.serialization import complete, from_mapping, to_mapping
from assembly_rl.controllers.validation import (
    AXES,
    InputError,
    require_not_negative,
    require_positive,
    require_times,
    require_vector,
)
from assembly_rl.controllers.wrench import ToolConfig

FORMAT = 8
"""Version of the format.

Format 1 had neither ``response``, ``contact.lead``, a dither, nor tip, floor and name of the part; formats 1
and 2 had no observation of past poses, visits and time; formats 1 to 3 had no ``insertion.symmetry``;
formats 1 to 4 had no ``insertion.ceiling``; formats 1 to 5 had no ``insertion.base``;
formats 1 to 6 had no ``insertion.supervisor``;
format 7 had a supervisor that neither levels the peg nor searches farther in some attempts.
"""
NEW_OBSERVATION = ("pose_ages", "visit_cells", "visit_extent", "time_scale")
"""Fields of the observation that format 3 added."""
CONVENTIONS = {
    "units": "SI: m, rad, s, N, Nm, kg",
    "quaternion": "x y z w",
    "wrench": "force then moment that the environment applies to the tool, about the sensor's origin",
    "sensor": "origin and axes are those of the flange",
    "pose": "T_base_flange: position, then quaternion",
    "command": "T_base_flange, to be reached at the end of the control period",
    "hole": "T_base_nominal: origin at the centre of the hole's mouth, z out of the hole",
    "law": "about the tip, in the axes of the nominal frame; linear components first",
    "tare": "mean of readings in free space at the start",
    "start": "the tip path.start_height above the mouth, at rest, in free space",
}
"""Conventions of all numbers; bundles with other conventions are refused."""
MAX_DELAY = 20
"""Largest delay in control periods."""
MAX_DEPTH = 32
"""Most levels of nesting in a manifest."""
MAX_ENTRIES = 20_000
"""Most objects, lists, texts and numbers in a manifest."""
MAX_TEXT = 4000
"""Longest text in a manifest."""
SMALLEST_INERTIA = 1e-6
"""Smallest eigenvalue of the mass matrix [kg, kg m2]."""


@dataclass
class LawConfig:
    """Matrices of the compliance law, six rows of six each.

    Attributes:
        mass: Mass matrix M [kg, kg m, kg m2].
        damping: Damping matrix D [Ns/m, Ns, Nms/rad].
        stiffness: Stiffness matrix K [N/m, N, Nm/rad].
    """

    mass: list[list[float]]
    damping: list[list[float]]
    stiffness: list[list[float]]

    def law(self) -> ComplianceLaw:
        """Build the law.

        Raises:
            ValueError: ``ComplianceLaw`` refuses a matrix, or an entry is larger than that of any robot.
        """
        law = ComplianceLaw(self.mass, self.damping, self.stiffness)  # type: ignore[arg-type]
        largest = {
            "mass": (bounds.MASS, bounds.MASS), "damping": bounds.DAMPING, "stiffness": bounds.STIFFNESS,
        }  # fmt: skip
        for name, pair in largest.items():
            for number, value in enumerate(getattr(law, name).diagonal().tolist()):
                if value > pair[number // 3]:
                    raise InputError(
                        f"law.{name}[{AXES[number]}] must be <= {pair[number // 3]:g} in SI units, "
                        f"got {value}"
                    )
        smallest = float(np.linalg.eigvalsh(law.mass)[0])
        if smallest < SMALLEST_INERTIA:
            raise InputError(
                f"law.mass must have eigenvalues >= {SMALLEST_INERTIA:g} in SI units, got {smallest:g}"
            )
        return law


@dataclass
class SensorNote:
    """Sensor of the training; a robot's should be as fast.

    Attributes:
        cutoff: Cutoff of its first-order low-pass filter [Hz].
        delay: Delay from contact to reading [s].
    """

    cutoff: float
    delay: float

    def __post_init__(self) -> None:
        require_positive(self, cutoff=bounds.FREQUENCY)
        require_not_negative(self, delay=bounds.DELAY)


@dataclass
class ResponseNote:
    """Response of the robot to its commands in the training; a robot's should be within the ranges.

    Attributes:
        lag: Range [low, high] of the time constant of a first-order lag [s].
        delay: Range [low, high] of the pure delay [s].
    """

    lag: list[float]
    delay: list[float]

    def __post_init__(self) -> None:
        require_times(self, bounds.DELAY, "lag", "delay")

    def words(self) -> str:
        """Return the ranges in words, in milliseconds."""
        ranges = [f"{name} {in_milliseconds(*getattr(self, name))}" for name in ("lag", "delay")]
        return ", ".join(ranges)


def in_milliseconds(low: float, high: float) -> str:
    """Return a range of seconds as text: ``0 to 40 ms``, or ``30 ms``."""
    return f"{1e3 * low:g} ms" if low == high else f"{1e3 * low:g} to {1e3 * high:g} ms"


@dataclass
class PartNote:
    """Part of the training.

    Attributes:
        section: Name of the section.
        parameters: Parameters of the section [m].
        clearance: Clearance [m].
        chamfer: Chamfer [m].
        hole_depth: Depth of the hole [m]; the goal is ``insertion.limits.goal_margin`` above its bottom.
        peg_length: Distance from flange to tip [m].
        tip_chamfer: Chamfer of the peg's tip [m].
        blind: The hole has a floor.
        name: Name of the part; empty for that of the section.
    """

    section: str
    parameters: dict[str, Any]
    clearance: float
    chamfer: float
    hole_depth: float
    peg_length: float
    tip_chamfer: float
    blind: bool
    name: str

    @property
    def label(self) -> str:
        """Name of the part, or of its section."""
        return self.name or self.section

    def __post_init__(self) -> None:
        require_positive(self, hole_depth=bounds.LENGTH, peg_length=bounds.LENGTH)
        for name in ("clearance", "chamfer", "tip_chamfer"):
            if not abs(getattr(self, name)) <= bounds.LENGTH:
                raise InputError(
                    f"PartNote.{name} must be within +-{bounds.LENGTH:g} m, got {getattr(self, name)}"
                )


@dataclass
class Manifest:
    """Content of a bundle other than the numbers of its network.

    Attributes:
        format: Version of the bundle's format.
        name: Name of the controller.
        created: Date and time, UTC.
        conventions: Conventions of all numbers, ``CONVENTIONS``.
        insertion: Rates, path, controller, meaning of action and observation, limits.
        observations: Names of the components of the observation, in order.
        actions: Names of the components of the action, in order.
        activations: Activations of the network, layer by layer.
        law: Compliance law.
        contact: Stiffest contact in which the law has to be stable; null for no check.
        tool: Position of the tip, and the load on the sensor.
        gravity: Gravity in the base frame [m/s2].
        sensor: Sensor of the training.
        response: Response of the robot in the training; null if it is unknown.
        part: Part of the training.
        provenance: Training and its result: algorithm, seed, versions, evaluation.
    """

    format: int
    name: str
    created: str
    conventions: dict[str, str]
    insertion: InsertionConfig
    observations: list[str]
    actions: list[str]
    activations: list[str]
    law: LawConfig
    contact: ContactConfig | None
    tool: ToolConfig
    gravity: list[float]
    sensor: SensorNote
    response: ResponseNote | None
    part: PartNote
    provenance: dict[str, Any]

    def __post_init__(self) -> None:
        if self.conventions != CONVENTIONS:
            wrong = sorted(
                key
                for key in {*self.conventions, *CONVENTIONS}
                if self.conventions.get(key) != CONVENTIONS.get(key)
            )
            raise InputError(f"conventions.{wrong[0]} is not that of this assembly_rl: export the run anew")
        insertion = self.insertion
        if not self.name or any(letter in self.name for letter in "/\\\0"):
            raise InputError(f"name must be that of a file, got {self.name!r}")
        observation = insertion.observation
        for group in observation.groups:
            if not OBSERVATION_TERMS.get(group).measurable:
                raise InputError(
                    f"insertion.observation.groups has {group!r}, which a robot does not measure: train "
                    "with wrench, pose, last_action, base_action, wrench_history, pose_history or time"
                )
        names = list(Observer(observation).names)
        if self.observations != names:
            raise InputError(f"observations must be {names}, as insertion.observation says")
        if self.actions != list(AXES):
            raise InputError(f"actions must be {list(AXES)}, got {self.actions}")
        if self.contact is not None and self.contact.delay * insertion.control_rate > MAX_DELAY:
            raise InputError(
                f"contact.delay must be <= {MAX_DELAY} control periods, got {self.contact.delay} s"
            )
        require_vector("gravity", self.gravity, bounds.GRAVITY)
        if insertion.limits.goal_margin >= self.part.hole_depth:
            raise InputError(
                f"insertion.limits.goal_margin must be less than part.hole_depth = {self.part.hole_depth} m, "
                f"got {insertion.limits.goal_margin}"
            )

    @classmethod
    def read(cls, values: Any) -> "Manifest":
        """Build a manifest from JSON.

        Raises:
            ValueError: The format is newer, or a field is missing, unknown, of another type or out of range.
        """
        _require_modest(values)
        found = values.get("format") if isinstance(values, Mapping) else None
        if not isinstance(found, int) or isinstance(found, bool) or found < 1:
            raise InputError(f"format must be a number from 1 to {FORMAT}, got {found!r}")
        if found > FORMAT:
            raise InputError(f"format is {found}, this assembly_rl reads up to {FORMAT}: install a newer one")
        return from_mapping(cls, complete(cls, upgraded(values, found), "bundle"))


def upgraded(values: dict[str, Any], found: int) -> dict[str, Any]:
    """Add to a manifest of an earlier format what the present one has beyond it; its number is unchanged.

    Args:
        values: Manifest, in types of JSON.
        found: Number of its format.
    """
    insertion = values.get("insertion")
    if found == 7 and isinstance(insertion, dict) and isinstance(own := insertion.get("supervisor"), dict):
        new = {"level_time": 0.0, "reach": [1.0], "yaw_reach": [1.0]}
        insertion = {**insertion, "supervisor": {**new, **own}}
    if found < 7 and isinstance(insertion, dict):
        insertion = {"supervisor": to_mapping(SupervisorConfig()), **insertion}
    if found < 6 and isinstance(insertion, dict):
        insertion = {"base": to_mapping(GuidanceConfig()), **insertion}
    if found < 5 and isinstance(insertion, dict):
        insertion = {"ceiling": to_mapping(CeilingConfig()), **insertion}
    if found < 4 and isinstance(insertion, dict):
        insertion = {"symmetry": {"after": None, "every": SymmetryConfig().every}, **insertion}
    if found < 3 and isinstance(insertion, dict) and isinstance(own := insertion.get("observation"), dict):
        new = {name: getattr(ObservationConfig(), name) for name in NEW_OBSERVATION}
        insertion = {**insertion, "observation": {**new, **own}}
    if found < 2 and isinstance(insertion, dict) and isinstance(action := insertion.get("action"), dict):
        insertion = {**insertion, "action": {"dither": [0.0] * 6, **action}}
    values = {**values, "insertion": insertion}
    if found > 1:
        return values
    contact, part = values.get("contact"), values.get("part")
    if isinstance(contact, dict):
        contact = {"lead": None, **contact}
    if isinstance(part, dict):
        part = {"tip_chamfer": 0.0, "blind": False, "name": "", **part}
    return {"response": None, **values, "contact": contact, "part": part}


def _require_modest(values: Any) -> None:
    """Refuse a manifest that is nested too deep, or has too many entries or too long a text."""
    level, count = [values], 0
    for _ in range(MAX_DEPTH):
        count += len(level)
        following: list[Any] = []
        for value in level:
            if isinstance(value, str) and len(value) > MAX_TEXT:
                raise InputError(f"the manifest has a text of {len(value)} characters: {value[:40]!r}...")
            if isinstance(value, dict):
                following += value.keys()
                following += value.values()
            elif isinstance(value, list):
                following += value
        if count + len(following) > MAX_ENTRIES:
            raise InputError(f"the manifest has more than {MAX_ENTRIES} entries")
        level = following
        if not level:
            return
    raise InputError(f"the manifest is nested more than {MAX_DEPTH} levels deep")
