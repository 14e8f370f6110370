"""A bundle at work: it runs at its rate, ends for a reason, and never commands what is not finite."""

from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bundle_maker import HOLE, LENGTH, manifest, policy, write

from assembly_rl.controllers import BundleController, Fault, Recording, load_bundle
from assembly_rl.controllers.adapters.playback import play_back
from assembly_rl.controllers.bundles import Manifest, State
from assembly_rl.controllers.se3 import compose, displace, quat_exp, rotate_back, rotation_matrix

IDENTITY = (0.0, 0.0, 0.0, 1.0)
FREE = [0.0] * 6
START = ((0.4, -0.1, 0.2 + 0.002 + LENGTH), IDENTITY)


def controller(**changes: Any) -> BundleController:
    return BundleController(Manifest.read(manifest() | changes), policy())


def running(own: BundleController, steps: int, reading: Any = FREE, pose: Any = None) -> list[Any]:
    """Commands of so many steps in which the tool follows the command, or is off by a displacement."""
    found = [own.reset(HOLE)]
    for number in range(steps):
        here = (found[-1].position, found[-1].orientation)
        here = here if pose is None else displace(here, [min(1.0, 0.05 * number) * value for value in pose])
        found.append(own.step(reading, here, number / own.rate))
    return found


def test_it_starts_where_it_says_and_goes_down_the_path() -> None:
    own = controller()
    assert compose(HOLE, own.start)[0] == pytest.approx(START[0])
    commands = running(own, 200)
    assert commands[0].position == pytest.approx(START[0])
    assert commands[-1].state is State.running
    assert commands[-1].position[2] < START[0][2] - 0.003  # 8 mm/s for a second, policy or not
    assert np.abs(own.actions).max() <= 1.0 and np.abs(own.actions).max() > 0.0


def test_the_policy_acts_once_in_a_policy_period() -> None:
    own = controller()
    own.reset(HOLE)
    seen = []
    for number in range(40):
        own.step([0.1 * number, 0.0, 0.0, 0.0, 0.0, 0.0], START, number / own.rate)
        seen.append(own.actions.tolist())
    changes = [k for k in range(1, 40) if seen[k] != seen[k - 1]]
    assert changes == [10, 20, 30]


def test_it_begins_at_the_measured_pose() -> None:
    own = controller()
    (x, y, z), _ = START
    turn = quat_exp((0.01, -0.02, 0.03))
    command = own.reset(HOLE, ((x + 1e-3, y - 5e-4, z), turn))
    assert command.position == pytest.approx((x + 1e-3, y - 5e-4, z), abs=1e-9)
    assert command.orientation == pytest.approx(turn, abs=1e-9)
    with pytest.raises(ValueError, match=r"offset\[x\] must be within"):
        own.reset(HOLE, ((x + 0.02, y, z), IDENTITY))


def test_readings_in_free_space_are_the_bias() -> None:
    own, biased = controller(), controller()
    readings = np.random.default_rng(0).normal(scale=0.05, size=(20, 6)) + [2.0, -1.0, 1.5, 0.0, 0.1, 0.0]
    biased.reset(HOLE, free_readings=readings)
    own.reset(HOLE, bias=[0.0] * 6)
    mean = readings.mean(0)
    for number in range(30):
        push = np.array([0.0, 0.5 * number, -1.0, 0.0, 0.0, 0.0])
        one = own.step(push, START, number / own.rate)
        other = biased.step(push + mean, START, number / own.rate)
        assert other.position == pytest.approx(one.position, abs=1e-12)


@pytest.mark.parametrize("turn", [(0.0, 0.0, 0.0), (1.2, -0.4, 0.3), (np.pi / 2, 0.0, 0.0)])
def test_the_weight_of_the_tool_is_no_contact(turn: tuple[float, float, float]) -> None:
    """However the hole stands in the base frame, in which gravity is given."""
    tool = {"centre": [0.0, 0.0, -LENGTH], "mass": 1.5, "centre_of_mass": [0.0, 0.01, -0.03]}
    heavy, light = controller(tool=tool), controller()
    hole = (HOLE[0], quat_exp(turn))
    heavy.reset(hole, bias=[0.0] * 6)
    light.reset(hole, bias=[0.0] * 6)
    start = compose(hole, light.start)
    force = rotate_back(rotation_matrix(start[1]), (0.0, 0.0, -1.5 * 9.81))
    weight = [*force, *np.cross([0.0, 0.01, -0.03], force)]
    for number in range(30):
        one = light.step(FREE, start, number / 200.0)
        other = heavy.step(weight, start, number / 200.0)
        assert other.position == pytest.approx(one.position, abs=1e-12)


@pytest.mark.parametrize(
    ("reading", "pose", "state"),
    [
        ([31.0, 0, 0, 0, 0, 0], None, State.force_limit),
        ([0, 0, 0, 1.6, 0, 0], None, State.moment_limit),
        (FREE, (0.009, 0, 0, 0, 0, 0), State.workspace),
        (FREE, (0, 0, 0, 0.1, 0, 0), State.workspace),
        (FREE, None, State.success),
        (FREE, (0, 0, 0.006, 0, 0, 0), State.timeout),
    ],
)
def test_it_ends_for_a_reason_and_stands_still(reading: Any, pose: Any, state: State) -> None:
    limits = manifest()
    if state is State.workspace:
        limits["insertion"]["limits"] |= {"angle": 0.09, "lateral": 0.006}
    if state is State.timeout:
        limits["insertion"]["limits"] |= {"time": 2.25}
    own = controller(insertion=limits["insertion"])
    commands = running(own, 1000, reading, pose)
    assert own.state is state and bool(own.reason) is (state is not State.success)
    if state is State.timeout:
        assert [command.state for command in commands].count(State.running) == 451
    ended = [command for command in commands if command.state is state]
    assert len({(command.position, command.orientation) for command in ended}) == 1
    assert own.step(FREE, START, 6.0).position == ended[0].position
    assert own.reset(HOLE).state is State.running


BAD: list[tuple[Any, Any]] = [
    ([nan] + [0.0] * 5, START),
    ([inf] * 6, START),
    ([0.0] * 5, START),
    (None, START),
    ("abcdef", START),
    ([10**400] * 6, START),
    (FREE, None),
    (FREE, ((nan, 0.0, 0.0), IDENTITY)),
    (FREE, (START[0], (0.0, 0.0, 0.0, 2.0))),
    (FREE, (START[0], (0.0, 0.0, 0.0))),
]


@pytest.mark.parametrize(("reading", "pose"), BAD)
def test_without_usable_input_it_comes_to_rest_and_stops(reading: Any, pose: Any) -> None:
    own = controller()
    good = running(own, 100)
    commands = [own.step(reading, pose, (100 + k) / 200.0) for k in range(200)]
    assert all(np.isfinite([*command.position, *command.orientation]).all() for command in commands)
    assert Fault.INVALID_INPUT in commands[0].faults
    assert own.state is State.fault and "usable" in own.reason
    moved = np.array(commands[-1].position) - good[-1].position
    assert np.abs(moved).max() < 0.002  # 8 mm/s for half a second would be 4 mm
    recorded = own.recording()
    assert recorded.states[-1] == "fault"
    np.testing.assert_array_equal(play_back(controller(), recorded).commands, recorded.commands)


def test_a_stale_reading_is_none() -> None:
    own = controller()
    own.reset(HOLE)
    found = [own.step(FREE, START, k / 200.0, stamp=min(k, 20) / 200.0) for k in range(200)]
    assert Fault.STALE_WRENCH in found[40].faults and own.state is State.fault
    recorded = own.recording()
    np.testing.assert_array_equal(play_back(controller(), recorded).commands, recorded.commands)


def test_it_is_stopped_from_outside() -> None:
    own = controller()
    commands = running(own, 50)
    own.stop("somebody came in")
    assert own.state is State.stopped and own.reason == "somebody came in"
    after = own.step(FREE, START, 0.25)
    assert (after.position, after.faults) == (commands[-1].position, Fault.STOPPED)
    assert len(own.recording()) == 50  # what comes later does not push it out
    own.stop()
    assert own.reason == "somebody came in"


def test_another_rate_is_refused_and_noticed() -> None:
    own = controller()
    with pytest.raises(
        ValueError, match="the loop runs at 125 Hz, the bundle's insertion.control_rate is 200 Hz"
    ):
        own.reset(HOLE, rate=125.0)
    for period in (1 / 125.0, 1 / 500.0, 0.0, -0.005):
        own.reset(HOLE)
        steps = 0
        while own.state is State.running and steps < 100:
            own.step(FREE, START, steps * period)
            steps += 1
        assert own.state is State.wrong_rate and steps <= 21
        assert "insertion.control_rate is 200 Hz" in own.reason
    own.reset(HOLE)  # jitter alone is none
    rng = np.random.default_rng(0)
    for k in range(200):
        own.step(FREE, START, (k + rng.uniform(-0.4, 0.4)) / 200.0)
    assert own.state is State.running


def test_before_a_reset_it_commands_nothing() -> None:
    own = controller()
    command = own.step(FREE, START, 0.0)
    assert command.state is State.idle and "reset" in own.reason
    assert (command.position, command.orientation) == START  # where the robot is
    with pytest.raises(ValueError, match="before reset"):
        own.recording()
    for hole in (((0.0, 0.0, nan), IDENTITY), ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 2.0))):
        with pytest.raises(ValueError, match="hole"):
            own.reset(hole)
    own.reset(HOLE)
    with pytest.raises(ValueError, match="bias must be six finite numbers"):
        own.reset(HOLE, bias=[0.0] * 5)
    assert own.step(FREE, START, 0.0).state is State.idle  # not half reset


def test_a_recording_is_read_back_and_gives_the_same_commands(tmp_path: Path) -> None:
    own = load_bundle(write(tmp_path / "a.bundle"))
    own.reset(HOLE, free_readings=[[0.5, 0.0, -0.2, 0.0, 0.0, 0.01]] * 3)
    for k in range(300):
        (x, y, z), orientation = START
        own.step(
            [0.5 + 0.01 * k, 0.2, -3.0, 0.0, 0.02, 0.01], ((x, y, z - 1e-5 * k), orientation), 5.0 + k / 200.0
        )
    recorded = own.recording()
    recorded.save(tmp_path / "a.csv")
    with pytest.raises(FileExistsError):
        recorded.save(tmp_path / "a.csv")
    read = Recording.load(tmp_path / "a.csv")
    assert read.hole == recorded.hole and read.bias == recorded.bias and read.states == recorded.states
    for name in ("stamps", "times", "wrenches", "poses", "commands", "faults"):
        np.testing.assert_array_equal(getattr(read, name), getattr(recorded, name))
    again = play_back(load_bundle(tmp_path / "a.bundle"), read)
    np.testing.assert_array_equal(again.commands, recorded.commands)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,fx\n0,1\n", "has no column 'fy'"),
        ("# hole = 1 2\nTIME\n", "needs a line '# hole = ' with 7 numbers"),
        ("# hole = 0 0 0 0 0 0 2\nTIME\n", "hole"),
        ("# hole = 0 0 0 0 0 0 1\nTIME\nx,0,0,0,0,0,0,0,0,0,0,0,0,1\n", "row 1 has no number in 'time': 'x'"),
        ("", "has no column 'time'"),
    ],
)
def test_a_recording_that_is_none_is_refused(tmp_path: Path, text: str, message: str) -> None:
    columns = "time,fx,fy,fz,mx,my,mz,x,y,z,qx,qy,qz,qw"
    rows = "" if "row" in message else "0,0,0,0,0,0,0,0,0,0,0,0,0,1\n"
    (tmp_path / "a.csv").write_text(text.replace("TIME\n", f"{columns}\n{rows}"))
    with pytest.raises(ValueError) as caught:
        Recording.load(tmp_path / "a.csv")
    assert message in str(caught.value)
