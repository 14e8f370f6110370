"""Warnings about a part, its fit in the engines, and the engine that is suggested."""

from dataclasses import replace

import pytest

from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.config import PoseErrorConfig, RandomizationConfig
from assembly_rl.evaluation import inspection
from assembly_rl.evaluation.costs import policy_step_cost
from assembly_rl.evaluation.fits import Fit, fits
from assembly_rl.evaluation.inspection import Engine, Inspection, inspect_part
from assembly_rl.reports.part_table import suggestion


def engine(name: str, cost: float, *penetrations: float) -> Engine:
    """Engine with a bound of 33 um, and its penetrations [m] at 1 kHz, 2 kHz, ..."""
    found = [
        Fit(name, 1000.0 * 2**i, i == 0, 1e-5, penetration, 33e-6)
        for i, penetration in enumerate(penetrations)
    ]
    return Engine(name, tuple(found), cost)


GOOD = (engine("bullet", 2e-3, 2e-5), engine("mujoco", 1.5e-3, 2e-5))


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "_engine", lambda part, task, name: Engine(name))


def inspected(part: PegHole, engines: tuple[Engine, ...] = GOOD, yaw: float = 0.0175) -> Inspection:
    errors = RandomizationConfig(hole_estimate=PoseErrorConfig(lateral=0.001, tilt=0.02, yaw=yaw))
    return replace(inspect_part(part, TaskConfig(randomization=errors)), engines=engines)


@pytest.mark.parametrize("section", ["square", "L", "circle", "pins", "keyed"])
def test_an_ordinary_part_has_no_warnings(section: str) -> None:
    assert inspected(PegHole(section)).warnings() == []


def test_turns() -> None:
    assert inspected(PegHole("circle", {"facets": 16}), yaw=0.19).warnings() == []
    (told,) = inspected(PegHole("circle", {"facets": 16}), yaw=0.21).warnings()
    assert "up to 12 deg exceeds half of the 22.5 deg" in told
    assert inspected(PegHole("circle", {"facets": 64}), yaw=0.21).warnings() == []  # round
    (told,) = inspected(PegHole("rectangle", {"width": 0.0201, "height": 0.02})).warnings()
    assert told.startswith("turned by 90 deg the peg fits its hole, too")


def test_thin_places() -> None:
    blades = PegHole("pins", {"width": 0.0012, "pitch": 0.004}, chamfer=0.0, tip_chamfer=2e-4)
    (told,) = inspected(blades).warnings()
    assert told.startswith("the peg is 1.20 mm wide near x = ")
    (told,) = inspected(PegHole("pins", {"pitch": 0.0072}, chamfer=2e-4)).warnings()
    assert told.startswith("the plate is 1.00 mm thin near x = 0.0 mm")


def test_a_core_needs_a_floor() -> None:
    (told,) = inspected(PegHole("tube")).warnings()
    assert told.endswith("make the hole blind")
    assert inspected(PegHole("tube", blind=True)).warnings() == []


def test_sharp_edges() -> None:
    (told,) = inspected(PegHole(chamfer=0.0)).warnings()
    assert told.startswith("neither hole nor tip has a chamfer")
    assert inspected(PegHole(chamfer=0.0, tip_chamfer=1e-4)).warnings() == []


def test_engines() -> None:
    bullet, mujoco = GOOD
    cases: dict[str, tuple[tuple[Engine, ...], str]] = {
        "both are good": ((bullet, mujoco), ""),
        "one is missing": ((bullet, Engine("mujoco", refusal="not installed")), ""),
        "dear": ((replace(bullet, cost=4e-3), mujoco), " task.physics.engine=mujoco"),
        "not certified": ((engine("bullet", 2e-3, 1e-4, 1e-4), mujoco), " task.physics.engine=mujoco"),
    }
    for engines, override in cases.values():
        found = inspected(PegHole(), engines)
        assert suggestion(found) == override and found.warnings() == []
    found = inspected(PegHole(), (engine("bullet", 2e-3, 1e-4, 2e-5), engine("mujoco", 1.5e-3, 1e-4, 1e-4)))
    assert suggestion(found) == " task.physics.rate=2000"
    (told,) = found.warnings()
    assert told.endswith("use task.physics.engine=bullet task.physics.rate=2000")
    found = inspected(PegHole(), (engine("bullet", 2e-3, 1e-4, 1e-4), engine("mujoco", 1.5e-3, 1e-4)))
    assert suggestion(found) == ""
    (told,) = found.warnings()
    assert "no engine certifies a clearance of 0.1 mm (bullet up to 2000 Hz, mujoco up to 1000 Hz)" in told
    (told,) = inspected(PegHole(), (Engine("bullet", refusal="the arm does not reach it"),)).warnings()
    assert told.startswith("no engine can simulate the task")
    (told,) = inspected(PegHole(), (replace(bullet, cost=6e-3),)).warnings()
    assert told.startswith("a policy step takes 6.0 ms in bullet: 20,000 of them take 2 minutes")


def test_bullet_certifies_a_tenth_of_a_millimetre_and_never_what_is_within_its_slop() -> None:
    (found,) = fits(PegHole(), TaskConfig(), "bullet")
    assert found.certified and found.default and found.rate == 1000.0
    assert found.rest == pytest.approx(1e-5, abs=5e-7) and 1e-5 < found.impact < 3e-5
    tried = list(fits(PegHole(clearance=2e-5), TaskConfig(), "bullet"))
    assert [fit.rate for fit in tried] == [1000.0, 2000.0, 4000.0]
    assert not any(fit.certified for fit in tried)


def test_a_circle_costs_more_than_a_square() -> None:
    task = TaskConfig()
    assert 1e-4 < 1.2 * policy_step_cost(PegHole(), task) < policy_step_cost(PegHole("circle"), task)
