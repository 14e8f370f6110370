"""Designed laws keep their margin in coupled contact, refusals name the bound, and remedies are enough."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assembly_rl.controllers import AdmittanceController, ContactConfig
from assembly_rl.controllers.contact_loop import ContactLoop
from assembly_rl.controllers.design import DesignLimits, Infeasible, RobotLoop, design, remedies
from assembly_rl.controllers.design.law import rounded_up
from assembly_rl.controllers.ros2_admittance import read_ros2_admittance
from assembly_rl.controllers.validation import InputError

ROBOT = RobotLoop(500.0, [0.02, 0.03], [0.004, 0.006], sensor_cutoff=100.0)
RANGE = (2e3, 2e4)
LEVER = 0.1


def skew(v: np.ndarray) -> np.ndarray:
    return np.array([[0.0, -v[2], v[1]], [v[2], 0.0, -v[0]], [-v[1], v[0], 0.0]])


def at_points(rng: np.random.Generator, total: float, count: int) -> np.ndarray:
    """Stiffness matrix of springs at points within the lever, in random directions, of a total stiffness."""
    matrix = np.zeros((6, 6))
    for share in rng.dirichlet(np.ones(count)):
        arm = rng.normal(size=3)
        arm *= LEVER * (1.0 if count == 1 else rng.uniform()) / np.linalg.norm(arm)
        spring = np.eye(3)
        if rng.uniform() < 0.7:  # one direction alone, which is worst if it is normal to the arm
            normal = np.cross(arm, rng.normal(size=3))
            spring = np.outer(normal, normal) / (normal @ normal)
        reach = np.hstack((np.eye(3), -skew(arm)))
        matrix += share * total * reach.T @ spring @ reach
    return matrix


def test_a_law_keeps_its_gain_margin_in_contact_at_a_lever_in_any_direction() -> None:
    found = design(ROBOT, RANGE, lever=LEVER)
    rng = np.random.default_rng(0)
    closest = np.inf
    for lag in ROBOT.lag:
        contact = ContactConfig([1.0] * 6, 0.006, lag, ROBOT.sensor_cutoff)
        loop = ContactLoop(found.law, ROBOT.rate, contact)
        for number in range(60):
            matrix = at_points(rng, RANGE[1], 1 + number % 3)
            assert loop.stable(found.limits.sensitivity * matrix)  # a gain margin of 2, and all softer ones
            if number < 6:
                closest = min(closest, loop.largest(matrix))
    assert closest == pytest.approx(found.margins.gain, rel=0.05)  # the bound of the coupled contact is sharp


def test_the_margin_binds_and_the_numbers_agree() -> None:
    found = design(ROBOT, RANGE, lever=LEVER)
    assert found.margins.sensitivity == pytest.approx(2.0, rel=0.02) or found.margins.sensitivity < 2.0
    assert found.margins.gain >= 2.0 and found.margins.phase >= 28.9
    assert found.stiffest == pytest.approx(2.0 * RANGE[1]) and found.softest == RANGE[0]
    assert found.binding.lag == 0.03 and found.binding.delay == 0.006
    assert found.slowest.stiffness == pytest.approx(RANGE[0])
    assert np.diag(found.law.damping)[3:] == pytest.approx(np.diag(found.law.damping)[:3] * LEVER**2)
    # Nothing stops the tool before the delay is over, and lag and delay carry it on by no more than this.
    assert RANGE[1] * 0.006 <= found.impact <= RANGE[1] * (0.03 + 0.006 + 0.002)
    assert found.peak_force(0.01, 5.0) == pytest.approx(0.01 * found.impact + 5.0 * found.peak)
    # Ranges hold for every plant: a narrower one is no slower.
    assert design(replace(ROBOT, lag=[0.02, 0.02]), (2e3, 1e4), lever=LEVER).settling <= found.settling


def test_rotations_from_a_stated_stiffness() -> None:
    found = design(ROBOT, RANGE, rotational_stiffness=(20.0, 50.0))
    assert found.radius**2 == pytest.approx(50.0 / RANGE[1])
    assert found.stiffest == pytest.approx(RANGE[1])
    coupled = design(ROBOT, RANGE, rotational_stiffness=(20.0, 50.0), lever=found.radius)
    assert coupled.stiffest == pytest.approx(2.0 * RANGE[1])
    assert coupled.law.damping[0, 0] > found.law.damping[0, 0]


def test_a_soft_mount_counts_in_series() -> None:
    soft = design(replace(ROBOT, mount=5e3), RANGE, lever=LEVER)
    assert soft.stiffest == pytest.approx(2.0 / (1.0 / RANGE[1] + 1.0 / 5e3))
    assert soft.settling < design(ROBOT, RANGE, lever=LEVER).settling


def test_a_controller_takes_the_law_in_its_contact() -> None:
    found = design(ROBOT, RANGE, lever=LEVER)
    contact = ContactConfig([RANGE[1]] * 3 + [RANGE[1] * LEVER**2] * 3, 0.006, 0.03, 100.0)
    AdmittanceController(found.law, ROBOT.rate, contact=contact)


def test_ros2_parameters_hold_an_explicit_design() -> None:
    robot = replace(ROBOT, explicit=True, cutoff=50.0)
    found = design(robot, RANGE, lever=LEVER)
    ros = found.ros2()
    assert any("sensor frame" in note for note in ros.left_out) and "joint_damping: 0.0" in ros.text()
    mapping = dict(ros.parameters)
    for name in ("ft_sensor", "fixed_world_frame", "gravity_compensation"):
        mapping[f"{name}.frame.id"] = "tip"
    mapping |= {"ft_sensor.name": "s", "gravity_compensation.CoG.pos": [0.0] * 3}
    read = read_ros2_admittance(mapping, robot.rate)
    assert read.effective_law().damping == pytest.approx(found.law.damping)
    assert read.cutoff == pytest.approx(50.0)
    with pytest.raises(InputError, match="steps a law explicitly"):
        design(replace(robot, explicit=False), RANGE, lever=LEVER).ros2()


@pytest.mark.parametrize(
    ("stiffness", "limits", "told"),
    [
        ((1e3, 1e6), DesignLimits(), "settles within 2 s: at stiffness 2e.06 N/m, lag 0.03 s, delay 0.006 s"),
        (RANGE, DesignLimits(damping=200.0), "no law with damping <= 200 Ns/m"),
        (RANGE, DesignLimits(force=6.0, approach_speed=0.05), "force below 6 N at 0.05 m/s"),
        (RANGE, DesignLimits(settling=0.5), "settles within 0.5 s"),
    ],
)
def test_refusals_name_what_binds(stiffness: tuple[float, float], limits: DesignLimits, told: str) -> None:
    with pytest.raises(Infeasible, match=told):
        design(ROBOT, stiffness, lever=LEVER, limits=limits)


def test_remedies_are_enough_and_no_more() -> None:
    limits = DesignLimits(settling=0.8)
    with pytest.raises(Infeasible):
        design(ROBOT, RANGE, lever=LEVER, limits=limits)
    found = {remedy.name: remedy for remedy in remedies(ROBOT, RANGE, lever=LEVER, limits=limits)}
    mount = found["softer mount"].value
    assert mount is not None
    design(replace(ROBOT, mount=mount), RANGE, lever=LEVER, limits=limits)
    with pytest.raises(Infeasible):
        design(replace(ROBOT, mount=1.1 * mount), RANGE, lever=LEVER, limits=limits)
    settling = found["longer settling"].value
    assert settling is not None and settling == pytest.approx(
        design(ROBOT, RANGE, lever=LEVER).settling, rel=0.1
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "give lever"),
        ({"lever": -0.1}, "lever must be > 0"),
        ({"lever": 0.1, "stiffness": (2e4, 2e3)}, "stiffness must be .low, high."),
        ({"lever": 0.1, "stiffness": (0.0, 2e3)}, "stiffness must be .low, high."),
        ({"rotational_stiffness": (1.0,)}, "rotational_stiffness must be .low, high."),
    ],
)
def test_bad_ranges(arguments: dict, told: str) -> None:
    with pytest.raises(InputError, match=told):
        design(ROBOT, **{"stiffness": RANGE, **arguments})


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"rate": 0.5}, "rate"),
        ({"lag": [0.1, 0.0]}, "lag"),
        ({"damping_ratio": 0.0}, "damping_ratio"),
        ({"cutoff": 250.0, "rate": 500.0}, "cutoff"),
        ({"mount": 0.0}, "mount"),
        ({"delay": [0.0, 0.9], "rate": 1000.0}, "control periods"),
    ],
)
def test_bad_robots(fields: dict, told: str) -> None:
    with pytest.raises(InputError, match=told):
        RobotLoop(**fields)


def test_bad_limits() -> None:
    for fields in ({"sensitivity": 1.0}, {"settling": 0.0}, {"force": 4.0}, {"force_error": 0.6}):
        with pytest.raises(InputError, match=next(iter(fields))):
            DesignLimits(**fields)


def test_numbers_are_rounded_up() -> None:
    assert [rounded_up(value) for value in (0.0, 1.0, 123.41, 0.00099991)] == [0.0, 1.0, 123.5, 0.001]


def test_the_example_of_the_page_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[3] / "docs" / "design.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    exec(compile(code, "design.md", "exec"), {})
    assert f"prints `{capsys.readouterr().out.strip()}`" in page


def test_random_robots_keep_the_gain_margin_of_the_eigenvalues() -> None:
    rng = np.random.default_rng(3)
    designed = 0
    for _ in range(14):
        rate = float(rng.choice([125.0, 200.0, 500.0]))
        lag, periods = float(rng.choice([0.0, 0.004, 0.03, 0.2])), int(rng.choice([0, 1, 3]))
        robot = RobotLoop(
            rate, [0.5 * lag, lag], [0.0, periods / rate], sensor_cutoff=[None, 50.0][int(rng.integers(2))],
            lead=[None, 0.0, 0.005][int(rng.integers(3))], least_mass=float(rng.choice([0.01, 1.0, 20.0])),
        )  # fmt: skip
        low = float(10.0 ** rng.uniform(2.0, 5.0))
        try:
            found = design(robot, (low, low * float(rng.uniform(1.0, 30.0))), lever=LEVER)
        except Infeasible:
            continue
        designed += 1
        for own in robot.lag:
            for delay in robot.delay:
                contact = ContactConfig([1.0] * 6, delay, own, robot.sensor_cutoff, robot.lead)
                loop = ContactLoop(found.law, rate, contact)
                assert loop.largest(np.diag(np.eye(6)[0])) >= 1.98 * found.stiffest
    assert designed >= 8
