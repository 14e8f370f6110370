"""An engine, a robot, an observation term and a task from outside of the package."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from assembly_rl.controllers import ObservationTerm, Signals, register_observation_term
from assembly_rl.controllers.insertion import ObservationConfig
from assembly_rl.controllers.se3 import Pose, Quaternion, Vector
from assembly_rl.controllers.wrench import Wrench
from assembly_rl.envs import (
    PegHole,
    PegInHoleEnv,
    Result,
    SimulatedRobot,
    TaskConfig,
    register_engine,
    register_robot,
    register_task,
)
from assembly_rl.envs.library import make_part_and_task
from assembly_rl.envs.physics import PhysicsConfig, SensorConfig, World
from assembly_rl.envs.probing import probe_contact
from assembly_rl.envs.reward import Progress
from assembly_rl.envs.robots import RobotConfig
from assembly_rl.envs.task import InsertionTask
from assembly_rl.envs.workcell import make_workcell

NO_ERROR = {"hole_estimate": {"lateral": 0.0, "tilt": 0.0, "yaw": 0.0}}
STEADY = {"dither": [0.0] * 6}


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSEMBLY_RL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


class ElasticPlate:
    """An engine without rotations or a hole: the tool follows the command, a spring pushes it back in z."""

    STIFFNESS = 100.0  # N/m

    def __init__(self, part: PegHole, config: PhysicsConfig, cutoff: float, visual: bool) -> None:
        self.part, self.config = part, config
        self.friction = 0.0
        self.closed = False
        self.reset((0.0, 0.0, 2.0 * part.peg_length), (0.0, 0.0, 0.0, 1.0))

    @property
    def penetration_bound(self) -> float:
        return 1.0

    def set_friction(self, friction: float) -> None:
        self.friction = friction

    def reset(self, position: Vector, orientation: Quaternion) -> None:
        self._pose: Pose = (position, orientation)
        self._velocity: Vector = (0.0, 0.0, 0.0)
        self.wrench: Wrench = (0.0,) * 6
        self.pull: Wrench = (0.0,) * 6
        self.penetration = 0.0

    def pose(self) -> Pose:
        return self._pose

    def twist(self) -> tuple[Vector, Vector]:
        return self._velocity, (0.0, 0.0, 0.0)

    def advance(self, steps: int, position: Vector, orientation: Quaternion) -> None:
        time = steps / self.config.rate
        x, y, z = ((new - old) / time for new, old in zip(position, self._pose[0], strict=True))
        self._velocity = (x, y, z)
        self._pose = (position, orientation)
        force = self.STIFFNESS * self.measure_penetration()
        self.wrench, self.pull = (0.0, 0.0, force, 0.0, 0.0, 0.0), (0.0, 0.0, -force, 0.0, 0.0, 0.0)

    def measure_penetration(self) -> float:
        depth = max(0.0, self.part.peg_length - self._pose[0][2])
        self.penetration = max(self.penetration, depth)
        return depth

    def content(self) -> list[Any]:
        return ["elastic plate", vars(self.config), self.part.content_hash]

    def close(self) -> None:
        self.closed = True


class LaggingRobot:
    """A robot that follows its command with a first-order lag, and counts the control periods."""

    joint_limit = False

    def __init__(self, world: World, config: RobotConfig) -> None:
        self._world = world
        self.periods = 0

    def reset(self, position: Vector, orientation: Quaternion) -> None:
        self._position, self.periods, self.joint_limit = position, 0, False
        self._world.reset(position, orientation)

    def advance(self, steps: int, position: Vector, orientation: Quaternion) -> None:
        x, y, z = (old + 0.2 * (new - old) for new, old in zip(position, self._position, strict=True))
        self._position = (x, y, z)
        self.periods += 1
        self.joint_limit = self.periods >= 75
        self._world.advance(steps, self._position, orientation)

    def require_reachable(self, poses: Iterable[Pose]) -> None:
        if any(position[2] > 0.3 for position, _ in poses):
            raise ValueError("the lagging robot does not reach that high")

    def content(self) -> list[Any]:
        return ["lag", 0.2]


class Speed(ObservationTerm):
    """Two components, which a robot does not measure."""

    measurable = False
    inputs = ("twist", "last_action")

    def components(self, config: ObservationConfig) -> list[tuple[str, float]]:
        return [("speed", 1.0), ("effort", 3.0)]

    def scale(self, config: ObservationConfig) -> np.ndarray:
        return np.array([0.1, 1.0])

    def value(self, config: ObservationConfig, signals: Signals, rng: np.random.Generator) -> np.ndarray:
        return np.array([np.linalg.norm(signals.twist[:3]) / 0.1, np.linalg.norm(signals.last_action)])


class TouchTask(InsertionTask):
    """Down to the mouth of the hole; the reward is one term."""

    def result_of_pose(
        self,
        pose: np.ndarray | list[float],
        progress: Progress,
        steps: int,  # type: ignore[override]
    ) -> Result | None:
        return Result.success if progress.depth > 0.0 else super().result_of_pose(pose, progress, steps)

    def reward_terms(
        self, before: Progress, after: Progress, forces: Sequence[float], result: Result | None
    ) -> dict[str, float]:
        return {"touch": float(result is Result.success)}


register_engine("test_elastic_plate", ElasticPlate)
register_robot("test_lagging", LaggingRobot)
register_observation_term("test_speed", Speed())
register_task("test_touch", TouchTask)


def run(task: dict, steps: int = 200) -> tuple[list, dict]:
    env = PegInHoleEnv(task={"randomization": NO_ERROR, "action": STEADY, **task})
    observation, info = env.reset(seed=1)
    rows = [observation.tolist()]
    for _ in range(steps):
        observation, reward, terminated, truncated, info = env.step(np.array([0.1, 0, 0, 0, 0, 0]))
        rows.append([*observation.tolist(), reward])
        if terminated or truncated:
            break
    env.close()
    return rows, info


# ---------------------------------------------------------------------- engine


def test_an_episode_in_another_engine() -> None:
    rows, info = run({"physics": {"engine": "test_elastic_plate"}})
    assert info["result"] == "success"
    assert info["certificate"]["penetration"] == pytest.approx(info["depth"])
    assert max(info["force"]) == pytest.approx(100.0 * info["depth"], abs=0.3)  # the sensor is the package's
    _, bullet = run({})
    assert info["certificate"]["physics_hash"] != bullet["certificate"]["physics_hash"]
    assert run({"physics": {"engine": "test_elastic_plate"}})[0] == rows


def test_a_state_of_another_engine_continues() -> None:
    task = {"physics": {"engine": "test_elastic_plate"}}
    env, other = PegInHoleEnv(task=task), PegInHoleEnv(task=task)
    env.reset(seed=2)
    for _ in range(5):
        env.step(np.full(6, 0.2))
    other.set_state(json.loads(json.dumps(env.get_state())))
    np.testing.assert_array_equal(env.step(np.zeros(6))[0], other.step(np.zeros(6))[0])


def test_an_engine_may_lack_pictures_and_arms() -> None:
    task = {"physics": {"engine": "test_elastic_plate"}}
    with pytest.raises(ValueError, match="'test_elastic_plate' draws no pictures: use another task.physics"):
        PegInHoleEnv(task=task, render_mode="rgb_array")
    with pytest.raises(ValueError, match="'test_elastic_plate' has no windows: use another task.physics"):
        make_workcell(*make_part_and_task(None, task), window=True)
    with pytest.raises(ValueError, match="'test_elastic_plate' simulates no arms: use task.robot.model="):
        PegInHoleEnv(task={**task, "robot": {"model": "iiwa"}})
    assert PegInHoleEnv(task=task).render() is None


def test_a_refused_robot_leaves_no_world_open(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    monkeypatch.setattr(ElasticPlate, "close", lambda world: closed.append(world))
    with pytest.raises(ValueError, match="simulates no arms"):
        PegInHoleEnv(task={"physics": {"engine": "test_elastic_plate"}, "robot": {"model": "iiwa"}})
    assert len(closed) == 1


def test_probing_in_another_engine() -> None:
    quiet = SensorConfig(force_noise=0.0, moment_noise=0.0)
    task = TaskConfig(physics=PhysicsConfig(engine="test_elastic_plate"), sensor=quiet)
    probes = probe_contact(PegHole(), task)
    vertical = probes.offsets[:, 2] != 0.0
    assert vertical.sum() == 4
    forces = -ElasticPlate.STIFFNESS * probes.offsets[vertical, 2]
    np.testing.assert_allclose(probes.wrenches[vertical, 2], forces, rtol=1e-9)


def test_an_unknown_engine() -> None:
    with pytest.raises(ValueError, match=r"unknown physics engine 'bulet'; did you mean 'bullet'\? Known: b"):
        PegInHoleEnv(task={"physics": {"engine": "bulet"}})


def test_the_name_of_the_engine_is_not_in_the_hash_of_bullet() -> None:
    """Which is what it was before there were several."""
    robot = SimulatedRobot()
    servo = {name: value for name, value in vars(robot.task.physics).items() if name != "engine"}
    assert servo.pop("rate") is None  # the engine's own
    assert robot.world.content()[2] == servo | {"rate": 1000.0} and "bullet" not in robot.world.content()
    robot.close()


# ---------------------------------------------------------------------- robot


def test_another_robot_moves_the_same_world() -> None:
    rows, info = run({"robot": {"model": "test_lagging"}})
    assert info["result"] == "joint_limit"
    assert len(rows) == 1 + 8  # it ends in the 75th control period
    floating, other = run({}, steps=8)
    assert rows[0] == floating[0] and rows[1] != floating[1]
    assert info["certificate"]["physics_hash"] != run({})[1]["certificate"]["physics_hash"]


def test_another_robot_in_another_engine() -> None:
    task = {"robot": {"model": "test_lagging"}, "physics": {"engine": "test_elastic_plate"}}
    assert run(task)[1]["result"] == "joint_limit"


def test_the_reach_of_another_robot() -> None:
    task = {"robot": {"model": "test_lagging"}, "path": {"start_height": 0.3}}
    with pytest.raises(ValueError, match="the lagging robot does not reach that high"):
        PegInHoleEnv(task=task)


# ---------------------------------------------------------------------- observation term and task


def test_another_observation_term() -> None:
    env = PegInHoleEnv(
        task={"observation": {"groups": ["pose", "test_speed"]}, "randomization": NO_ERROR, "action": STEADY}
    )
    assert env.observation_names[-2:] == ("speed", "effort")
    assert env.observation_space.shape == (8,) and env.observation_space.high[-2:].tolist() == [1.0, 3.0]
    env.reset(seed=0)
    for _ in range(5):
        observation, *_ = env.step(np.array([0.0, 0.0, 0.0, 0.5, 0.0, 0.0]))
    assert observation[-2] == pytest.approx(0.08, rel=0.05)  # the twist is there: 8 mm/s of the path
    assert observation[-1] == pytest.approx(0.5)
    env.close()


def test_another_task() -> None:
    rows, info = run({"name": "test_touch"})
    assert info["result"] == "success" and info["is_success"]
    assert 0.0 < info["depth"] < 0.001
    assert [row[-1] for row in rows[1:]] == [0.0] * (len(rows) - 2) + [1.0]
    assert info["reward_terms"] == {"touch": 1.0}
    assert run({"name": "test_touch", "limits": {"time": 0.1}})[1]["result"] == "timeout"
    with pytest.raises(ValueError, match="unknown task 'insertio'; did you mean 'insertion'"):
        PegInHoleEnv(task={"name": "insertio"})


def test_all_of_them_at_once() -> None:
    task = {
        "physics": {"engine": "test_elastic_plate"},
        "robot": {"model": "test_lagging"},
        "observation": {"groups": ["test_speed", "wrench"]},
        "name": "test_touch",
    }
    rows, info = run(task)
    assert info["result"] == "success" and len(rows[0]) == 8
