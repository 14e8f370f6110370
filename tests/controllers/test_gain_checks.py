"""The check of a requested law takes a bounded time in a step, and says what the whole check says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import SEEDS, coupled_law, often
from loop import COUPLED, LAW

from assembly_rl.controllers import AdmittanceController, ComplianceLaw, ContactConfig, Discretization, Fault
from assembly_rl.controllers.contact_loop import ContactLoop
from assembly_rl.controllers.insertion import ActionConfig, ActionKind, ActionMapping, CoordinateTransform

RATE = 200.0
TOUCH = ContactConfig([800.0] * 3 + [8.0] * 3, delay=0.01, sensor_cutoff=40.0)
ZERO = [0.0] * 6


def dissolved(law: ComplianceLaw, rate: float, contact: ContactConfig, cutoff: float | None) -> float:
    """Spectral radius by one eigenvalue problem with all axes, as the loop's matrix has them."""
    loop = ContactLoop(law, rate, contact, cutoff)
    return float(np.abs(np.linalg.eigvals(loop.matrix(np.diag(contact.stiffness)))).max())


@often
@given(
    seed=SEEDS,
    delay=st.integers(0, 3),
    blocks=st.sampled_from(["none", "pairs", "all"]),
    filtered=st.booleans(),
)
def test_small_eigenvalue_problems_have_the_eigenvalues_of_the_large_one(
    seed: int, delay: int, blocks: str, filtered: bool
) -> None:
    law = coupled_law(seed)
    if blocks != "all":
        mask = np.eye(6)
        if blocks == "pairs":
            mask[0, 4] = mask[4, 0] = mask[1, 3] = mask[3, 1] = 1.0
        matrices = [mask * matrix for matrix in (law.mass, law.damping, law.stiffness)]
        law = ComplianceLaw(*(matrix + np.diag(np.abs(matrix).sum(1)) for matrix in matrices))
    contact = ContactConfig([500.0] * 3 + [5.0] * 3, delay / RATE, 0.004, 40.0)
    cutoff = 30.0 if filtered else None
    loop = ContactLoop(law, RATE, contact, cutoff)
    stiffness = np.diag(contact.stiffness)
    assert loop.spectral_radius(stiffness) == pytest.approx(dissolved(law, RATE, contact, cutoff), rel=1e-9)
    shares = np.geomspace(1.0, 1e-3, 24)
    whole = all(loop.spectral_radius(share * stiffness) <= 1.0 + 1e-9 for share in shares)
    assert loop.is_stable() == whole


def checked(controller: AdmittanceController, law: ComplianceLaw) -> tuple[int, Fault]:
    """Request a law; return the steps until the controller decides, and the flags then."""
    assert controller.request(law)
    for number in range(1, 40):
        _, faults = controller.step(ZERO)
        if controller._check is None:
            return number, faults
    raise AssertionError("no decision")


@pytest.mark.parametrize("gain", [1.3, 1e-4])
def test_a_coupled_law_takes_effect_once_it_is_checked(gain: float) -> None:
    controller = AdmittanceController(COUPLED, RATE, contact=TOUCH)
    law = COUPLED.damped(np.full(6, gain))
    stable = ContactLoop(law, RATE, TOUCH).is_stable()
    number, faults = checked(controller, law)
    assert 1 <= number <= 24
    assert (Fault.GAIN_REJECTED in faults) is not stable
    for _ in range(400):
        controller.step(ZERO)
    assert (controller.law is law) is stable


def test_requests_during_a_check_wait_and_the_latest_counts() -> None:
    controller = AdmittanceController(COUPLED, RATE, contact=TOUCH)
    laws = [COUPLED.damped(np.full(6, gain)) for gain in (1.1, 1.2, 1.3)]
    for law in laws:
        controller.request(law)
    for _ in range(600):
        controller.step(ZERO)
    assert controller.law is laws[-1]
    controller.request(laws[0])
    controller.reset()
    for _ in range(100):
        controller.step(ZERO)
    assert controller.law is COUPLED  # a reset forgets the check, too


def test_a_law_without_coupling_is_still_checked_at_once() -> None:
    controller = AdmittanceController(LAW, RATE, contact=TOUCH)
    assert controller.request(LAW.damped(np.full(6, 1.2))) is True
    assert controller.request(LAW.damped(np.full(6, 1e-3))) is False
    assert Fault.GAIN_REJECTED in controller.step(ZERO)[1]


def test_a_contact_loop_too_large_for_a_control_period_is_refused_when_it_is_built() -> None:
    slow = ContactConfig([10.0] * 3 + [0.1] * 3, delay=0.1, lag=0.005, sensor_cutoff=40.0)
    for kind in (ActionKind.damping, ActionKind.wrench):
        controller = AdmittanceController(COUPLED, RATE, contact=slow)
        mapping = (ActionConfig(kind=kind), controller, CoordinateTransform(None))
        if kind.changes_gains:
            with pytest.raises(ValueError, match="shorten ContactConfig.delay"):
                ActionMapping(*mapping)
        else:
            ActionMapping(*mapping)
    ActionMapping(
        ActionConfig(kind=ActionKind.damping),
        AdmittanceController(COUPLED, RATE, contact=TOUCH),
        CoordinateTransform(None),
    )


def test_a_law_that_cannot_be_gated_is_refused_before_the_loop_begins() -> None:
    stiffness = LAW.stiffness.copy()
    stiffness[0, 1] = 1.0
    law = ComplianceLaw(LAW.mass, LAW.damping, stiffness + np.eye(6), asymmetric_stiffness=True)
    with pytest.raises(ValueError, match="asymmetric"):
        ActionMapping(
            ActionConfig(kind=ActionKind.damping), AdmittanceController(law, RATE), CoordinateTransform(None)
        )


@often
@given(seed=SEEDS, extreme=st.booleans())
def test_laws_that_actions_ask_for_are_admissible(seed: int, extreme: bool) -> None:
    """They are made without the checks of ComplianceLaw, which could raise in a control step."""
    rng = np.random.default_rng(seed)
    law = coupled_law(seed)
    if extreme:  # a direction without damping
        values, vectors = np.linalg.eigh(law.damping)
        law = ComplianceLaw(
            law.mass, (vectors * np.where(values > values[0], values, 0.0)) @ vectors.T, law.stiffness
        )
    gains = 100.0 ** rng.uniform(0.0, 0.5, 6)
    for found in (law.damped(gains), law.stiffened(rng.uniform(0.0, 1e4, 6))):
        again = ComplianceLaw(found.mass, found.damping, found.stiffness)
        assert np.array_equal(again.damping, found.damping) and np.array_equal(
            again.stiffness, found.stiffness
        )
        assert not found.damping.flags.writeable and not found.stiffness.flags.writeable


def test_a_loop_that_is_not_finite_is_unstable() -> None:
    loop = ContactLoop(LAW, RATE, TOUCH, None, Discretization.zero_order_hold)
    assert loop.spectral_radius(np.full((6, 6), np.nan)) == np.inf
