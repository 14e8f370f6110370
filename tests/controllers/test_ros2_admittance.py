import copy
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assembly_rl.controllers.admittance import AdmittanceController
from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.config import AdmittanceConfig, GainConfig
from assembly_rl.controllers.faults import Fault
from assembly_rl.controllers.ros2_admittance import (
    LARGEST_COEFFICIENT,
    Ros2Admittance,
    read_ros2_admittance,
    write_ros2_admittance,
)
from assembly_rl.controllers.se3 import invert, quat_exp, rotation_matrix
from assembly_rl.controllers.validation import InputError

RATE = 500.0
POSE = ((0.02, -0.03, 0.15), quat_exp((0.4, -0.2, 1.1)))

FILE = """\
controller_manager:
  ros__parameters:
    update_rate: 500  # Hz
    peg_controller:
      type: admittance_controller/AdmittanceController

admittance_controller:
  ros__parameters:
    joints: [shoulder, elbow, "y"]
    state_interfaces:
      - position
      - velocity
    kinematics:
      plugin_name: some_kinematics/Plugin
      alpha: 5e-4
    ft_sensor:
      name: wrist
      frame:
        id: flange  # readings are in this frame
        external: false
      filter_coefficient: 0.02
    control:
      frame:
        id: peg_tip
        external: false
    fixed_world_frame.frame.id: world
    gravity_compensation:
      frame:
        id: flange
      CoG:
        pos:
          - 0.01
          - -0.02
          - 0.05
        force: 19.62
    admittance:
      selected_axes: [true, True, on, true, off, false]
      mass: [4.0, 4.0, 2.5, 6e-2, 0.06, .06]
      damping_ratio:
        - 2.8
        - 0.0
        - 1.0
        - 0.7
        - 1.0
        - 1.0
      stiffness: [400.0, 500.0, 300.0, 3, 3.0, 2.0]
      joint_damping: 2.5
"""


def bare() -> dict[str, Any]:
    """The parameters of FILE that we interpret, as a mapping."""
    return {
        "joints": ["shoulder", "elbow", "y"],
        "ft_sensor": {"name": "wrist", "frame": {"id": "flange"}, "filter_coefficient": 0.02},
        "control": {"frame": {"id": "peg_tip", "external": False}},
        "fixed_world_frame": {"frame": {"id": "world"}},
        "gravity_compensation": {
            "frame": {"id": "flange"},
            "CoG": {"pos": [0.01, -0.02, 0.05], "force": 19.62},
        },
        "admittance": {
            "selected_axes": [True, True, True, True, False, False],
            "mass": [4.0, 4.0, 2.5, 0.06, 0.06, 0.06],
            "damping_ratio": [2.8, 0.0, 1.0, 0.7, 1.0, 1.0],
            "stiffness": [400.0, 500.0, 300.0, 3.0, 3.0, 2.0],
            "joint_damping": 2.5,
        },
    }


def put(path: str, value: Any) -> dict[str, Any]:
    """The bare parameters with one put in; ``...`` takes it out."""
    parameters = bare()
    *groups, last = path.split(".")
    here: Any = parameters
    for name in groups:
        here = here[name]
    if "[" in last:
        last, index = last[:-1].split("[")
        here[last][int(index)] = value
    elif value is ...:
        del here[last]
    else:
        here[last] = value
    return parameters


def assert_same(one: Ros2Admittance, other: Ros2Admittance, tolerance: float = 1e-14) -> None:
    for name in ("mass", "damping", "stiffness"):
        np.testing.assert_allclose(
            getattr(one.law, name), getattr(other.law, name), rtol=tolerance, atol=0, err_msg=name
        )
    assert one.law.centre == other.law.centre
    assert (one.cutoff or math.inf) == pytest.approx(other.cutoff or math.inf, rel=1e-12)
    names = ("selected_axes", "sensor", "sensor_frame", "world_frame", "gravity_frame")
    for name in (*names, "centre_of_mass", "joint_damping"):
        assert getattr(one, name) == getattr(other, name), name
    assert one.tool_mass == pytest.approx(other.tool_mass, rel=1e-14)
    assert others(one) == others(other)


def others(ros: Ros2Admittance) -> dict[str, Any]:
    """The parameters of other blocks."""
    ours = ("admittance", "control", "fixed_world_frame", "ft_sensor", "gravity_compensation")
    return {path: value for path, value in ros.parameters.items() if path.split(".")[0] not in ours}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "controllers.yaml"
    file.write_text(FILE, encoding="utf-8")
    return file


# ---------------------------------------------------------------------- reading


@pytest.mark.parametrize("convert", [str, Path])
def test_a_file_is_read_into_our_terms(path: Path, convert: Callable[[Path], Any]) -> None:
    ros = read_ros2_admittance(convert(path), RATE)
    mass, stiffness = [4.0, 4.0, 2.5, 0.06, 0.06, 0.06], [400.0, 500.0, 300.0, 3.0, 3.0, 2.0]
    ratio = [2.8, 0.0, 1.0, 0.7, 1.0, 1.0]
    np.testing.assert_array_equal(ros.law.mass, np.diag(mass))
    np.testing.assert_array_equal(ros.law.stiffness, np.diag(stiffness))
    damping = [2 * z * math.sqrt(m * k) for z, m, k in zip(ratio, mass, stiffness, strict=True)]
    np.testing.assert_allclose(ros.law.damping, np.diag(damping), rtol=1e-15)
    assert ros.law.damping[0, 0] == pytest.approx(224.0)
    assert ros.law.centre == "peg_tip"
    assert ros.selected_axes == (True, True, True, True, False, False)
    assert (ros.sensor, ros.sensor_frame, ros.world_frame) == ("wrist", "flange", "world")
    assert ros.gravity_frame == "flange"
    assert ros.tool_mass == pytest.approx(2.0, rel=1e-15)
    assert ros.centre_of_mass == (0.01, -0.02, 0.05)
    assert ros.joint_damping == 2.5
    assert ros.parameters["joints"] == ["shoulder", "elbow", "y"]
    assert ros.parameters["kinematics.alpha"] == 5e-4
    assert ros.parameters["control.frame.external"] is False


def test_what_is_not_stated_has_the_defaults_of_ros() -> None:
    parameters = put("ft_sensor.filter_coefficient", ...)
    del parameters["gravity_compensation"]["CoG"]["force"]
    del parameters["admittance"]["joint_damping"]
    ros = read_ros2_admittance(parameters, RATE)
    assert ros.cutoff == read_ros2_admittance(put("ft_sensor.filter_coefficient", 0.05), RATE).cutoff
    assert ros.tool_mass == 0.0
    assert ros.joint_damping == 5.0


def test_the_node_is_picked_by_name(path: Path) -> None:
    file = {"left": {"ros__parameters": bare()}, "/right": {"ros__parameters": put("ft_sensor.name", "r")}}
    assert read_ros2_admittance(file, RATE, "/right").sensor == "r"
    with pytest.raises(ValueError, match="no node 'admittance_controller'; the nodes are 'left', '/right'"):
        read_ros2_admittance(file, RATE)
    with pytest.raises(ValueError, match="'controller_manager', 'admittance_controller'"):
        read_ros2_admittance(path, RATE, "left")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("admittance.mass", ..., r"admittance\.mass is missing$"),
        ("control.frame.id", ..., r"control\.frame\.id is missing"),
        ("ft_sensor.name", ..., r"ft_sensor\.name is missing"),
        ("ft_sensor.frame.id", ..., r"ft_sensor\.frame\.id is missing"),
        ("fixed_world_frame", ..., r"fixed_world_frame\.frame\.id is missing"),
        ("gravity_compensation.frame.id", ..., r"gravity_compensation\.frame\.id is missing"),
        ("gravity_compensation.CoG.pos", ..., r"gravity_compensation\.CoG\.pos is missing"),
        ("admittance.mass", [1.0] * 5, r"admittance\.mass must be a list of 6 entries x y z rx ry rz, got"),
        ("admittance.mass[2]", 0.0, r"admittance\.mass\[z\] must be .*\[0\.0001, 1e\+06\], got 0\.0"),
        ("admittance.mass[3]", 9e-5, r"admittance\.mass\[rx\] .*, got 9e-05"),
        ("admittance.mass[0]", 1.1e6, r"admittance\.mass\[x\] .*, got 1100000\.0"),
        ("admittance.stiffness[5]", -1.0, r"admittance\.stiffness\[rz\] must .*\[0, 1e\+08\], got -1"),
        ("admittance.stiffness[5]", 2e8, r"admittance\.stiffness\[rz\] .*, got 2"),
        ("admittance.damping_ratio[4]", -0.1, r"admittance\.damping_ratio\[ry\] .*\[0, inf\], got -0\.1"),
        ("admittance.damping_ratio[4]", 1.7e308, r"damping\[ry, ry\] = inf is not finite"),
        ("admittance.joint_damping", -1.0, r"admittance\.joint_damping must be .*\[0, inf\], got -1"),
        ("admittance.selected_axes[1]", 1, r"admittance\.selected_axes\[y\] must be true or false, got 1"),
        ("admittance.stifness", [1.0] * 6, r"admittance\.stifness is not .* did you mean .*\.stiffness\?"),
        ("ft_sensor.frame.idd", "a", r"ft_sensor\.frame\.idd is not .* did you mean ft_sensor\.frame\.id\?"),
        ("gravity_compensation.CoG.weight", 1.0, r"gravity_compensation\.CoG\.weight is not a parameter"),
        ("ft_sensor.frame.id", "", r"ft_sensor\.frame\.id must be a name, got ''"),
        ("ft_sensor.filter_coefficient", 0.0, r"filter_coefficient must be > 0 and below .*, got 0\.0"),
        ("ft_sensor.filter_coefficient", 1.5, r"filter_coefficient must be .*within \[0, 1\], got 1\.5"),
        ("ft_sensor.filter_coefficient", 0.96, r"below 0\.956786, .*Nyquist frequency 250 Hz, or 1 .*0\.96"),
        ("gravity_compensation.CoG.force", -1.0, r"CoG\.force must be .*\[0, inf\], got -1"),
        ("gravity_compensation.CoG.pos[1]", math.inf, r"CoG\.pos\[y\] must be .*, got inf"),
        ("gravity_compensation.CoG.pos", [1.0] * 6, r"CoG\.pos must be a list of 3 entries x y z"),
        ("update_rate", 250, r"update_rate = 250 Hz .* said to be 500 Hz"),
        ("update_rate", -1, r"update_rate must be .*, got -1"),
    ],
)
def test_refusals_name_parameter_value_and_bound(path: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_ros2_admittance(put(path, value), RATE)


@pytest.mark.parametrize("value", [1e-4, 1e6])
def test_the_bounds_of_the_format_are_inside(value: float) -> None:
    assert read_ros2_admittance(put("admittance.mass[1]", value), RATE).law.mass[1, 1] == value
    assert read_ros2_admittance(put("admittance.stiffness[1]", 1e8), RATE).law.stiffness[1, 1] == 1e8


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf, "fast", None, True])
def test_a_rate_must_be_a_positive_number(rate: Any) -> None:
    with pytest.raises(ValueError, match="rate must be"):
        read_ros2_admittance(bare(), rate)
    with pytest.raises(ValueError, match="rate must be"):
        write_ros2_admittance(read_ros2_admittance(bare(), RATE).law, rate)


def test_a_controller_may_run_slower_than_its_update_rate_but_not_faster() -> None:
    """The manager caps it; zero stands for the rate of the manager."""
    for own in (0, 500, 1000):
        ros = read_ros2_admittance(put("update_rate", own), RATE)
        assert ros.parameters["update_rate"] == own
    with pytest.raises(ValueError, match=r"update_rate = 1000 Hz .* said to be 2000 Hz"):
        write_ros2_admittance(ros.law, 2000.0, base=ros)


def test_the_rate_of_the_controller_manager_is_not_contradicted(path: Path) -> None:
    for rate in (250.0, 1000.0):
        with pytest.raises(
            InputError, match=f"update_rate = 500 Hz of /controller_manager .* be {rate:g} Hz"
        ) as caught:
            read_ros2_admittance(path, rate)
        assert str(path) in str(caught.value)
    content = {"/ns": {"controller_manager": {"ros__parameters": {"update_rate": 500}}}}
    content["/ns"]["admittance_controller"] = {"ros__parameters": put("update_rate", 100)}
    assert read_ros2_admittance(content, 100.0, "/ns/admittance_controller").parameters["update_rate"] == 100
    for rate, own in ((500.0, 100), (50.0, 100), (250.0, 0), (250.0, 1000)):
        content["/ns"]["admittance_controller"]["ros__parameters"]["update_rate"] = own
        with pytest.raises(InputError, match="update_rate"):
            read_ros2_admittance(content, rate, "/ns/admittance_controller")
    content["/ns"]["controller_manager"]["ros__parameters"]["update_rate"] = "500"
    with pytest.raises(
        InputError, match="update_rate of /ns/controller_manager must be .*, got '500', which is text"
    ):
        read_ros2_admittance(content, 500.0, "/ns/admittance_controller")


@pytest.mark.parametrize("value", ["'50.0'", "5_0", "1:30", "0b11", "0o17", "~"])
def test_no_text_is_taken_for_a_mass(path: Path, value: str) -> None:
    path.write_text(FILE.replace("mass: [4.0,", f"mass: [{value},"), encoding="utf-8")
    with pytest.raises(
        InputError, match=r"controllers\.yaml.*admittance\.mass: a list must have entries of one type"
    ):
        read_ros2_admittance(path, RATE)
    path.write_text(FILE.replace("joint_damping: 2.5", f"joint_damping: {value}"), encoding="utf-8")
    with pytest.raises(
        InputError, match=r"controllers\.yaml: admittance\.joint_damping must be a finite number"
    ):
        read_ros2_admittance(path, RATE)


@pytest.mark.parametrize("frame", ["nan", "inf", "0x1p3", "yes", "1e3", "~", "1:30", "0b11"])
def test_no_name_of_a_frame_comes_back_as_something_else(tmp_path: Path, frame: str) -> None:
    ros = replace(read_ros2_admittance(put("control.frame.id", frame), RATE), sensor_frame=frame)
    write_ros2_admittance(ros.law, RATE, base=ros).save(tmp_path / "out.yaml")
    read = read_ros2_admittance(tmp_path / "out.yaml", RATE)
    assert (read.law.centre, read.sensor_frame) == (frame, frame)


@pytest.mark.parametrize("source", [None, 3, [bare()], b"file", {}, {1: 2}, {"a": {"ros__parameters": 3}}])
def test_other_sources_are_refused(source: Any) -> None:
    with pytest.raises(ValueError, match="must be|is missing|not the name of a parameter"):
        read_ros2_admittance(source, RATE)


def test_endless_nesting_is_refused() -> None:
    parameters = bare()
    parameters["more"] = parameters
    with pytest.raises(ValueError, match="nested without end"):
        read_ros2_admittance(parameters, RATE)


# ---------------------------------------------------------------------- axes without stiffness


def test_no_stiffness_is_no_damping_and_joint_damping_must_hold_the_axis() -> None:
    parameters = put("admittance.stiffness[0]", 0.0)
    ros = read_ros2_admittance(parameters, RATE)
    assert ros.law.damping[0, 0] == 0.0
    assert ros.effective_law(((0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))).damping[0, 0] == 2.5 * 4.0
    parameters["admittance"]["joint_damping"] = 0.0
    with pytest.raises(ValueError, match=r"admittance\.stiffness\[x\] = 0 .* undamped .* here 2\.8"):
        read_ros2_admittance(parameters, RATE)
    parameters["admittance"]["selected_axes"][0] = False
    held = read_ros2_admittance(parameters, RATE)
    assert held.law.damping[0, 0] == 0.0
    with pytest.raises(ValueError, match=r"admittance\.stiffness\[x\] = 0 leaves the selected axis"):
        write_ros2_admittance(held.law, RATE, base=replace(held, selected_axes=(True,) * 6))


def test_damping_without_stiffness_cannot_be_written() -> None:
    law = ComplianceLaw.from_diagonals([1.0] * 6, [5.0] * 6, [9.0, 9.0, 0.0, 9.0, 9.0, 9.0])
    for discard in (False, True):
        with pytest.raises(ValueError, match=r"damping\[z\] = 5 with stiffness\[z\] = 0: damping_ratio"):
            write_ros2_admittance(law, RATE, discard=discard)


def test_without_stiffness_and_damping_the_ratio_is_critical() -> None:
    law = ComplianceLaw.from_diagonals([1.0] * 6, [0.0] * 6, [0.0, 9.0, 9.0, 9.0, 9.0, 9.0])
    written = write_ros2_admittance(law, RATE).parameters["admittance.damping_ratio"]
    assert written == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]


# ---------------------------------------------------------------------- the filter


@pytest.mark.parametrize("alpha", [1e-9, 0.005, 0.5, 0.95, 1.0])
def test_the_filter_gives_the_sequence_of_ros(alpha: float) -> None:
    """Theirs starts from zero, ours from the first reading: a first reading of zero makes them one."""
    ros = read_ros2_admittance(put("ft_sensor.filter_coefficient", alpha), RATE)
    law = ComplianceLaw.from_damping_ratio([2.0] * 6, [0.7] * 6, [4e3] * 6)
    ours = AdmittanceController(law, RATE, AdmittanceConfig(cutoff=ros.cutoff))
    fed = AdmittanceController(law, RATE)  # no filter: it is fed with what theirs gives
    readings = np.random.default_rng(0).uniform(-2.0, 2.0, (50, 6))
    readings[0] = 0.0
    smooth = np.zeros(6)
    for reading in readings:
        smooth = alpha * reading + (1.0 - alpha) * smooth
        offset, fault = ours.step(reading)
        expected, _ = fed.step(smooth)
        assert fault == Fault.NONE
        np.testing.assert_allclose(offset, expected, rtol=1e-9, atol=1e-17)
    assert np.abs(expected).max() > 1e-6 * alpha


def test_a_coefficient_means_a_cutoff_at_a_rate() -> None:
    ros = read_ros2_admittance(bare(), RATE)
    assert ros.cutoff == pytest.approx(-math.log(0.98) * RATE / (2.0 * math.pi), rel=1e-12)
    assert ros.cutoff is not None
    twice = read_ros2_admittance(bare(), 2.0 * RATE)
    assert twice.cutoff == pytest.approx(2.0 * ros.cutoff, rel=1e-15)
    written = write_ros2_admittance(ros.law, 2.0 * RATE, base=ros).parameters
    assert written["ft_sensor.filter_coefficient"] == pytest.approx(1.0 - math.sqrt(0.98), rel=1e-12)


def test_no_filter_is_a_coefficient_of_one() -> None:
    ros = read_ros2_admittance(put("ft_sensor.filter_coefficient", 1.0), RATE)
    assert ros.cutoff is None
    assert write_ros2_admittance(ros.law, RATE, base=ros).parameters["ft_sensor.filter_coefficient"] == 1.0


@given(st.floats(1e-12, LARGEST_COEFFICIENT * (1.0 - 1e-9)), st.floats(1.0, 1e5))
@settings(max_examples=20, deadline=None)
def test_coefficient_and_cutoff_come_back(alpha: float, rate: float) -> None:
    ros = read_ros2_admittance(put("ft_sensor.filter_coefficient", alpha), rate)
    written = write_ros2_admittance(ros.law, rate, base=ros).parameters
    assert written["ft_sensor.filter_coefficient"] == pytest.approx(alpha, rel=1e-12)
    assert read_ros2_admittance(written, rate).cutoff == pytest.approx(ros.cutoff, rel=1e-12)


# ---------------------------------------------------------------------- the law that ROS runs


def test_the_effective_law_moves_the_tool_as_ros_does() -> None:
    """Their rule at the sensor with joint damping, against our law at the tip, by rigid-body kinematics."""
    ros = read_ros2_admittance(bare(), RATE)
    law = ros.effective_law(POSE)
    assert law.centre == "peg_tip"
    turn = np.array(rotation_matrix(POSE[1])).reshape(3, 3)  # of the control frame in the sensor frame
    arm = np.array(POSE[0])
    mass, damping, stiffness = (
        getattr(ros.law, name).diagonal() for name in ("mass", "damping", "stiffness")
    )
    generator = np.random.default_rng(1)
    for _ in range(5):
        force, moment, x, w, v, omega = generator.standard_normal((6, 3))  # at the sensor, in its axes

        def control(linear: np.ndarray, angular: np.ndarray) -> np.ndarray:
            return np.concatenate((turn.T @ linear, turn.T @ angular))

        acceleration = (
            control(force, moment) - damping * control(v, omega) - stiffness * control(x, w)
        ) / mass - 2.5 * control(v, omega)
        linear, angular = turn @ acceleration[:3], turn @ acceleration[3:]

        def tip(linear: np.ndarray, angular: np.ndarray) -> np.ndarray:
            return control(linear + np.cross(angular, arm), angular)

        ours = np.linalg.solve(
            law.mass,
            control(force, moment - np.cross(arm, force))
            - law.damping @ tip(v, omega)
            - law.stiffness @ tip(x, w),
        )
        np.testing.assert_allclose(ours, tip(linear, angular), rtol=1e-9, atol=1e-9)


def test_the_effective_law_needs_a_pose_where_the_frames_differ() -> None:
    ros = read_ros2_admittance(bare(), RATE)
    with pytest.raises(ValueError, match="pose of the control frame 'peg_tip' in the sensor frame 'flange'"):
        ros.effective_law()
    with pytest.raises(ValueError, match="unit quaternion"):
        ros.effective_law(((0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 2.0)))
    same = read_ros2_admittance(put("control.frame.id", "flange"), RATE)
    expected = same.law.damping + 2.5 * same.law.mass
    np.testing.assert_array_equal(same.effective_law().damping, expected)
    np.testing.assert_array_equal(same.effective_law().stiffness, same.law.stiffness)


# ---------------------------------------------------------------------- writing


def test_a_file_comes_back(path: Path, tmp_path: Path) -> None:
    ros = read_ros2_admittance(path, RATE)
    written = write_ros2_admittance(ros.law, RATE, base=ros)
    assert written.discarded == {}
    assert written.left_out == ()
    assert set(written.parameters) == set(ros.parameters)
    assert written.parameters["kinematics.plugin_name"] == "some_kinematics/Plugin"
    assert_same(read_ros2_admittance(written.parameters, RATE), ros)
    out = tmp_path / "out.yaml"
    written.save(out, "arm")
    assert_same(read_ros2_admittance(out, RATE, "arm"), ros)


def test_the_attributes_are_written_and_not_what_was_read() -> None:
    ros = read_ros2_admittance(bare(), RATE)
    changed = replace(
        ros,
        cutoff=9.0,
        selected_axes=(False,) + (True,) * 5,
        sensor="s",
        sensor_frame="t",
        world_frame="u",
        gravity_frame="v",
        tool_mass=3.0,
        centre_of_mass=(1.0, 2.0, 3.0),
        joint_damping=7.0,
    )
    before = copy.deepcopy(ros.parameters)
    assert_same(
        read_ros2_admittance(write_ros2_admittance(ros.law, RATE, base=changed).parameters, RATE), changed
    )
    assert ros.parameters == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sensor": 5}, r"ft_sensor\.name must be a name, got 5"),
        ({"world_frame": ""}, r"fixed_world_frame\.frame\.id must be a name, got ''"),
        ({"centre_of_mass": (0.0, math.nan, 0.0)}, r"CoG\.pos\[y\] must be a finite number .*, got nan"),
        ({"tool_mass": -1.0}, r"CoG\.force must be a finite number"),
    ],
)
def test_no_base_is_written_that_could_not_be_read(changes: dict[str, Any], message: str) -> None:
    ros = read_ros2_admittance(bare(), RATE)
    with pytest.raises(InputError, match=message):
        write_ros2_admittance(ros.law, RATE, base=replace(ros, **changes))


def test_arrays_of_numpy_are_written_as_lists_of_numbers(tmp_path: Path) -> None:
    ros = replace(read_ros2_admittance(bare(), RATE), centre_of_mass=np.array([0.01, -0.02, 0.05]))
    written = write_ros2_admittance(ros.law, RATE, base=ros)
    assert "pos: [0.01, -0.02, 0.05]" in written.text()


def test_a_file_is_overwritten_only_when_told(tmp_path: Path) -> None:
    ros = read_ros2_admittance(bare(), RATE)
    written = write_ros2_admittance(ros.law, RATE, base=ros)
    out = tmp_path / "out.yaml"
    out.write_text("precious", encoding="utf-8")
    with pytest.raises(FileExistsError):
        written.save(out)
    assert out.read_text(encoding="utf-8") == "precious"
    bad = write_ros2_admittance(ros.law, RATE, base=replace(ros, parameters={"joints": object()}))
    with pytest.raises(ValueError, match="cannot be written as YAML"):
        bad.save(out, overwrite=True)
    assert out.read_text(encoding="utf-8") == "precious"
    written.save(out, overwrite=True)
    assert_same(read_ros2_admittance(out, RATE), ros)


def test_every_number_that_ros_wants_as_double_has_a_point() -> None:
    """ROS refuses an array of integers where it declared doubles."""
    parameters = put("admittance.mass", [1, 2, 3, 4, 5, 6])
    parameters["gravity_compensation"]["CoG"] = {"pos": [0, 0, 1], "force": 3}
    parameters["admittance"]["joint_damping"] = 5
    parameters["ft_sensor"]["filter_coefficient"] = 1
    parameters["admittance"]["stiffness"] = [1e8, 1e-5, 1, 2, 3, 4]
    ros = read_ros2_admittance(parameters, RATE)
    lines = write_ros2_admittance(ros.law, RATE, base=ros).text().splitlines()
    for line in (
        "mass: [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]",
        "stiffness: [100000000.0, 1.0e-05, 1.0, 2.0, 3.0, 4.0]",
        "pos: [0.0, 0.0, 1.0]",
        "joint_damping: 5.0",
        "filter_coefficient: 1.0",
        "joints: [shoulder, elbow, 'y']",
    ):
        assert line in [found.strip() for found in lines]


def test_without_a_base_the_result_is_an_overlay() -> None:
    law = read_ros2_admittance(bare(), RATE).law
    parameters = write_ros2_admittance(law, RATE).parameters
    assert parameters.keys() == {
        "ft_sensor.filter_coefficient",
        "control.frame.id",
        *(f"admittance.{name}" for name in ("selected_axes", "mass", "damping_ratio", "stiffness")),
    }
    assert parameters["ft_sensor.filter_coefficient"] == 1.0
    assert parameters["control.frame.id"] == "peg_tip"
    assert parameters["admittance.selected_axes"] == [True] * 6
    with pytest.raises(ValueError, match=r"gravity_compensation\.CoG\.pos is missing"):
        read_ros2_admittance(parameters, RATE)


@pytest.mark.parametrize(
    ("mass", "stiffness", "message"),
    [
        ([1.0, 1.0, 1.0, 5e-5, 1.0, 1.0], [1.0] * 6, r"admittance\.mass\[rx\] .*, got 5e-05"),
        ([1.0] * 6, [1.0, 1.1e8, 1.0, 1.0, 1.0, 1.0], r"admittance\.stiffness\[y\] .*, got 110000000"),
    ],
)
def test_what_ros_would_refuse_is_not_written(mass: Any, stiffness: Any, message: str) -> None:
    law = ComplianceLaw.from_damping_ratio(mass, [1.0] * 6, stiffness)
    for base in (None, read_ros2_admittance(bare(), RATE)):
        with pytest.raises(ValueError, match=message):
            write_ros2_admittance(law, RATE, base=base)


def coupled(symmetric: bool) -> ComplianceLaw:
    law = read_ros2_admittance(bare(), RATE).law
    matrix = law.stiffness.copy()
    matrix[0, 4] = 7.0
    matrix[4, 0] = 7.0 * symmetric
    return replace(law, stiffness=matrix, asymmetric_stiffness=not symmetric)


def test_off_diagonal_entries_are_refused_or_dropped_and_reported() -> None:
    law = coupled(symmetric=True)
    with pytest.raises(ValueError, match=r"stiffness\[x, ry\] = 7 \(coupling 0\.202.*; no frame makes M"):
        write_ros2_admittance(law, RATE)
    written = write_ros2_admittance(law, RATE, discard=True)
    assert list(written.discarded) == ["stiffness"]
    assert written.discarded["stiffness"].value == 7.0
    assert written.text().startswith("# not in this file: stiffness[x, ry] = 7 (coupling 0.202")
    plain = write_ros2_admittance(read_ros2_admittance(bare(), RATE).law, RATE)
    assert written.parameters == plain.parameters


def test_an_asymmetric_stiffness_is_named() -> None:
    with pytest.raises(ValueError, match=r"stiffness\[x, ry\] = 7 .*\(the stiffness is asymmetric\)"):
        write_ros2_admittance(coupled(symmetric=False), RATE)


def test_a_law_moved_away_is_refused_and_passes_when_moved_back() -> None:
    ros = read_ros2_admittance(bare(), RATE)
    moved = ros.law.transport(POSE, "elsewhere")
    with pytest.raises(ValueError, match=r"transport it to the frame where it is diagonal") as caught:
        write_ros2_admittance(moved, RATE, base=ros)
    for value in invert(POSE)[0]:
        assert f"{value:.4f}"[:-1] in str(caught.value)
    assert "m from 'elsewhere' with quaternion [" in str(caught.value)
    assert "if that is the origin of the sensor" in str(caught.value)
    back = moved.transport(invert(POSE), "peg_tip")
    written = write_ros2_admittance(back, RATE, base=ros)
    assert_same(read_ros2_admittance(written.parameters, RATE), ros, tolerance=1e-11)


def test_what_rounding_leaves_of_a_missing_spring_is_no_spring() -> None:
    """Transport leaves 1e-14 of a zero stiffness, as if damping_ratio could say something about it."""
    ros = read_ros2_admittance(put("admittance.stiffness", [0.0, 0.0, 3000.0, 0.0, 3.0, 3.0]), RATE)
    back = ros.law.transport(POSE, "elsewhere").transport(invert(POSE), "peg_tip")
    assert 0.0 < np.abs(back.stiffness.diagonal()[[0, 1, 3]]).max() < 1e-10
    written = write_ros2_admittance(back, RATE, base=ros).parameters
    assert [written["admittance.stiffness"][axis] for axis in (0, 1, 3)] == [0.0, 0.0, 0.0]


def test_small_entries_of_a_diagonal_law_are_kept() -> None:
    law = ComplianceLaw.from_damping_ratio([1e6, 1.0, 1.0, 1e-4, 1.0, 1.0], [1.0] * 6, [1e8] * 5 + [1e-9])
    written = write_ros2_admittance(law, RATE).parameters
    assert written["admittance.stiffness"][5] == 1e-9
    assert written["admittance.damping_ratio"] == pytest.approx([1.0] * 6, rel=1e-14)


def test_a_config_gives_axes_and_cutoff_and_its_limits_are_listed() -> None:
    ros = read_ros2_admittance(bare(), RATE)
    config = AdmittanceConfig(cutoff=40.0, selected_axes=[False] + [True] * 5)
    written = write_ros2_admittance(ros.law, RATE, config=config, base=ros)
    again = read_ros2_admittance(written.parameters, RATE)
    assert again.cutoff == pytest.approx(40.0, rel=1e-12)
    assert again.selected_axes == (False, True, True, True, True, True)
    listed = [entry.split(" = ")[0].removeprefix("AdmittanceConfig.") for entry in written.left_out]
    assert listed == [
        "discretization",
        "deadband",
        "wrench_limit",
        "reference_limit",
        "offset_limit",
        "speed_limit",
        "safety",
        "gains",
    ]
    assert "# not in this file: AdmittanceConfig.wrench_limit = [100.0, 100.0" in written.text()


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"deadband": [0.0, 0.5, 0.0, 0.0, 0.0, 0.0]}, r"no place for .*\.deadband = \[0\.0, 0\.5"),
        ({"gains": GainConfig(timeout=1.0)}, r"AdmittanceConfig\.gains = GainConfig\(.*timeout=1\.0"),
    ],
)
def test_settings_without_a_place_are_refused_or_left_out(settings_: Any, message: str) -> None:
    law, config = read_ros2_admittance(bare(), RATE).law, AdmittanceConfig(**settings_)
    with pytest.raises(ValueError, match=message):
        write_ros2_admittance(law, RATE, config=config)
    (name,) = settings_
    left_out = write_ros2_admittance(law, RATE, config=config, discard=True).left_out
    assert f"AdmittanceConfig.{name} = {settings_[name]}" in left_out


def test_a_cutoff_at_the_nyquist_frequency_is_refused() -> None:
    ros = read_ros2_admittance(bare(), RATE)
    with pytest.raises(ValueError, match=r"below the Nyquist frequency 250 Hz .*got 250\.0 Hz"):
        write_ros2_admittance(ros.law, RATE, config=AdmittanceConfig(cutoff=250.0))
    with pytest.raises(ValueError, match="Nyquist frequency 1 Hz"):
        write_ros2_admittance(ros.law, 2.0, base=ros)


def test_mappings_do_without_pyyaml(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    ros = read_ros2_admittance(bare(), RATE)
    written = write_ros2_admittance(ros.law, RATE, base=ros)
    for needs in (lambda: read_ros2_admittance(path, RATE), written.text):
        with pytest.raises(ImportError, match="pip install pyyaml"):
            needs()


# ---------------------------------------------------------------------- anything

NAMES = st.from_regex(r"[A-Za-z0-9_/.]{0,3}[A-Za-z0-9_]", fullmatch=True)


@st.composite
def valid(draw: st.DrawFn) -> dict[str, Any]:
    def six(low: float, high: float) -> list[float]:
        return draw(st.lists(st.floats(low, high), min_size=6, max_size=6))

    parameters = bare()
    parameters["joints"] = draw(st.lists(st.text(max_size=4), max_size=3))
    parameters["kinematics"] = {"tip": draw(NAMES), "alpha": draw(st.floats(allow_nan=False))}
    parameters["control"]["frame"]["id"] = draw(NAMES)
    parameters["ft_sensor"]["filter_coefficient"] = draw(
        st.one_of(st.just(1.0), st.floats(1e-6, LARGEST_COEFFICIENT * 0.999999))
    )
    parameters["gravity_compensation"]["CoG"]["force"] = draw(st.floats(0.0, 1e3))
    spring = st.one_of(st.just(0.0), st.floats(1e-6, 1e8))
    parameters["admittance"] = {
        "selected_axes": draw(st.lists(st.booleans(), min_size=6, max_size=6)),
        "mass": six(1e-4, 1e6),
        "damping_ratio": six(0.0, 100.0),
        "stiffness": draw(st.lists(spring, min_size=6, max_size=6)),
        "joint_damping": draw(st.floats(1e-3, 1e3)),
    }
    return parameters


@given(valid(), st.floats(1.0, 1e5))
@settings(max_examples=15, deadline=None)
def test_whatever_is_read_comes_back(
    tmp_path_factory: pytest.TempPathFactory, parameters: dict[str, Any], rate: float
) -> None:
    ros = read_ros2_admittance(parameters, rate)
    written = write_ros2_admittance(ros.law, rate, base=ros)
    assert_same(read_ros2_admittance(written.parameters, rate), ros)
    out = tmp_path_factory.getbasetemp() / "any.yaml"
    written.save(out, overwrite=True)
    assert_same(read_ros2_admittance(out, rate), ros)


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.binary(max_size=2),
    st.just(10**400),
    st.just(np.eye(2)),
    st.just({1, 2}),
)
KEYS = st.one_of(
    st.sampled_from(
        ["admittance", "mass", "frame", "frame.id", "control", "ft_sensor", "ros__parameters", "update_rate"]
    ),
    NAMES,
    st.integers(),
)
JUNK = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=5
)


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Every container in a tree with every key into it."""
    if isinstance(tree, dict):
        pairs = list(tree.items())
    elif isinstance(tree, list):
        pairs = list(enumerate(tree))
    else:
        return []
    return [place for key, value in pairs for place in [(tree, key), *places(value)]]


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_no_mapping_raises_anything_but_a_value_error(data: st.DataObject) -> None:
    source: Any = copy.deepcopy({"admittance_controller": {"ros__parameters": bare()}})
    if data.draw(st.integers(0, 4)) == 0:
        source = data.draw(st.dictionaries(KEYS, JUNK, max_size=4))
    else:
        for _ in range(data.draw(st.integers(1, 2))):
            container, key = data.draw(st.sampled_from(places(source)))
            container[key] = data.draw(JUNK)
    rate = data.draw(st.one_of(st.just(RATE), LEAVES))
    try:
        ros = read_ros2_admittance(source, rate)
    except ValueError:
        return
    written = write_ros2_admittance(ros.law, float(rate), base=ros).parameters
    assert_same(read_ros2_admittance(written, rate), ros)


@given(
    st.integers(0, len(FILE)), st.integers(0, 8), st.text("abn 01.:-[]{}#&*!'\"|>%@?,\n\t~e\x07é", max_size=5)
)
@settings(max_examples=25, deadline=None)
def test_no_text_raises_anything_but_a_value_error(
    tmp_path_factory: pytest.TempPathFactory, start: int, length: int, text: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "text.yaml"
    file.write_text(FILE[:start] + text + FILE[start + length :], encoding="utf-8")
    try:
        read_ros2_admittance(file, RATE)
    except ValueError as error:
        assert str(error)
