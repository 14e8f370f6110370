"""The motion that identifies a robot: bounded in everything, and it can be stopped."""

from collections.abc import Callable
from math import nan
from typing import Any

import numpy as np
import pytest

from assembly_rl.controllers.bundles import State
from assembly_rl.controllers.identification import Excitation, ExcitationConfig, Move
from assembly_rl.controllers.se3 import Pose, quat_exp, rotate_back, rotation_matrix
from assembly_rl.controllers.validation import InputError

RATE = 200.0
START: Pose = ((0.4, -0.1, 0.3), quat_exp((0.0, 3.0, 0.2)))
BIAS = (1.0, -2.0, 3.0, 0.1, 0.0, -0.1)
Disturb = Callable[[int, Pose], tuple[Any, Pose]]


class Spring:
    """A robot that follows at once, above a spring along -z of the base."""

    def __init__(self, stiffness: float = 2e4, gap: float = 0.005, rate: float = RATE) -> None:
        self.stiffness, self.surface, self.rate = stiffness, START[0][2] - gap, rate
        self.forces: list[float] = []
        self.moves: list[Move] = []

    def reading(self, pose: Pose) -> tuple[float, ...]:
        force = self.stiffness * max(0.0, self.surface - pose[0][2])
        self.forces.append(force)
        x, y, z = rotate_back(rotation_matrix(pose[1]), (0.0, 0.0, force))
        a, b, c, d, e, f = BIAS
        return (a + x, b + y, c + z, d, e, f)

    def run(self, excitation: Excitation, disturb: Disturb | None = None, most: int = 40_000) -> State:
        excitation.reset(START)
        pose = START
        for number in range(most):
            reading: Any = self.reading(pose)
            measured = pose
            if disturb is not None:
                changed, measured = disturb(number, pose)
                reading = reading if changed is None else changed
            move = excitation.step(reading, measured, number / self.rate)
            self.moves.append(move)
            if move.state is not State.running:
                break
            pose = (move.position, move.orientation)
        return excitation.state


def quick(**fields: Any) -> ExcitationConfig:
    return ExcitationConfig(**({"duration": 2.0, "approach_speed": 0.002, "push_time": 3.0} | fields))


@pytest.mark.parametrize("stiffness", [1e3, 2e4, 2e5])
def test_pushes_reach_their_forces_and_not_more(stiffness: float) -> None:
    spring, excitation = Spring(stiffness), Excitation(RATE, quick())
    assert spring.run(excitation) is State.success
    recording = excitation.recording()
    inside = recording.phases == "contact"
    forces = np.array(spring.forces[: len(recording)])[inside]
    assert np.ptp(recording.times[inside]) == pytest.approx(3.0, abs=0.1)
    assert 0.7 * 12.0 < forces.max() < 12.0
    assert 0.1 * 12.0 < forces.min() < 0.5 * 12.0
    assert max(spring.forces) < 30.0
    assert spring.moves[-1].position == pytest.approx(START[0])


def test_speed_and_way_of_the_commands() -> None:
    config = quick()
    spring, excitation = Spring(), Excitation(RATE, config)
    spring.run(excitation)
    positions = np.array([move.position for move in spring.moves])
    steps = np.linalg.norm(np.diff(positions, axis=0), axis=1) * RATE
    assert steps.max() < 1.3 * config.speed[0]  # at the beginning of a sweep its envelope rises, too
    assert np.abs(positions[:, :2] - START[0][:2]).max() <= config.amplitude[0] + 1e-9
    assert positions[:, 2].min() > START[0][2] - config.travel
    assert np.linalg.norm(positions[0] - START[0]) == 0.0


def test_no_pushes_without_a_force() -> None:
    spring, excitation = Spring(gap=-1.0), Excitation(RATE, quick(force=0.0))
    spring.stiffness = 0.0
    assert spring.run(excitation) is State.success
    assert set(excitation.recording().phases) == {"rest", "free", "other"}


def test_it_retreats_above_the_force_limit() -> None:
    spring, excitation = Spring(), Excitation(RATE, quick())

    def hit(number: int, pose: Pose) -> tuple[Any, Pose]:
        return ((40.0, *BIAS[1:]) if number == 500 else None), pose

    assert spring.run(excitation, hit) is State.force_limit
    assert "force_limit is 30 N" in excitation.reason
    assert 500 < len(spring.moves) < 600
    assert spring.moves[-1].position == START[0]
    assert spring.moves[-1].orientation == START[1]
    back = np.array([move.position for move in spring.moves[500:]])
    assert np.linalg.norm(np.diff(back, axis=0), axis=1).max() <= 0.02 / RATE + 1e-12


def test_a_hard_hit_on_the_surface_ends_it_there() -> None:
    spring, excitation = Spring(stiffness=1e7), Excitation(RATE, quick())
    assert spring.run(excitation) is State.force_limit
    assert "more slowly, approach_speed" in excitation.reason
    assert spring.moves[-1].position == START[0]


def test_a_moment_ends_it() -> None:
    spring, excitation = Spring(), Excitation(RATE, quick())

    def twist(number: int, pose: Pose) -> tuple[Any, Pose]:
        return ((*BIAS[:3], 5.0, 0.0, 0.0) if number > 500 else None), pose

    assert spring.run(excitation, twist) is State.moment_limit


def test_no_surface() -> None:
    spring, excitation = Spring(gap=1.0), Excitation(RATE, quick(travel=0.01))
    assert spring.run(excitation) is State.workspace
    assert "no firm surface within travel, 10 mm" in excitation.reason
    assert spring.moves[-1].position == START[0]


def test_a_robot_that_does_not_follow() -> None:
    excitation = Excitation(RATE, quick(travel=0.05))

    def elsewhere(number: int, pose: Pose) -> tuple[Any, Pose]:
        (x, y, z), q = pose
        return None, ((x + (0.03 if number > 300 else 0.0), y, z), q)

    assert Spring().run(excitation, elsewhere) is State.workspace
    assert "does not follow" in excitation.reason


@pytest.mark.parametrize("part", ["reading", "pose"])
def test_measurements_that_are_missing(part: str) -> None:
    spring, excitation = Spring(), Excitation(RATE, quick())

    def lost(number: int, pose: Pose) -> tuple[Any, Pose]:
        if number < 400:
            return None, pose
        return ((nan,) * 6, pose) if part == "reading" else (None, ((nan,) * 3, (nan,) * 4))

    assert spring.run(excitation, lost) is State.fault
    assert "missing" in excitation.reason
    still = [move.position for move in spring.moves[400:]]
    assert set(still) == {still[0]}
    assert len(still) < 0.15 * RATE
    assert len(excitation.recording()) == 400


def test_stop_goes_back() -> None:
    spring, excitation = Spring(), Excitation(RATE, quick())

    def stop(number: int, pose: Pose) -> tuple[Any, Pose]:
        if number == 700:
            excitation.stop()
        return None, pose

    assert spring.run(excitation, stop) is State.stopped
    assert spring.moves[-1].position == START[0]
    assert len(spring.moves) < 800
    after = excitation.step(BIAS, START, 0.0)
    assert after.state is State.stopped and after.position == START[0]


def test_a_configuration_is_copied() -> None:
    config = quick()
    excitation = Excitation(RATE, config)
    config.force_limit = 1e-3
    assert Spring().run(excitation) is State.success


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"amplitude": [0.1, 0.03]}, "amplitude must be two numbers"),
        ({"frequencies": [5.0, 1.0]}, "frequencies must rise"),
        ({"direction": [0.0, 0.0, 2.0]}, "direction must be a unit vector"),
        ({"force": 25.0}, "0.6 force_limit, 18 N"),
        ({"travel": 1.0}, "travel must be <= 0.2"),
        ({"approach_speed": 0.1}, "approach_speed must be <= 0.01"),
    ],
)
def test_a_configuration_that_is_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        ExcitationConfig(**fields)


def test_a_rate_that_is_refused() -> None:
    with pytest.raises(InputError, match="50 to 2000 Hz"):
        Excitation(20.0)
    with pytest.raises(InputError, match="a fifth of the control rate, 10 Hz"):
        Excitation(50.0)
