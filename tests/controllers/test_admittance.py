"""The step that a robot runs is the law; how it begins, and what cannot be built."""

from math import inf, nan, pi, sin
from typing import Any

import numpy as np
import pytest
from loop import BOTH, COUPLED, LAW, PERIOD, RATE, SIX, SPRING, ZERO, along, free, run, state_of

from assembly_rl.controllers import (
    AdmittanceConfig,
    AdmittanceController,
    ComplianceLaw,
    ContactConfig,
    Discretization,
    Fault,
    GainConfig,
    SafetyConfig,
)
from assembly_rl.controllers.discretization import step_matrix
from assembly_rl.controllers.se3 import Pose, displace, offset_between, pose_exp

# --------------------------------------------------------------------------- the law


@pytest.mark.parametrize("discretization", BOTH)
@pytest.mark.parametrize("law", [LAW, COUPLED], ids=["diagonal", "coupled"])
def test_a_step_is_the_law_with_the_wrench_less_the_reference(
    discretization: Discretization, law: ComplianceLaw
) -> None:
    controller = free(law, discretization=discretization)
    wrench, reference = [1.0, 2.0, -3.0, 0.1, 0.2, 0.3], [0.5, -1.0, 2.0, 0.3, -0.1, 0.05]
    matrix = step_matrix(law.mass, law.damping, law.stiffness, PERIOD, discretization)
    state = np.zeros(12)
    for _ in range(5):
        state = matrix @ np.concatenate((state, np.subtract(wrench, reference)))
        offset, faults = controller.step(wrench, reference)
        np.testing.assert_allclose(offset, state[:6], rtol=1e-12)
        assert faults is Fault.NONE
    np.testing.assert_allclose(state_of(controller), state, rtol=1e-12)


def test_the_discretisations_differ() -> None:
    first, second = (free(discretization=which).step([1.0] * 6)[0] for which in BOTH)
    assert np.abs(np.divide(first, second) - 1.0).min() > 0.1


def test_the_steady_offset_is_force_over_stiffness() -> None:
    offset = run(AdmittanceController(LAW, RATE), [0.0, 0.0, 6.0, 0.03, 0.06, -0.09], 6000)[-1]
    np.testing.assert_allclose(offset[2:], [0.02, 0.01, 0.02, -0.03], rtol=1e-4)
    coupled = run(free(COUPLED), [1.0, 2.0, 3.0, 0.1, 0.2, 0.3], 6000)[-1]
    np.testing.assert_allclose(COUPLED.stiffness @ coupled, [1.0, 2.0, 3.0, 0.1, 0.2, 0.3], rtol=1e-6)


@pytest.mark.parametrize("axis", SIX)
def test_a_tool_that_is_pushed_in_plus_moves_in_plus(axis: int) -> None:
    assert AdmittanceController(LAW, RATE).step(along(axis, 1.0))[0][axis] > 0.0
    assert AdmittanceController(LAW, RATE).step(ZERO, along(axis, 0.1))[0][axis] < 0.0


def test_at_rest_on_a_wall_the_environment_applies_the_reference() -> None:
    # Free to slide in z: the tool sinks until the floor pushes with what was asked for.
    law = ComplianceLaw.from_diagonals(LAW.mass.diagonal(), LAW.damping.diagonal(), ZERO)
    controller, stiffness = AdmittanceController(law, RATE), 2e4
    force = 0.0
    for _ in range(3000):
        offset, _ = controller.step(along(2, force), along(2, 6.0))
        force = max(0.0, stiffness * (-0.005 - offset[2]))
    assert force == pytest.approx(6.0, rel=1e-6)
    assert offset[2] == pytest.approx(-0.005 - 6.0 / stiffness)


@pytest.mark.parametrize("discretization", BOTH)
def test_the_motion_does_not_depend_on_the_rate(discretization: Discretization) -> None:
    """The wrench changes slowly, every 10 ms, so that it is the same one at all rates."""

    def at_centiseconds(rate: float, how: Discretization) -> np.ndarray:
        controller = free(COUPLED, rate, discretization=how)
        repeats, path = round(rate / 100.0), []
        for tick in range(150):
            wrench = [(1.0 + axis) * 0.1 * sin(2.0 * pi * 0.01 * tick + axis) for axis in SIX]
            path.append(run(controller, wrench, repeats)[-1])
        return np.array(path)

    exact = at_centiseconds(100.0, Discretization.zero_order_hold)
    size = np.abs(exact).max(axis=0)
    errors = [
        (np.abs(at_centiseconds(rate, discretization) - exact) / size).max() for rate in (100.0, 200.0, 500.0)
    ]
    if discretization is Discretization.zero_order_hold:
        assert max(errors) < 1e-10
    else:
        assert 0.01 < errors[0] < 0.15
        assert errors[0] / errors[1] == pytest.approx(2.0, rel=0.15)
        assert errors[0] / errors[2] == pytest.approx(5.0, rel=0.2)


@pytest.mark.parametrize("discretization", BOTH)
def test_axes_that_are_not_selected_stand_still(discretization: Discretization) -> None:
    selected = [True, False, True, False, False, True]
    controller = free(COUPLED, discretization=discretization, selected_axes=selected)
    start = np.array([1e-3, 2e-3, -1e-3, 0.01, -0.02, 0.03])
    controller.reset(start)
    path = run(controller, [5.0, 5.0, 5.0, 0.5, 0.5, 0.5], 100)
    held = ~np.array(selected)
    assert (path[:, held] == start[held]).all() and (controller.velocity[held] == 0.0).all()
    assert (np.abs(path[-1] - start)[~held] > 1e-4).all()


# --------------------------------------------------------------------------- reset, rebase, copies


def test_after_a_reset_to_the_measured_pose_the_first_command_is_where_the_robot_is() -> None:
    nominal: Pose = pose_exp([0.4, -0.1, 0.3, 2.0, 1.0, -0.5])
    measured: Pose = displace(nominal, [1e-3, -2e-3, 0.02, 0.01, 0.05, -0.03])
    law = ComplianceLaw.from_diagonals(LAW.mass.diagonal(), LAW.damping.diagonal(), ZERO)
    controller = AdmittanceController(law, RATE)
    controller.reset(offset_between(nominal, measured))
    commanded = displace(nominal, controller.step(ZERO)[0])
    np.testing.assert_allclose(commanded[0], measured[0], atol=1e-14)
    np.testing.assert_allclose(commanded[1], measured[1], atol=1e-14)


def test_a_spring_pulls_back_from_the_measured_pose_without_a_jump() -> None:
    controller, start = AdmittanceController(SPRING, RATE), [3e-3, -3e-3, 0.03, 0.05, -0.05, 0.08]
    controller.reset(start)
    assert controller.offset.tolist() == start and controller.velocity.tolist() == ZERO
    offset, faults = controller.step(ZERO)
    assert faults is Fault.NONE
    acceleration = SPRING.stiffness.diagonal() * np.abs(start) / SPRING.mass.diagonal()
    assert (np.abs(np.subtract(offset, start)) <= PERIOD**2 * acceleration).all()


@pytest.mark.parametrize("axis", SIX)
@pytest.mark.parametrize("beyond", [1.001, -1.001, inf, nan])
def test_a_reset_outside_the_limit_is_refused_and_changes_nothing(axis: int, beyond: float) -> None:
    controller = AdmittanceController(LAW, RATE)
    run(controller, [1.0] * 6, 5)
    before, limit = state_of(controller), controller.config.offset_limit[axis]
    name = ("x", "y", "z", "rx", "ry", "rz")[axis]
    with pytest.raises(
        ValueError, match=rf"offset\[{name}\] must be within \+-{limit} .*got {beyond * limit}"
    ):
        controller.reset(along(axis, beyond * limit))
    assert (state_of(controller) == before).all()


def test_a_reset_of_another_shape_is_refused() -> None:
    for offset in ([0.0] * 5, [0.0] * 7, 0.0, [[0.0] * 6]):
        with pytest.raises(ValueError, match=r"offset must have shape \(6,\), got \("):
            AdmittanceController(LAW, RATE).reset(offset)


def test_a_reset_forgets_everything() -> None:
    config = AdmittanceConfig(cutoff=10.0, deadband=[0.1] * 6, gains=GainConfig(timeout=0.1))
    contact = ContactConfig([5e3] * 3 + [10.0] * 3)
    soft = ComplianceLaw.from_diagonals(LAW.mass.diagonal(), [1.0] * 3 + [0.01] * 3, ZERO)

    def used(after: int) -> AdmittanceController:
        controller = AdmittanceController(SPRING, RATE, config, contact)
        controller.request(ComplianceLaw(SPRING.mass, 2.0 * SPRING.damping, 2.0 * SPRING.stiffness))
        for step in range(after):
            controller.step(
                [5.0, -3.0, 4.0, 0.1, 0.2, 0.3], [1.0] * 6, time=step * PERIOD, stamp=step * PERIOD
            )
        for _ in range(2 * after):
            controller.step(None)  # type: ignore[arg-type]
        assert not controller.request(soft)
        return controller

    start = [1e-3, -2e-3, 3e-3, 0.01, 0.02, -0.03]
    for after in (10, 30, 60):  # moving, fading, stopped
        controller, fresh = used(after), AdmittanceController(SPRING, RATE, config, contact)
        for one in (controller, fresh):
            one.reset(start)
        assert controller.law is SPRING and controller.energy == 0.0
        for step in range(20):
            arguments = ([1.0, 2.0, 3.0, 0.1, 0.1, 0.1], [0.2] * 6, 100.0 + step * PERIOD)
            assert controller.step(*arguments) == fresh.step(*arguments)
        controller.reset()
        assert controller.step(ZERO) == (ZERO, Fault.NONE)


def test_a_reset_with_another_law_keeps_it_for_the_next() -> None:
    controller = AdmittanceController(LAW, RATE)
    controller.reset(law=SPRING)
    controller.reset()
    assert controller.law is SPRING
    stiffness = SPRING.stiffness.diagonal()
    force = run(controller, [0.5] * 3 + [0.01] * 3, 4000)[-1] * stiffness
    assert force == pytest.approx([0.5] * 3 + [0.01] * 3, rel=1e-4)


def test_rebase_moves_the_origin_not_the_command() -> None:
    controller, still = AdmittanceController(LAW, RATE), AdmittanceController(LAW, RATE)
    for one in (controller, still):
        run(one, along(2, 10.0), 20)
    before, velocity = controller.offset, controller.velocity
    controller.rebase(2, 0.003)
    assert (controller.offset - before).tolist() == pytest.approx(along(2, -0.003), abs=1e-18)
    assert (controller.velocity == velocity).all()
    # The spring, and it alone, feels the difference.
    nominal = 0.003
    commanded, unmoved = controller.step(along(2, 10.0))[0][2] + nominal, still.step(along(2, 10.0))[0][2]
    assert commanded - unmoved == pytest.approx(
        300.0 * nominal * PERIOD**2 / (4.0 + 800.0 * PERIOD), rel=0.01
    )


def test_rebase_beyond_the_limit_comes_back_no_faster_than_the_speed_limit() -> None:
    controller = AdmittanceController(LAW, RATE)
    try:
        controller.rebase(2, 0.05)  # of 0.04
    except ValueError:  # refusing is as good
        return
    before = controller.offset[2]
    for _ in range(20):
        offset, _ = controller.step(ZERO)
        assert abs(offset[2] - before) <= 0.25 * PERIOD * (1.0 + 1e-12)
        before = offset[2]


@pytest.mark.parametrize(
    ("axis", "distance"), [(2, nan), (2, inf), (2, -inf), (6, 1e-3), (-1, 1e-3), (12, 1e-3)]
)
def test_rebase_refuses_what_would_spoil_the_state(axis: int, distance: float) -> None:
    controller, untouched = AdmittanceController(LAW, RATE), AdmittanceController(LAW, RATE)
    for one in (controller, untouched):
        run(one, [1.0] * 6, 5)
    with pytest.raises(ValueError, match="axis" if axis != 2 else "distance"):
        controller.rebase(axis, distance)
    assert controller.step([1.0] * 6) == untouched.step([1.0] * 6)


def test_views_of_the_state_are_copies() -> None:
    controller = AdmittanceController(LAW, RATE)
    controller.offset[:] = 1.0
    controller.velocity[:] = 1.0
    controller.step(ZERO)[0][:] = [1.0] * 6
    controller.steady_wrench_bound[:] = 1.0
    assert controller.step(ZERO) == (ZERO, Fault.NONE)
    start = np.full(6, 1e-3)
    controller.reset(start)
    start[:] = 1.0
    assert controller.offset.tolist() == [1e-3] * 6
    with pytest.raises(ValueError, match="read-only"):
        controller.law.stiffness[0, 0] = 1.0


@pytest.mark.parametrize("kind", [list, np.array], ids=["list", "array"])
def test_a_buffer_that_the_caller_uses_again_is_not_kept(kind: Any) -> None:
    reusing, copying = (AdmittanceController(SPRING, RATE, AdmittanceConfig(cutoff=5.0)) for _ in range(2))
    wrench, reference = kind(ZERO), kind(ZERO)
    for step in range(5):
        wrench[0], reference[1] = 3.0 * step, 0.1 * step
        offset, _ = reusing.step(wrench, reference)
        assert offset == copying.step(list(wrench), list(reference))[0]
    wrench[0] = 1e3
    assert reusing.step(None) == copying.step(None)  # type: ignore[arg-type]


def test_a_configuration_that_is_changed_afterwards_changes_nothing() -> None:
    config = AdmittanceConfig()
    controller, other = AdmittanceController(SPRING, RATE, config), AdmittanceController(SPRING, RATE)
    config.selected_axes[0] = False
    config.offset_limit[0] = config.wrench_limit[1] = config.speed_limit[2] = config.reference_limit[3] = 1e-9
    config.safety.max_age = 1e-9
    config.discretization = Discretization.zero_order_hold
    for one in (controller, other):
        one.reset(along(0, 1e-3))
        one.request(ComplianceLaw(SPRING.mass, 1.5 * SPRING.damping, SPRING.stiffness))
    for step in range(20):
        arguments = ([3.0] * 6, [0.2] * 6, step * PERIOD, step * PERIOD - 0.01)
        assert controller.step(*arguments) == other.step(*arguments)


# --------------------------------------------------------------------------- construction


@pytest.mark.parametrize("rate", [0.0, -200.0, nan, inf, -inf, None, "200", [200.0]])
def test_a_rate_that_is_not_positive_is_refused(rate: Any) -> None:
    with pytest.raises(ValueError, match="rate must be > 0 Hz, got "):
        AdmittanceController(LAW, rate)


@pytest.mark.parametrize("cutoff", [100.0, 1000.0])
def test_a_cutoff_at_or_above_nyquist_is_refused_with_the_bound(cutoff: float) -> None:
    message = (
        rf"AdmittanceConfig\.cutoff must be > 0 Hz and below the Nyquist frequency 100 Hz .*got {cutoff} Hz"
    )
    with pytest.raises(ValueError, match=message):
        AdmittanceController(LAW, RATE, AdmittanceConfig(cutoff=cutoff))
    assert AdmittanceController(LAW, RATE, AdmittanceConfig(cutoff=99.9)).step(ZERO) == (ZERO, Fault.NONE)


def test_a_law_that_is_unstable_in_the_stated_contact_is_refused() -> None:
    soft = ComplianceLaw(LAW.mass, 0.01 * LAW.damping, LAW.stiffness)
    contact = ContactConfig([5e3] * 3 + [10.0] * 3, delay=0.01)
    with pytest.raises(
        ValueError, match=r"unstable against contact stiffness\[x\] = 5000 .*largest stable value is"
    ):
        AdmittanceController(soft, RATE, contact=contact)
    controller = AdmittanceController(LAW, RATE, contact=contact)
    run(controller, [1.0] * 6, 3)
    before = state_of(controller)
    with pytest.raises(ValueError, match="unstable"):
        controller.reset(law=soft)
    assert controller.law is LAW and (state_of(controller) == before).all()


VECTORS = ("deadband", "wrench_limit", "reference_limit", "offset_limit", "speed_limit")


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1.0] * 5, r" must be six numbers x y z rx ry rz {bound}, got \[1.0, 1.0, 1.0, 1.0, 1.0\]"),
        ([1.0] * 7, r" must be six numbers x y z rx ry rz {bound}, got \["),
        ([], r" must be six numbers x y z rx ry rz {bound}, got \[\]"),
        ([1.0, 1.0, 1.0, 1.0, nan, 1.0], r"\[ry\] must be {bound}, got nan"),
        ([1.0, 1.0, inf, 1.0, 1.0, 1.0], r"\[z\] must be {bound}, got inf"),
        ([-0.5, 1.0, 1.0, 1.0, 1.0, 1.0], r"\[x\] must be {bound}, got -0.5"),
        (1.0, r" must be six numbers .*got 1.0"),
        (None, r" must be six numbers .*got None"),
        ("abcdef", r".* must be .*got "),
        ([None] * 6, r"\[x\] must be .*got None"),
    ],
)
def test_vectors_of_the_configuration_are_refused_by_name(name: str, value: Any, message: str) -> None:
    bound = ">= 0" if name == "deadband" else "> 0"
    with pytest.raises(ValueError, match=rf"AdmittanceConfig\.{name}" + message.replace("{bound}", bound)):
        AdmittanceConfig(**{name: value})


@pytest.mark.parametrize("name", VECTORS)
def test_a_limit_of_zero_is_refused_and_a_deadband_of_zero_is_none(name: str) -> None:
    if name == "deadband":
        assert AdmittanceConfig(deadband=ZERO).deadband == ZERO
        return
    with pytest.raises(ValueError, match=rf"AdmittanceConfig\.{name}\[rz\] must be > 0, got 0.0"):
        AdmittanceConfig(**{name: [1.0] * 5 + [0.0]})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("owner", "arguments", "message"),
    [
        (AdmittanceConfig, {"discretization": "euler"}, ".* Discretization .*implicit_euler.*got 'euler'"),
        (AdmittanceConfig, {"discretization": None}, ".*got None"),
        (AdmittanceConfig, {"cutoff": 0.0}, " must be > 0.*, got 0.0"),
        (AdmittanceConfig, {"cutoff": -5.0}, " must be > 0.*, got -5.0"),
        (AdmittanceConfig, {"cutoff": nan}, " must be > 0.*, got nan"),
        (AdmittanceConfig, {"cutoff": inf}, " must be > 0.*, got inf"),
        (AdmittanceConfig, {"wrench_limit": [100.0] * 5 + [0.4]}, r"\[rz\] must be >= .* = 0.5, got 0.4"),
        (AdmittanceConfig, {"selected_axes": [False] * 6}, " selects no axis"),
        (AdmittanceConfig, {"selected_axes": [True] * 5}, r" must be six booleans .*got \[True"),
        (AdmittanceConfig, {"selected_axes": [1] * 6}, r" must be six booleans .*got \[1, 1"),
        (AdmittanceConfig, {"selected_axes": ["x"] * 6}, r" must be six booleans .*got \['x'"),
        (AdmittanceConfig, {"selected_axes": None}, " must be six booleans .*got None"),
        (SafetyConfig, {"max_age": 0.0}, " must be > 0, got 0.0"),
        (SafetyConfig, {"max_age": None}, " must be > 0, got None"),
        (SafetyConfig, {"jitter": -0.1}, " must be > 0, got -0.1"),
        (SafetyConfig, {"fade": nan}, " must be > 0, got nan"),
        (SafetyConfig, {"stop": inf}, " must be > 0, got inf"),
        (SafetyConfig, {"hold": -0.01}, " must be >= 0, got -0.01"),
        (SafetyConfig, {"stop": 0.01}, " must be >= hold = 0.02 s, got 0.01"),
        (SafetyConfig, {"safe_reference": [0.0] * 5}, r" must be six finite numbers, got \[0.0, "),
        (SafetyConfig, {"safe_reference": [0.0] * 5 + [nan]}, " must be six finite numbers, got .*nan"),
        (SafetyConfig, {"safe_reference": 0.0}, " must be six finite numbers, got 0.0"),
        (GainConfig, {"damping_rate": [1.0] * 5}, " must be six numbers .*> 0, got"),
        (GainConfig, {"stiffness_rate": [0.0] + [1.0] * 5}, r"\[x\] must be > 0, got 0.0"),
        (GainConfig, {"damping_rate": [1.0] * 5 + [inf]}, r"\[rz\] must be > 0, got inf"),
        (GainConfig, {"timeout": 0.0}, " must be > 0, got 0.0"),
        (GainConfig, {"timeout": nan}, " must be > 0, got nan"),
        (GainConfig, {"tank": -1.0}, " must be > 0, got -1.0"),
        (ContactConfig, {"stiffness": [1e4] * 5}, " must be six numbers .*>= 0, got"),
        (ContactConfig, {"stiffness": [1e4] * 5 + [-1.0]}, r"\[rz\] must be >= 0, got -1.0"),
        (ContactConfig, {"stiffness": [1e4, nan] + [1.0] * 4}, r"\[y\] must be >= 0, got nan"),
        (ContactConfig, {"stiffness": 1e4}, " must be six numbers .*got 10000.0"),
        (ContactConfig, {"delay": -1e-3, "stiffness": ZERO}, " must be >= 0, got -0.001"),
        (ContactConfig, {"lag": nan, "stiffness": ZERO}, " must be >= 0, got nan"),
        (ContactConfig, {"sensor_cutoff": 0.0, "stiffness": ZERO}, " must be > 0 Hz, got 0.0"),
        (ContactConfig, {"sensor_cutoff": nan, "stiffness": ZERO}, " must be > 0 Hz, got nan"),
    ],
)
def test_refusals_name_parameter_value_and_bound(owner: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"{owner.__name__}\.{next(iter(arguments))}" + message):
        owner(**arguments)


def test_a_safe_reference_beyond_the_reference_limit_is_refused() -> None:
    safety = SafetyConfig(safe_reference=[0.0, 0.0, 15.1, 0.0, 0.0, 0.0])
    with pytest.raises(
        ValueError, match=r"safe_reference\[z\] must be within .*15.0 .*reference_limit.*15.1"
    ):
        AdmittanceConfig(safety=safety)


@pytest.mark.parametrize(
    "build", [AdmittanceConfig, SafetyConfig, GainConfig, lambda **k: ContactConfig([1.0] * 6, **k)]
)
def test_unknown_parameters_are_refused(build: Any) -> None:
    with pytest.raises(TypeError, match="stifness"):
        build(stifness=[1.0] * 6)


def test_controllers_do_not_share_their_default_configuration() -> None:
    first, second = AdmittanceController(LAW, RATE), AdmittanceController(LAW, RATE)
    assert first.config is not second.config
    assert first.config.offset_limit is not second.config.offset_limit
