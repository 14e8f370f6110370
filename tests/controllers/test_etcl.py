"""A law for another contact: what it keeps, what it refuses, and how stiff a contact is found to be."""

import json

import numpy as np
import pytest
from hypothesis import given
from laws import DIAGONAL, NAMES, SEEDS, assert_equal_laws, coupled, coupled_law, often, poses

from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.contact_config import ContactConfig
from assembly_rl.controllers.contact_loop import ContactLoop
from assembly_rl.controllers.etcl import (
    identify_contact_stiffness,
    probing_offsets,
    reconfigure,
)
from assembly_rl.controllers.se3 import adjoint, invert

RATE = 200.0


def contact(seed: int) -> np.ndarray:
    """Stiffness of a contact, every axis coupled."""
    return 3000.0 * coupled(seed, 4.0)


def loop(law: ComplianceLaw) -> ContactLoop:
    return ContactLoop(law, RATE, ContactConfig([0.0] * 6, delay=0.01, sensor_cutoff=50.0), cutoff=60.0)


# ---------------------------------------------------------------------- what is kept


@often
@given(SEEDS)
def test_all_modes_of_the_loop_stay(seed: int) -> None:
    """Those of mass, delay and filters, too: the old loop and the new one have the same eigenvalues."""
    law, old, new = coupled_law(seed), contact(seed + 3), contact(seed + 4)
    found = reconfigure(law, old, new, limit=100.0)
    np.testing.assert_allclose(found.rates, found.rates_before, rtol=1e-6)
    assert not found.bounded
    # Coefficients of the characteristic polynomial would lose digits: powers of the loops have equal traces.
    one, other = (loop(of).matrix(k) for of, k in ((law, old), (found.law, new)))
    for power in (1, 2, 3, 5):
        traces = [np.trace(np.linalg.matrix_power(matrix, power)) for matrix in (one, other)]
        np.testing.assert_allclose(traces[1], traces[0], rtol=1e-6, atol=1e-6)


@often
@given(SEEDS)
def test_energy_is_that_of_the_motion_in_the_old_coordinates(seed: int) -> None:
    law, generator = coupled_law(seed), np.random.default_rng(seed)
    found = reconfigure(law, contact(seed + 3), contact(seed + 4), limit=100.0)
    x, force = generator.normal(size=(2, 6))
    seen = found.coordinates @ x
    for name in NAMES:
        new, old = getattr(found.law, name), getattr(law, name)
        assert x @ new @ x == pytest.approx(seen @ old @ seen, rel=1e-9)
    # F^T dx of a wrench and the motion that it causes.
    moved = np.linalg.solve(found.law.damping, found.coordinates.T @ force)
    expected = force @ np.linalg.solve(law.damping, force)
    assert (found.coordinates.T @ force) @ moved == pytest.approx(expected, rel=1e-8)


@often
@given(SEEDS)
def test_the_way_back_returns_the_law(seed: int) -> None:
    law, old, new = coupled_law(seed), contact(seed + 3), contact(seed + 4)
    there = reconfigure(law, old, new, limit=100.0)
    assert_equal_laws(reconfigure(there.law, new, old, limit=100.0).law, law, 1e-6)


@often
@given(poses())
def test_a_contact_that_only_moves_is_a_law_that_only_moves(pose: tuple) -> None:
    """It reduces to the first depth."""
    law, old = coupled_law(7), contact(8)
    at = adjoint(pose)
    found = reconfigure(law, old, at.T @ old @ at, transform=adjoint(invert(pose)))
    assert_equal_laws(found.law, law.transport(pose, "tip"), 1e-5)
    assert found.discarded < 1e-5
    np.testing.assert_allclose(found.coordinates, at, atol=1e-6)


def test_a_larger_part_is_the_scaling_rule() -> None:
    """It reduces to the second depth: rotational compliance by the square of the length."""
    scale = np.diag([1.0, 1.0, 1.0, 1.5, 1.5, 1.5])
    old = np.diag([3e4, 3e4, 3e4, 500.0, 500.0, 500.0])
    found = reconfigure(DIAGONAL, old, scale @ old @ scale, transform=np.linalg.inv(scale))
    assert_equal_laws(found.law, DIAGONAL.scaled(1.5), 1e-9)
    np.testing.assert_allclose(np.diag(found.law.damping)[3:], 1.5**2 * np.diag(DIAGONAL.damping)[3:])


def test_contacts_with_common_axes_have_the_law_of_the_formula() -> None:
    """``C_new = C_old K_e,old K_e,new^-1``: half as stiff a contact, twice the compliance."""
    old = np.array([3e4, 3e4, 2e4, 400.0, 500.0, 300.0])
    factor = np.array([2.0, 0.5, 1.0, 3.0, 0.7, 1.0])
    found = reconfigure(DIAGONAL, np.diag(old), np.diag(factor * old))
    np.testing.assert_allclose(np.diag(found.law.damping), factor * np.diag(DIAGONAL.damping))
    assert found.discarded < 1e-9
    assert reconfigure(coupled_law(3), contact(4), contact(5), limit=100.0).discarded > 0.01


def test_where_neither_contact_resists_the_law_stays() -> None:
    old, new = np.diag([3e4, 0.0, 2e4, 0.0, 500.0, 0.0]), np.diag([1.5e4, 0.0, 2e4, 0.0, 1000.0, 0.0])
    found = reconfigure(DIAGONAL, old, new)
    ratio = np.diag(found.law.damping) / np.diag(DIAGONAL.damping)
    np.testing.assert_allclose(ratio, [0.5, 1.0, 1.0, 1.0, 2.0, 1.0])


def test_the_change_is_bounded() -> None:
    old, new = np.diag([3e4, 3e4, 2e4, 0.0, 500.0, 300.0]), np.diag([3e4, 0.0, 2e4, 500.0, 500.0, 300.0])
    found = reconfigure(DIAGONAL, old, new, limit=2.0)
    ratio = np.diag(found.law.damping) / np.diag(DIAGONAL.damping)
    np.testing.assert_allclose(ratio, [1.0, 0.25, 1.0, 4.0, 1.0, 1.0])
    assert found.bounded


# ---------------------------------------------------------------------- stability


def test_an_unstable_law_is_cut_back_on_the_way_to_it() -> None:
    """Where the old law was not stable in its own contact, the new one would not be either."""
    hard = np.diag([3e4] * 3 + [300.0] * 3)
    unstable = ComplianceLaw(10.0 * DIAGONAL.mass, 10.0 * DIAGONAL.damping, DIAGONAL.stiffness)
    start = np.diag([3e5] * 3 + [3e3] * 3)
    assert loop(unstable).stable(hard)
    found = reconfigure(unstable, start, hard, stable=lambda law: loop(law).stable(hard))
    assert 0.0 < found.share < 1.0
    assert found.softened == 1.0
    assert loop(found.law).stable(hard)
    further = reconfigure(unstable, start, hard).law
    assert not loop(further).stable(hard)


def test_a_law_that_was_never_stable_is_softened() -> None:
    hard = np.diag([3e4] * 3 + [300.0] * 3)
    assert not loop(DIAGONAL).stable(hard)
    found = reconfigure(DIAGONAL, hard, hard, stable=lambda law: loop(law).stable(hard))
    assert found.softened > 1.0 and found.share == 0.0
    assert loop(found.law).stable(hard)
    np.testing.assert_allclose(found.law.damping, found.softened * DIAGONAL.damping)
    assert json.loads(json.dumps(found.content()))["softened"] == found.softened
    with pytest.raises(ValueError, match="no law is stable in this contact"):
        reconfigure(DIAGONAL, hard, hard, stable=lambda law: False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"old": np.eye(3)}, r"old must be finite and of shape \(6, 6\), got shape \(3, 3\)"),
        ({"new": -np.eye(6)}, "stiffness must have eigenvalues >= 0"),
        ({"transform": np.zeros((6, 6))}, "transform must be invertible"),
        ({"limit": 1.0}, "limit - 1 must be > 0, got 0"),
        ({"law": ComplianceLaw(np.eye(6), np.zeros((6, 6)), np.eye(6))}, "a direction without damping"),
    ],
)
def test_what_is_no_contact_is_refused(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        reconfigure(**({"law": DIAGONAL, "old": np.eye(6), "new": np.eye(6)} | change))


# ---------------------------------------------------------------------- identification


@often
@given(SEEDS)
def test_a_spring_of_known_stiffness_is_found_with_a_noisy_sensor(seed: int) -> None:
    """Within 5 %, relative to the two axes that an entry couples."""
    generator = np.random.default_rng(seed)
    stiffness = contact(seed)
    offsets = probing_offsets(3e-4, 3e-3)
    preload = np.array([1.0, -2.0, 8.0, 0.1, 0.05, -0.02])
    exact = preload - offsets @ stiffness
    noise = generator.normal(size=(20, *exact.shape)) * 0.05 * np.abs(exact).mean(0)
    found = identify_contact_stiffness(offsets, (exact + noise).mean(0))
    size = np.sqrt(np.outer(np.diag(stiffness), np.diag(stiffness)))
    assert (np.abs(found.matrix - stiffness) <= 0.05 * size).all()
    assert found.residual < 0.05 and found.asymmetry < 0.05 and found.samples == 24
    exactly = identify_contact_stiffness(offsets, exact)
    np.testing.assert_allclose(exactly.matrix, stiffness, rtol=1e-8, atol=1e-8 * size.max())
    np.testing.assert_allclose(exactly.preload, preload, atol=1e-9 * np.abs(exact).max())


def test_what_is_no_spring_shows() -> None:
    offsets = probing_offsets(3e-4, 3e-3)
    turning = np.zeros((6, 6))
    turning[0, 1], turning[1, 0] = 1e4, -1e4  # pushes sideways, and so makes energy
    found = identify_contact_stiffness(offsets, -offsets @ (np.diag([1e4] * 3 + [100.0] * 3) + turning))
    assert found.asymmetry > 0.3
    friction = -3.0 * np.sign(offsets) * [1.0, 1.0, 1.0, 0.1, 0.1, 0.1]
    assert (
        identify_contact_stiffness(offsets, friction - offsets @ np.diag([1e4] * 3 + [100.0] * 3)).residual
        > 0.1
    )


def test_a_contact_that_pulls_counts_as_none() -> None:
    offsets = probing_offsets(3e-4, 3e-3)
    found = identify_contact_stiffness(offsets, -offsets @ np.diag([1e4, -10.0, 1e4, 100.0, 100.0, -1.0]))
    np.testing.assert_allclose(np.diag(found.matrix), [1e4, 0.0, 1e4, 100.0, 100.0, 0.0], atol=1e-6)


@pytest.mark.parametrize(
    ("offsets", "wrenches", "message"),
    [
        (np.zeros((3, 6)), np.zeros((4, 6)), r"must both be \(n, 6\), got \(3, 6\) and \(4, 6\)"),
        (np.full((7, 6), np.nan), np.zeros((7, 6)), "must be finite"),
        (np.zeros((7, 6)), np.zeros((7, 6)), "must have translations and rotations"),
        (probing_offsets(1e-3, 1e-2)[:20], np.zeros((20, 6)), "leave a direction out, mostly along rz"),
    ],
)
def test_records_that_tell_nothing_are_refused(
    offsets: np.ndarray, wrenches: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        identify_contact_stiffness(offsets, wrenches)


def test_probing_goes_each_way_along_each_axis() -> None:
    offsets = probing_offsets(3e-4, 3e-3)
    assert offsets.shape == (24, 6)
    np.testing.assert_allclose(offsets.sum(0), 0.0, atol=1e-15)
    with pytest.raises(ValueError, match="rotation must be > 0, got 0"):
        probing_offsets(1e-3, 0.0)
