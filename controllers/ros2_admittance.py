"""Parameters of the ros2_controllers ``admittance_controller``, read into a compliance law and written back.

The format holds three diagonals (x y z rx ry rz, SI units), mass, damping ratio and stiffness, with
``D = 2 damping_ratio sqrt(mass stiffness)``; selected axes, a filter, names of frames, and the tool's weight
and centre of mass. It differs in meaning from this package (by the sources of release 6.9):

- Centre. The control frame gives the AXES only. Wrench and offset are those of the sensor frame, so the law
  acts at the origin of the SENSOR frame. ``effective_law`` moves it to that of the control frame.
- joint_damping [1/s] lowers the joint accelerations by ``joint_damping * joint velocity``: with a Jacobian of
  full rank a damping ``joint_damping * M`` on top of D, often more than D. ``effective_law`` includes it.
- Filter. ``y = alpha u + (1 - alpha) y`` each update; ours with ``alpha = 1 - exp(-2 pi cutoff / rate)``: a
  coefficient means a cutoff only at a stated rate. 1 is no filter; from 0.9568 to 1 the cutoff is above the
  Nyquist frequency, which we refuse. Theirs starts from zero, and filters in the axes of the world.
- M, D and K are diagonal in the control frame, which turns with the measured posture; ours stay in the
  nominal one: the same to first order. Before release 6.4 M was diagonal in the base frame.
- An unselected axis receives no wrench, while spring and damper still act on it; here it is held.
- Signs agree. ``wrench_reference`` is ADDED to the reading, in the sensor frame and before the filter; our
  F_ref is subtracted after it.
- Weight. ``CoG.force`` is mass times 9.81, along -z of the world. ``CoG.pos`` is from the sensor's origin in
  the axes of the gravity-compensation frame: rotate it before using it as ``ToolConfig.centre_of_mass``.
- Integration: theirs steps the joints, with a spring on the MEASURED offset; ours is implicit or exact, with
  a spring on the commanded one. A NaN in their reading counts as a zero wrench.
- They have no limits on wrench, reference, offset or speed, no deadband and no check of age.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from math import expm1, log1p, pi, sqrt
from os import PathLike
from typing import Any

from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.config import AdmittanceConfig
from assembly_rl.controllers.diagonal import MATRICES, Discarded, diagonal_frame, off_diagonal, split
from assembly_rl.controllers.ros2_parameters import MANAGER, Parameters, dump, load, nodes_of, require_number
from assembly_rl.controllers.se3 import IDENTITY, Pose, Vector, require_pose, rotate_back, rotation_matrix
from assembly_rl.controllers.validation import AXES, InputError, require_cutoff

DEFAULT_NODE = "admittance_controller"
GRAVITY = 9.81
"""Acceleration with which the format converts mass to weight [m/s2]."""
MASS_BOUNDS = (1e-4, 1e6)
STIFFNESS_BOUNDS = (0.0, 1e8)
LARGEST_COEFFICIENT = -expm1(-pi)
"""Filter coefficient at the Nyquist frequency, whatever the rate."""

BLOCKS = ("ft_sensor", "control", "fixed_world_frame", "gravity_compensation")
DEFAULTS = {
    "ft_sensor.filter_coefficient": 0.05,
    "gravity_compensation.CoG.force": 0.0,
    "admittance.joint_damping": 5.0,
}
KNOWN = (
    *DEFAULTS,
    "ft_sensor.name",
    "gravity_compensation.CoG.pos",
    *(f"admittance.{name}" for name in ("selected_axes", "mass", "damping_ratio", "stiffness")),
    *(f"{block}.frame.id" for block in BLOCKS),
    *(f"{block}.frame.external" for block in BLOCKS),  # in old files; no release reads it
)


@dataclass(frozen=True, eq=False)
class Ros2Admittance:
    """Content of a parameter file in the terms of this package.

    Attributes:
        law: Law with M, D, K as in the file. It acts at the origin of the SENSOR frame, in the axes of the
            control frame, whose name is its centre; to run it here, take ``effective_law``.
        selected_axes: Axes on which the wrench acts.
        cutoff: Cutoff of the wrench filter [Hz], at the rate given to the reader; None for no filter.
        sensor: Name of the sensor.
        sensor_frame: Name of the frame in which the sensor measures.
        world_frame: Name of the frame along whose -z gravity points.
        gravity_frame: Name of the frame with the axes of ``centre_of_mass``.
        tool_mass: Mass of everything on the far side of the sensor [kg]; the format has it times 9.81.
        centre_of_mass: Centre of that mass, from the origin of the sensor frame [m].
        joint_damping: Damping of the joints per mass [1/s].
        parameters: All parameters as read, by dotted path; the writer keeps those that it does not know.
    """

    law: ComplianceLaw
    selected_axes: tuple[bool, ...]
    cutoff: float | None
    sensor: str
    sensor_frame: str
    world_frame: str
    gravity_frame: str
    tool_mass: float
    centre_of_mass: Vector
    joint_damping: float
    parameters: dict[str, Any]

    def effective_law(self, pose: Pose | None = None) -> ComplianceLaw:
        """Return the law that ROS effectively runs, at the origin of the control frame, for our controller.

        It includes the damping of the joints, ``D + joint_damping M``, and is moved from the origin of the
        sensor frame to that of the control frame. Exact to first order in offset and speed, for a Jacobian
        of full rank. If the origins differ, the axes that are not selected are no longer the same.

        Args:
            pose: Pose T_sc of the control frame in the sensor frame, position [m] and quaternion xyzw;
                optional if the two are one frame.

        Raises:
            ValueError: A missing pose although the frames differ, or not a position and a unit quaternion.
        """
        law = replace(self.law, damping=self.law.damping + self.joint_damping * self.law.mass)
        if pose is None:
            if law.centre != self.sensor_frame:
                raise InputError(
                    f"effective_law needs the pose of the control frame {law.centre!r} in the sensor "
                    f"frame {self.sensor_frame!r}: ROS runs the law at the origin of the sensor frame"
                )
            return law
        require_pose("pose", pose)
        position, rotation = pose
        # The law has the axes of the control frame already: only its origin moves.
        return law.transport((rotate_back(rotation_matrix(rotation), position), IDENTITY), law.centre)


@dataclass(frozen=True, eq=False)
class Ros2Parameters:
    """Parameters as written, and settings that did not fit.

    Attributes:
        parameters: Parameters by dotted path.
        discarded: Off-diagonal entries that were left out, by matrix; empty if there were none.
        left_out: Settings of the config that the format cannot hold, ``name = value`` each.
    """

    parameters: dict[str, Any]
    discarded: dict[str, Discarded]
    left_out: tuple[str, ...]

    def text(self, node: str = DEFAULT_NODE) -> str:
        """Return the parameters as a YAML file for ROS; comments at the top list what did not fit."""
        lost = (f"# not in this file: {entry}\n" for entry in (*self.discarded.values(), *self.left_out))
        return "".join(lost) + dump(node, self.parameters)

    def save(self, path: str | PathLike[str], node: str = DEFAULT_NODE, *, overwrite: bool = False) -> None:
        """Write ``text`` to a file; replace an existing one only with ``overwrite``."""
        text = self.text(node)  # before the file is touched
        with open(path, "w" if overwrite else "x", encoding="utf-8") as file:
            file.write(text)


def read_ros2_admittance(
    source: str | PathLike[str] | Mapping[str, Any], rate: float, node: str = DEFAULT_NODE
) -> Ros2Admittance:
    """Read parameters of the ``admittance_controller``, from a YAML file or a mapping.

    Args:
        source: Path of a parameter file, or a mapping: its content, or the parameters of the node.
        rate: Control rate [Hz], which converts ``filter_coefficient`` to a cutoff; not above the
            ``update_rate`` of the parameters, if they have one. If the controller manager of the same
            namespace is in the file, the rate at which it runs the node.
        node: Name of the node in the file with its namespace, such as ``/robot/admittance_controller``. See
            ``Parameters.of_node`` for wildcards.

    Raises:
        ValueError: A value that the format or our controller does not accept, with path, value and bound.
            Stiffness 0, which makes the damping 0 too, is accepted with a joint_damping > 0 or on an axis
            that is not selected.
        OSError: The file cannot be read.
        ImportError: PyYAML is not installed.
    """
    if isinstance(source, Mapping):
        return _read(source, rate, node)
    if not isinstance(source, str | PathLike):
        raise InputError(f"source must be a path or a mapping, got {source!r:.80}")
    content = load(source)
    try:
        return _read(content, rate, node)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


def _read(content: Mapping[Any, Any], rate: float, node: str) -> Ros2Admittance:
    parameters = Parameters.of_node(content, node)
    rate = _require_rate(parameters, rate)
    _require_rate_of_manager(content, node, parameters, rate)
    parameters.require_known(KNOWN)
    given = Parameters(DEFAULTS | parameters)
    law, selected, joint_damping = _read_law(given)
    x, y, z = given.numbers("gravity_compensation.CoG.pos", AXES[:3])
    return Ros2Admittance(
        law=law,
        selected_axes=selected,
        cutoff=_read_cutoff(given, rate),
        sensor=given.name("ft_sensor.name"),
        sensor_frame=given.name("ft_sensor.frame.id"),
        world_frame=given.name("fixed_world_frame.frame.id"),
        gravity_frame=given.name("gravity_compensation.frame.id"),
        tool_mass=given.number("gravity_compensation.CoG.force", 0.0) / GRAVITY,
        centre_of_mass=(x, y, z),
        joint_damping=joint_damping,
        parameters=dict(parameters),
    )


def _require_rate(parameters: Mapping[str, Any], rate: float) -> float:
    """Check the rate against the ``update_rate`` of the parameters, if any (0 for none), and return it."""
    rate = require_number("rate", rate, 1e-6)
    stated = require_number("update_rate", parameters.get("update_rate", 0), 0.0)
    if stated and rate > stated:
        raise InputError(
            f"update_rate = {stated:g} Hz among the parameters, but the rate is said to be {rate:g} Hz; "
            "filter_coefficient means another cutoff then"
        )
    return rate


def _require_rate_of_manager(
    content: Mapping[Any, Any], node: str, parameters: Mapping[str, Any], rate: float
) -> None:
    """Check the rate against that at which the controller manager of the file runs the node."""
    nodes = nodes_of(content)
    name = f"{node.rpartition('/')[0]}/{MANAGER}"
    manager = Parameters.matching(nodes, name) if nodes else None
    if manager is None or "update_rate" not in manager:
        return
    stated = require_number(f"update_rate of {name}", manager["update_rate"], 1e-6)
    own = require_number("update_rate", parameters.get("update_rate", 0), 0.0)
    run = own if 0.0 < own < stated else stated
    if abs(rate - run) > 1e-6 * run:
        raise InputError(
            f"update_rate = {stated:g} Hz of {name} runs the controller at {run:g} Hz, but the rate is "
            f"said to be {rate:g} Hz; filter_coefficient means another cutoff then"
        )


def _read_law(parameters: Parameters) -> tuple[ComplianceLaw, tuple[bool, ...], float]:
    """Read law, selected axes and joint damping."""
    centre = parameters.name("control.frame.id")
    selected = parameters.flags("admittance.selected_axes", AXES)
    mass = parameters.numbers("admittance.mass", AXES, *MASS_BOUNDS)
    ratio = parameters.numbers("admittance.damping_ratio", AXES, 0.0)
    stiffness = parameters.numbers("admittance.stiffness", AXES, *STIFFNESS_BOUNDS)
    joint_damping = parameters.number("admittance.joint_damping", 0.0)
    damping = [2.0 * zeta * sqrt(m * k) for zeta, m, k in zip(ratio, mass, stiffness, strict=True)]
    for axis, move, k, zeta in zip(AXES, selected, stiffness, ratio, strict=True):
        if move and k == 0.0 and joint_damping == 0.0:
            raise InputError(
                f"admittance.stiffness[{axis}] = 0 leaves the selected axis undamped at any damping_ratio, "
                f"here {zeta} (D = 2 zeta sqrt(M K)), with joint_damping = 0 too; one of them must be > 0"
            )
    return ComplianceLaw.from_diagonals(mass, damping, stiffness, centre), selected, joint_damping


def _read_cutoff(parameters: Parameters, rate: float) -> float | None:
    path = "ft_sensor.filter_coefficient"
    alpha = parameters.number(path, 0.0, 1.0)
    if alpha == 1.0:
        return None
    cutoff = -log1p(-alpha) * rate / (2.0 * pi)
    if not 0.0 < cutoff < 0.5 * rate:
        raise InputError(
            f"{path} must be > 0 and below {LARGEST_COEFFICIENT:.6g}, where the cutoff is the Nyquist "
            f"frequency {0.5 * rate:g} Hz, or 1 for no filter, got {alpha}"
        )
    return cutoff


def write_ros2_admittance(
    law: ComplianceLaw,
    rate: float,
    *,
    config: AdmittanceConfig | None = None,
    base: Ros2Admittance | None = None,
    discard: bool = False,
) -> Ros2Parameters:
    """Write a law as parameters of the ``admittance_controller``.

    ROS will run it at the origin of the sensor frame in the axes of the control frame, with joint_damping on
    top; ``law`` becomes ``Ros2Admittance.law``. For an ``effective_law``, which has the joint damping in it
    already, take ``replace(base, joint_damping=0.0)`` as ``base``.

    Args:
        law: Law to write; its centre becomes the control frame.
        rate: Control rate [Hz].
        config: Source of selected axes and cutoff; ``base`` if None, and without both all axes and no filter.
            The other fields have no place in the format and are listed in ``left_out``; one that is not the
            default is refused without ``discard``.
        base: Source of everything else: sensor, frames, tool, other parameters. Without it the result has
            only the parameters known here, to be merged into a complete file.
        discard: True to drop and report off-diagonal entries and settings that the format cannot hold.

    Raises:
        ValueError: An off-diagonal entry above rounding (coupling 1e-9) or a setting that is not the default,
            without ``discard``; damping on an axis without stiffness; an axis without any damping; a mass,
            stiffness or cutoff out of bounds. The message names the entry and its size.
    """
    parameters = Parameters()
    if base is not None:
        parameters.add(base.parameters)
    rate = _require_rate(parameters, rate)
    discarded = off_diagonal(law)
    if discarded and not discard:
        raise InputError(_refusal(law, discarded))
    left_out = () if config is None else _left_out(config, discard)
    source = config or base
    cutoff = source.cutoff if source else None
    require_cutoff("cutoff", cutoff, rate)
    mass, damping, stiffness = (split(getattr(law, label))[0].tolist() for label in MATRICES)
    if base is not None:
        parameters |= {
            "ft_sensor.name": base.sensor,
            "ft_sensor.frame.id": base.sensor_frame,
            "fixed_world_frame.frame.id": base.world_frame,
            "gravity_compensation.frame.id": base.gravity_frame,
            "gravity_compensation.CoG.pos": list(base.centre_of_mass),
            "gravity_compensation.CoG.force": GRAVITY * base.tool_mass,
            "admittance.joint_damping": base.joint_damping,
        }
    parameters |= {
        "ft_sensor.filter_coefficient": 1.0 if cutoff is None else -expm1(-2.0 * pi * cutoff / rate),
        "control.frame.id": law.centre,
        "admittance.selected_axes": list(source.selected_axes) if source else [True] * 6,
        "admittance.mass": mass,
        "admittance.damping_ratio": list(map(_damping_ratio, AXES, mass, damping, stiffness)),
        "admittance.stiffness": stiffness,
    }
    written = Parameters(DEFAULTS | parameters)
    _read_law(written)  # refuses what ROS and the reader would
    if base is not None:
        for path in ("ft_sensor.name", *(f"{block}.frame.id" for block in BLOCKS)):
            written.name(path)
        written.numbers("gravity_compensation.CoG.pos", AXES[:3])
        written.number("gravity_compensation.CoG.force", 0.0)
    return Ros2Parameters(dict(parameters), discarded, left_out)


def _refusal(law: ComplianceLaw, discarded: dict[str, Discarded]) -> str:
    found = "; ".join(map(str, discarded.values()))
    if (law.stiffness != law.stiffness.T).any():
        found += " (the stiffness is asymmetric)"
    pose = diagonal_frame(law)
    if pose is None:
        advice = "no frame makes M, D and K diagonal together; discard=True drops what is off the diagonal"
    else:
        position, rotation = ([round(value, 6) + 0.0 for value in part] for part in pose)
        advice = (
            "transport it to the frame where it is diagonal, law.transport(diagonal_frame(law), name), "
            f"at {position} m from {law.centre!r} with quaternion {rotation}, if that is the origin of the "
            "sensor, where ROS will run it; or use discard=True"
        )
    return f"the format holds diagonals of mass, damping and stiffness alone: {found}; {advice}"


def _damping_ratio(axis: str, mass: float, damping: float, stiffness: float) -> float:
    critical = 2.0 * sqrt(max(mass * stiffness, 0.0))
    if critical > 0.0:
        return damping / critical
    if damping == 0.0:
        return 1.0  # any ratio makes the damping 0; this one is right once there is a spring
    raise InputError(
        f"damping[{axis}] = {damping:g} with stiffness[{axis}] = {stiffness:g}: damping_ratio cannot hold it "
        "(D = 2 zeta sqrt(M K)); give the axis a soft spring, or leave its damping to joint_damping"
    )


def _left_out(config: AdmittanceConfig, discard: bool) -> tuple[str, ...]:
    """List the settings that the format has no place for."""
    lost = []
    for entry in fields(config):
        if entry.name in ("selected_axes", "cutoff"):
            continue
        value = getattr(config, entry.name)
        lost.append(f"AdmittanceConfig.{entry.name} = {value}")
        if value != getattr(AdmittanceConfig(), entry.name) and not discard:
            raise InputError(f"the format has no place for {lost[-1]}; discard=True leaves it out")
    return tuple(lost)
