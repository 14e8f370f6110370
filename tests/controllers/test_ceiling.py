"""Force ceiling: its bound, its limits, and robots in contact that are integrated here."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assembly_rl.controllers import AdmittanceController, ComplianceLaw, Fault, ToolConfig
from assembly_rl.controllers.ceiling import PLANNED_SHARE, ForceCeiling, _crossing
from assembly_rl.controllers.ceiling_config import CeilingConfig
from assembly_rl.controllers.insertion import Insertion, InsertionConfig
from assembly_rl.controllers.se3 import IDENTITY

RATE = 200.0
STIFFNESS = 20e3
NO_ARM = (0.0, 0.0, 0.0)
CEILING = CeilingConfig(force=10.0, stiffness=[STIFFNESS, 50.0], lever=0.02, tare_error=[0.0, 0.0])
LAW = ComplianceLaw.from_diagonals([2.0] * 3 + [0.03] * 3, [600.0] * 3 + [8.0] * 3, [0.0] * 6)
DOWN = [0.0, 0.0, -1.0, 0.0, 0.0, 0.0]


@given(
    w=st.lists(st.floats(-5.0, 5.0), min_size=3, max_size=3),
    u=st.lists(st.floats(-20.0, 20.0), min_size=3, max_size=3),
    more=st.floats(1.0, 3.0),
    room=st.floats(9.0, 15.0),
)
def test_the_share_is_the_largest_that_keeps_the_bound(
    w: list[float], u: list[float], more: float, room: float
) -> None:
    force, way = np.array(w), np.array(u)
    length = float(np.linalg.norm(way))
    reach = more * length
    share = _crossing(float(np.linalg.norm(force)), float(force @ way), length, reach, room)

    def bound(s: float) -> float:
        return float(np.linalg.norm(force - s * way)) + s * reach

    assert 0.0 < share <= 1.0 and bound(share) <= room * (1.0 + 1e-9)
    assert share == 1.0 or bound(min(1.0, share + 1e-6)) >= room * (1.0 - 1e-6)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_springs_in_contact_never_exceed_the_bound_of_a_motion(seed: int) -> None:
    rng = np.random.default_rng(seed)
    planes = int(rng.integers(1, 5))
    normals = rng.normal(size=(planes, 3))
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    offsets = rng.uniform(-2e-4, 2e-4, planes)
    stiffness = STIFFNESS / planes  # of each: together at most the stated one in any direction

    def force(x: np.ndarray) -> np.ndarray:
        return np.asarray((stiffness * np.maximum(0.0, offsets - normals @ x)) @ normals)

    for _ in range(50):
        x, d = rng.uniform(-3e-4, 3e-4, (2, 3))
        before = force(x)
        bound = np.linalg.norm(before - 0.5 * STIFFNESS * d) + 0.5 * STIFFNESS * np.linalg.norm(d)
        assert np.linalg.norm(force(x + d)) <= bound * (1.0 + 1e-9)


def test_a_motion_in_free_space_may_go_as_far_as_the_ceiling_is_stiff() -> None:
    ceiling = ForceCeiling(CEILING, RATE)
    far = 2.0 * 10.0 / STIFFNESS
    command = ceiling.limit([0.0, 0.0, -far, 0.0, 0.0, 0.0], [0.0] * 6, [0.0] * 6, NO_ARM)
    assert ceiling.active and command[2] == pytest.approx(-PLANNED_SHARE * 10.0 / STIFFNESS)
    ceiling.reset([0.0] * 6)
    near = [0.0, 0.0, -0.9 * 10.0 / STIFFNESS, 0.0, 0.0, 0.0]
    assert ceiling.limit(near, [0.0] * 6, [0.0] * 6, NO_ARM) == near and not ceiling.active


@pytest.mark.parametrize(("away", "way"), [(-1.0, 5.0 / STIFFNESS), (1.0, 15.0 / STIFFNESS)])
def test_a_contact_at_half_the_ceiling_may_move_as_the_bound_says(away: float, way: float) -> None:
    # Towards the contact 5 + k d <= 10; away from it |5 - k d / 2| + k d / 2 <= 10, so that k d <= 15.
    pressed, ceiling = np.array([0.0, 0.0, 5.0, 0.0, 0.0, 0.0]), ForceCeiling(CEILING, RATE)
    for factor, active in ((0.99, False), (1.5, True)):
        ceiling.reset([0.0] * 6)
        goal = [0.0, 0.0, away * factor * way, 0.0, 0.0, 0.0]
        command = ceiling.limit(goal, [0.0] * 6, pressed, NO_ARM)
        assert ceiling.active == active
        planned = PLANNED_SHARE * (15.0 if away > 0.0 else 10.0) - (0.0 if away > 0.0 else 5.0)
        assert command[2] == pytest.approx(goal[2] if not active else away * planned / STIFFNESS, rel=0.1)


def test_above_the_ceiling_the_command_goes_back() -> None:
    ceiling = ForceCeiling(CEILING, RATE)
    ceiling.reset([0.0, 0.0, -1e-3, 0.0, 0.0, 0.0])  # the command is a millimetre ahead
    pressed = [0.0, 0.0, 12.0, 0.0, 0.0, 0.0]
    heights = [
        ceiling.limit([0.0, 0.0, -1e-3, 0.0, 0.0, 0.0], [0.0] * 6, pressed, NO_ARM)[2] for _ in range(9)
    ]
    assert np.diff(heights).min() > -1e-12 and np.diff([-1e-3, *heights]).max() <= 0.05 / RATE + 1e-12
    assert heights[-1] == pytest.approx(2.0 / STIFFNESS)  # where a contact of that stiffness has lost the 2 N


def press(lag: float, delay: float, stiffness: float, config: InsertionConfig, actions: np.ndarray) -> float:
    """Return the largest force [N] on a floor 1 mm below the start; the plant is integrated in 0.1 ms."""
    insertion = Insertion(config, LAW, ToolConfig())
    insertion.reset(((0.0, 0.0, 0.0), IDENTITY))
    position, fine, peak = config.path.start_height, 50, 0.0
    history = [position] * (int(delay * RATE * fine) + 2)
    before, force = position, 0.0
    for period in range(10 * len(actions)):
        if period % 10 == 0:
            insertion.apply(actions[period // 10])
        measured = ((0.0, 0.0, position), IDENTITY)
        (place, _), _ = insertion.step([0.0, 0.0, force, 0.0, 0.0, 0.0], pose=measured)
        for k in range(fine):
            history.append(before + (k + 1) / fine * (place[2] - before))
            target = history[-1 - int(delay * RATE * fine)]
            position += (target - position) / max(lag * RATE * fine, 1.0)
            force = stiffness * max(0.0, 0.001 - position)
            peak = max(peak, force)
        before = place[2]
    return peak


@pytest.mark.parametrize(("lag", "delay"), [(0.0, 0.0), (0.004, 0.0), (0.04, 0.01), (0.1, 0.02), (0.2, 0.0)])
def test_no_policy_presses_harder_than_the_ceiling(lag: float, delay: float) -> None:
    config = InsertionConfig()
    config.action.wrench = [40.0] * 3 + [0.5] * 3
    config.admittance.reference_limit = [40.0] * 3 + [0.5] * 3
    held = replace(config, ceiling=replace(CEILING, stopping_time=delay, tare_error=[0.05, 0.0]))
    rng, free = np.random.default_rng(0), []
    for kind in range(6):
        signs = np.ones(8) if kind == 0 else rng.choice([-1.0, 1.0], 8, p=[0.3, 0.7])
        actions = signs[:, None] * np.array(DOWN)
        free.append(press(lag, delay, STIFFNESS, config, actions))
        assert press(lag, delay, STIFFNESS, held, actions) <= 10.0
        assert press(lag, delay, 0.1 * STIFFNESS, held, actions) <= 10.0
    assert max(free) > 15.0  # the same policies without a ceiling


def test_without_a_pose_or_a_wrench_the_command_goes_back_and_stands_still() -> None:
    insertion = Insertion(InsertionConfig(ceiling=CEILING), LAW, ToolConfig())
    start = command = insertion.reset(((0.0, 0.0, 0.0), IDENTITY))
    for _ in range(20):
        before = command
        command, _ = insertion.step([0.0] * 6, pose=before)
    assert command[0][2] < before[0][2] < start[0][2]
    for wrench, pose in (([np.nan] * 6, command), ([0.0] * 6, None)):
        for _ in range(8):
            again, faults = insertion.step(wrench, pose=pose)
            assert again[0] == pytest.approx(before[0], abs=1e-12) and faults & Fault.INVALID_INPUT
    moved, faults = insertion.step([0.0] * 6, pose=before)
    assert moved != before and not faults


def test_a_command_that_is_held_back_is_flagged_and_reported_to_the_law() -> None:
    config = InsertionConfig(ceiling=replace(CEILING, force=1.0, stiffness=[1e6, 50.0]))
    insertion = Insertion(config, LAW, ToolConfig())
    start = insertion.reset(((0.0, 0.0, 0.0), IDENTITY))
    command = start
    for _ in range(20):
        before = command
        command, faults = insertion.step([0.0] * 6, pose=before)
    assert faults & Fault.FORCE_CEILING
    assert command[0][2] - insertion.height == pytest.approx(insertion.controller.offset[2], abs=1e-12)
    assert 0.0 < before[0][2] - command[0][2] <= 1.0 / 1e6 + 1e-12  # the path alone makes 40 micrometres


def test_restrained_offset_and_velocity_are_those_that_were_applied() -> None:
    controller = AdmittanceController(LAW, RATE)
    offset, _ = controller.step([0.0, 0.0, 10.0, 0.0, 0.0, 0.0])
    assert offset[2] > 0.0
    controller.restrain([0.0] * 6)
    assert not controller.offset.any() and controller.velocity == pytest.approx(np.zeros(6), abs=1e-12)
    with pytest.raises(ValueError, match="offset must be six finite numbers"):
        controller.restrain([0.0, np.nan, 0.0, 0.0, 0.0, 0.0])


def test_a_reference_is_scaled_to_nine_tenths_of_the_ceiling() -> None:
    ceiling = ForceCeiling(replace(CEILING, moment=1.0), RATE)
    assert ceiling.bounded([0.0, 12.0, 16.0, 0.0, 2.0, 0.0]) == pytest.approx([0.0, 5.4, 7.2, 0.0, 0.9, 0.0])
    assert ceiling.bounded([1.0, 2.0, 3.0, 0.1, 0.2, 0.3]) == [1.0, 2.0, 3.0, 0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"force": 0.0}, "CeilingConfig.force must be > 0, got 0.0"),
        ({"moment": 1.0}, "CeilingConfig.force must be set for a ceiling of the moment"),
        ({"force": 1.0, "tare_error": [1.0, 0.0]}, "tare_error leaves nothing of force = 1"),
        ({"force": 9.0, "stiffness": [1e4]}, "CeilingConfig.stiffness must be two numbers > 0"),
        ({"force": 9.0, "stiffness": [1e4, 0.0]}, "CeilingConfig.stiffness must be two numbers > 0"),
        ({"force": 9.0, "tare_error": []}, "CeilingConfig.tare_error must be two numbers >= 0"),
        ({"force": 9.0, "stiffness": [1e10, 1.0]}, "CeilingConfig.stiffness must be <= 1e"),
        ({"force": 9.0, "overshoot": 2.0}, "CeilingConfig.overshoot must be <= 1"),
        ({"force": 9.0, "lever": 0.0}, "CeilingConfig.lever must be > 0"),
    ],
)
def test_values_that_make_no_ceiling_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(").replace("[", r"\[")):
        CeilingConfig(**values)


def test_a_ceiling_needs_a_force_and_a_stiffness() -> None:
    with pytest.raises(ValueError, match="CeilingConfig.force must be a number"):
        ForceCeiling(CeilingConfig(), RATE)
    with pytest.raises(ValueError, match="CeilingConfig.stiffness must be stated"):
        ForceCeiling(CeilingConfig(force=10.0), RATE)


def test_without_a_ceiling_of_the_moment_the_rotational_stiffness_has_no_effect() -> None:
    commands = []
    for rotational in (1.0, 500.0):
        own = replace(CEILING, stiffness=[STIFFNESS, rotational], impact=[200.0, 4.0], stopping_time=0.01)
        ceiling, pose, found = ForceCeiling(own, RATE), [0.0] * 6, []
        for period in range(30):
            goal = [5e-5 * period, 0.0, -1e-4 * period, 0.0, 1e-3 * period, 0.0]
            pose = ceiling.limit(goal, pose, [0.0, 0.0, 0.2 * period, 0.0, 0.01, 0.0], NO_ARM)
            found.append(pose)
        commands.append(found)
    assert commands[0] == commands[1] and ceiling.active
