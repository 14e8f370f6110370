import numpy as np
import pytest

from assembly_rl.controllers.admittance import AdmittanceController
from assembly_rl.controllers.compliance import ComplianceLaw

RATE = 200.0
ZERO = [0.0] * 6
LIMIT = [0.004, 0.004, 0.04, 0.1, 0.1, 0.1]
LAW = ComplianceLaw.from_diagonals(
    [4.0, 4.0, 4.0, 0.06, 0.06, 0.06], [150.0, 150.0, 800.0, 1.0, 1.0, 1.0], [0.0, 0.0, 300.0, 3.0, 3.0, 3.0]
)


@pytest.fixture
def controller() -> AdmittanceController:
    return AdmittanceController(LAW, RATE, LIMIT)


def along(axis: int, value: float) -> list[float]:
    return [value if index == axis else 0.0 for index in range(6)]


def run(controller: AdmittanceController, wrench: list[float], steps: int) -> np.ndarray:
    return np.array([controller.step(wrench, ZERO) for _ in range(steps)])


def test_a_step_is_the_law_with_the_wrench_less_the_reference(controller: AdmittanceController) -> None:
    wrench, reference = [1.0, 2.0, -3.0, 0.1, 0.2, 0.3], [0.5, -1.0, 2.0, 0.3, -0.1, 0.05]
    matrix, state = LAW.implicit_euler(1.0 / RATE), np.zeros(12)
    for _ in range(5):
        state = matrix @ np.concatenate((state, np.subtract(wrench, reference)))
        np.testing.assert_allclose(controller.step(wrench, reference), state[:6], rtol=1e-13)
    np.testing.assert_allclose(controller.offset, state[:6], rtol=1e-13)
    np.testing.assert_allclose(controller.velocity, state[6:], rtol=1e-13)


def test_the_steady_offset_is_force_over_stiffness(controller: AdmittanceController) -> None:
    offset = run(controller, [0.0, 0.0, 6.0, 0.03, 0.06, -0.09], 6000)[-1]
    np.testing.assert_allclose(offset[2:], [0.02, 0.01, 0.02, -0.03], rtol=1e-4)


@pytest.mark.parametrize("axis", range(6))
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_limit_without_wind_up(controller: AdmittanceController, axis: int, sign: float) -> None:
    wrench = along(axis, sign * 50.0)
    offsets = run(controller, wrench, 2000)
    assert offsets[-1].tolist() == along(axis, sign * LIMIT[axis])
    assert np.abs(offsets[:, axis]).max() == LIMIT[axis]
    assert controller.velocity[axis] == 0.0
    # What a controller does that rests there: leave at the first step of a reversed wrench.
    fresh = AdmittanceController(LAW, RATE, LIMIT)
    fresh.reset(along(axis, sign * LIMIT[axis]))
    reverse = along(axis, -sign * 0.5)
    following = controller.step(reverse, ZERO)
    assert following == fresh.step(reverse, ZERO)
    assert 0.0 < sign * following[axis] < LIMIT[axis]


def test_one_axis_at_its_limit_leaves_the_others_alone(controller: AdmittanceController) -> None:
    free = AdmittanceController(LAW, RATE, [1.0] * 6)
    wrench = [50.0, 0.1, 0.2, 0.001, 0.002, 0.003]
    assert (run(controller, wrench, 200)[:, 1:] == run(free, wrench, 200)[:, 1:]).all()


def test_rebase_moves_the_origin_not_the_command(controller: AdmittanceController) -> None:
    run(controller, along(2, 10.0), 20)
    before, velocity = controller.offset, controller.velocity
    controller.rebase(2, 0.003)
    assert (controller.offset - before).tolist() == pytest.approx(along(2, -0.003), abs=1e-18)
    assert (controller.velocity == velocity).all()


def test_another_law_is_bumpless(controller: AdmittanceController) -> None:
    run(controller, [2.0, 0.0, 10.0, 0.0, 0.1, 0.0], 20)
    offset, velocity = controller.offset, controller.velocity
    stiffer = ComplianceLaw(LAW.mass, 3.0 * LAW.damping, LAW.stiffness + np.diag([2000.0] * 3 + [20.0] * 3))
    controller.law = stiffer
    assert controller.law is stiffer
    assert (controller.offset == offset).all() and (controller.velocity == velocity).all()
    expected = stiffer.implicit_euler(1.0 / RATE) @ np.concatenate((offset, velocity, np.zeros(6)))
    np.testing.assert_allclose(controller.step(ZERO, ZERO), expected[:6], rtol=1e-13)


def test_reset(controller: AdmittanceController) -> None:
    run(controller, [2.0] * 6, 20)
    start = [1e-3, -2e-3, 3e-3, 0.01, 0.02, -0.03]
    controller.reset(start)
    assert controller.offset.tolist() == start and controller.velocity.tolist() == ZERO
    controller.reset()
    assert controller.offset.tolist() == ZERO
    assert controller.step(ZERO, ZERO) == ZERO


def test_views_of_the_state_are_copies(controller: AdmittanceController) -> None:
    controller.offset[:] = 1.0
    controller.velocity[:] = 1.0
    assert controller.step(ZERO, ZERO) == ZERO


@pytest.mark.parametrize(
    ("rate", "limit", "message"),
    [
        (0.0, LIMIT, "rate must be > 0 Hz, got 0.0"),
        (float("nan"), LIMIT, "rate must be > 0 Hz, got nan"),
        (RATE, [1.0] * 5, r"offset_limit must have shape \(6,\), got \(5,\)"),
        (RATE, along(4, 0.0), r"offset_limit\[x\] must be > 0, got 0.0"),
        (RATE, [1.0, 1.0, 1.0, 1.0, float("nan"), 1.0], r"offset_limit\[ry\] must be > 0, got nan"),
    ],
)
def test_refusals(rate: float, limit: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AdmittanceController(LAW, rate, limit)
