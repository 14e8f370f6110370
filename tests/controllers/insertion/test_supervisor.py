"""Phases and attempts of the supervisor."""

import numpy as np
import pytest

from assembly_rl.controllers.insertion import ActionConfig, ActionKind, InsertionConfig, LimitConfig
from assembly_rl.controllers.insertion.phases import Phase, Reason
from assembly_rl.controllers.insertion.supervisor import Supervisor
from assembly_rl.controllers.insertion.supervisor_config import SupervisorConfig

FREE = np.zeros(6)
PRESSED = np.array([0.0, 0.0, 5.0, 0.0, 0.0, 0.0])
PERIOD = 0.05


class Rig:
    """Supervisor that is told poses by hand."""

    def __init__(self, **values: object) -> None:
        own = {"attempts": 3, "patience": 1.0, "jam_time": 0.5, "level_time": 0.0, **values}
        config = SupervisorConfig(**own)  # type: ignore[arg-type]
        self.own, self.step = Supervisor(config, LimitConfig()), 0

    def tell(self, height: float, wrench: np.ndarray = PRESSED, force: float = 5.0, moment: float = 0.0,
             x: float = 0.0, tilt: float = 0.0, times: int = 1):  # fmt: skip
        for _ in range(times):
            pose = np.array([x, 0.0, height, tilt, 0.0, 0.0])
            decision = self.own.decide(self.step * PERIOD, wrench, pose, force, moment)
            self.step += 1
        return decision


def test_it_approaches_until_it_touches_and_learns_the_height() -> None:
    rig = Rig()
    decision = rig.tell(0.003, FREE, 0.0)
    assert decision.phase is Phase.approach and decision.descent == 1.0
    np.testing.assert_array_equal(decision.action, np.zeros(6))
    decision = rig.tell(0.0015)
    assert decision.phase is Phase.search and decision.begins and decision.action is None
    np.testing.assert_array_equal(rig.own.correction, [0.0, 0.0, 0.0015, 0.0, 0.0, 0.0])
    assert not rig.tell(0.0015).begins


def test_a_tilted_peg_is_turned_with_the_moment_until_it_lies_flat() -> None:
    rig = Rig(level_time=2.0)
    beside = np.array([0.0, 0.0, 5.0, 0.02, -0.02, 0.0])  # the contact is 4 mm beside the tip in x and y
    decision = rig.tell(0.0015, beside)
    assert decision.phase is Phase.level and decision.descent == 0.0 and not decision.begins
    np.testing.assert_allclose(decision.action, [0.0, 0.0, -0.9, 0.4, -0.4, 0.0])
    for tilt in np.linspace(0.0, 0.05, 10):
        assert rig.tell(0.001, beside, tilt=tilt).phase is Phase.level
    assert rig.tell(0.0002, tilt=0.05, times=5).phase is Phase.level  # 0.25 s at the same tilt
    decision = rig.tell(0.0002, tilt=0.05)
    assert decision.phase is Phase.search and decision.begins
    np.testing.assert_array_equal(rig.own.correction, [0.0, 0.0, 0.0002, 0.05, 0.0, 0.0])


def test_levelling_has_an_end_and_ends_in_the_hole() -> None:
    rig = Rig(level_time=0.5)
    for number in range(11):
        decision = rig.tell(0.0, tilt=0.01 * number)
    assert decision.phase is Phase.search and rig.own.correction[3] == pytest.approx(0.1)
    rig = Rig(level_time=0.5)
    rig.tell(0.0)
    assert rig.tell(-0.003, tilt=0.02).phase is Phase.insert and rig.own.correction[3] == 0.0


def test_the_next_attempt_begins_with_the_tilt_that_was_found() -> None:
    rig = Rig(level_time=0.5)
    rig.tell(0.0, tilt=0.05, times=12)
    rig.tell(0.0, tilt=0.05, force=29.0)
    rig.tell(0.0035, FREE, 0.0)
    assert rig.own.phase is Phase.align and rig.own._start()[3] == 0.05


def test_the_policy_sees_less_of_its_position_and_yaw_where_it_is_to_search_farther() -> None:
    rig = Rig(reach=[1.0, 2.0], yaw_reach=[1.5, 3.0])
    pose = np.array([0.002, -0.001, 0.003, 0.01, 0.02, 0.03])
    rig.tell(0.001)
    np.testing.assert_allclose(rig.own.seen(pose), [0.002, -0.001, 0.002, 0.01, 0.02, 0.02])
    rig.tell(0.001, force=29.0)
    np.testing.assert_allclose(rig.own.seen(pose), [0.001, -0.0005, 0.002, 0.01, 0.02, 0.01])
    np.testing.assert_array_equal(pose, [0.002, -0.001, 0.003, 0.01, 0.02, 0.03])


def test_a_contact_where_no_surface_can_be_corrects_nothing() -> None:
    rig = Rig()
    rig.tell(0.006)
    assert rig.own.phase is Phase.search and rig.own.correction[2] == 0.0


def test_a_hole_that_is_entered_without_a_touch_is_searched_no_longer() -> None:
    rig = Rig()
    assert rig.tell(-0.003, FREE, 0.0).phase is Phase.approach
    assert rig.tell(-0.007, FREE, 0.0).phase is Phase.insert


def test_a_search_that_takes_too_long_leads_to_a_retreat_and_another_start() -> None:
    rig = Rig()
    rig.tell(0.0)
    decision = rig.tell(0.0, times=21)
    assert decision.phase is Phase.recover and decision.descent == -1.0
    assert decision.action is not None and decision.action[2] > 0.0
    ((time, reason),) = rig.own.attempts
    assert reason is Reason.search and time == pytest.approx(1.05)
    decision = rig.tell(0.0035, FREE, 0.0)
    assert decision.phase is Phase.align and decision.descent == 0.0
    start = rig.own._start()
    assert np.hypot(*start[:2]) == pytest.approx(0.002) and start[5] == 0.03
    assert np.sign(decision.action[0]) == np.sign(start[0])
    rig.tell(0.0035, FREE, 0.0, times=21)  # it does not get there, and goes on
    assert rig.own.phase is Phase.approach
    assert rig.tell(0.0).begins


def test_a_peg_that_cannot_be_pulled_out_is_not_moved_sideways() -> None:
    rig = Rig()
    rig.tell(0.0)
    rig.tell(-0.003, force=29.0)
    for _ in range(50):
        decision = rig.tell(-0.003)
        assert decision.phase is not Phase.align
        assert decision.action is None or not decision.action[:2].any()
    assert decision.phase is Phase.insert and len(rig.own.attempts) == 1


def test_a_peg_that_does_not_advance_is_jammed() -> None:
    rig = Rig()
    rig.tell(0.0)
    assert rig.tell(-0.004).phase is Phase.insert
    assert rig.tell(-0.0041, times=5).phase is Phase.insert
    assert rig.tell(-0.006, times=5).phase is Phase.insert  # an advance
    assert rig.tell(-0.006, times=10).phase is Phase.recover
    assert [own.reason for own in rig.own.attempts] == [Reason.jam]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"force": 27.5}, Reason.force),
        ({"moment": 1.4}, Reason.moment),
        ({"x": 0.0075}, Reason.workspace),
    ],
)
def test_an_attempt_ends_before_a_limit(values: dict[str, float], reason: Reason) -> None:
    rig = Rig()
    rig.tell(0.0)
    assert rig.tell(0.0, **values).phase is Phase.recover  # type: ignore[arg-type]
    assert rig.own.attempts[0].reason is reason


def test_the_last_attempt_goes_on_to_the_end() -> None:
    rig = Rig(attempts=2)
    rig.tell(0.0)
    rig.tell(0.0, force=29.0)
    rig.tell(0.004, FREE, 0.0, times=30)
    rig.tell(0.0)
    assert rig.tell(0.0, force=29.0, times=60).phase is Phase.search and len(rig.own.attempts) == 1


def test_a_spiral_hands_over_where_the_tip_drops() -> None:
    rig = Rig(searches=["spiral"], patience=10.0)
    decision = rig.tell(0.0)
    assert decision.action is not None and decision.action[2] < 0.0 and not decision.begins
    early, late = rig.tell(0.0, times=5), rig.tell(0.0, times=100)
    assert np.abs(late.action[:2]).max() > np.abs(early.action[:2]).max()
    decision = rig.tell(-0.001, x=0.002)
    assert decision.action is None and decision.begins
    np.testing.assert_array_equal(rig.own.correction[:2], [0.002, 0.0])


def test_a_reset_forgets_the_insertion() -> None:
    rig = Rig()
    rig.tell(0.001)
    rig.tell(0.001, force=29.0)
    rig.own.reset()
    assert rig.own.attempts == [] and rig.own.phase is Phase.approach and not rig.own.correction.any()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"attempts": 0}, "attempts must be an integer from 1 to 100, got 0"),
        ({"attempts": 2.5}, "attempts must be an integer from 1 to 100, got 2.5"),
        ({"share": 1.5}, "share"),
        ({"reach": []}, r"reach must be one or more numbers from 0.1 to 10, got \[\]"),
        (
            {"yaw_reach": [1.0, 0.0]},
            r"yaw_reach must be one or more numbers from 0.1 to 10, got \[1.0, 0.0\]",
        ),
        ({"patience": -1.0}, "patience must be > 0"),
        ({"searches": []}, "searches must be one or more of policy, spiral, tilt"),
        ({"searches": ["spirale"]}, "unknown search 'spirale'; did you mean 'spiral'"),
    ],
)
def test_values_are_checked(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SupervisorConfig(**values)  # type: ignore[arg-type]


def test_a_supervisor_pushes_wrenches() -> None:
    with pytest.raises(ValueError, match="supervisor.attempts=2 goes with action.kind=wrench"):
        InsertionConfig(action=ActionConfig(kind=ActionKind.twist), supervisor=SupervisorConfig(attempts=2))
