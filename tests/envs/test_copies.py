"""Copies of an environment are independent of it, and it is independent of what is handed over or out."""

import copy
import gc
import json
import pickle
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import gymnasium
import numpy as np
import pytest
from stable_baselines3.common.vec_env import DummyVecEnv

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs import PegHole, PegInHoleEnv, SimulatedRobot, TaskConfig, make_environment
from assembly_rl.envs.config import RandomizationConfig, copied
from assembly_rl.envs.physics import BulletWorld, PhysicsConfig
from assembly_rl.envs.robots import RobotConfig
from assembly_rl.envs.workcell import make_workcell

SHORT = {"limits": {"time": 0.6}, "path": {"start_height": 0.0005}}
VARIED = SHORT | {
    "observation": {"groups": ["wrench", "pose", "last_action", "twist", "wrench_history", "second_pose"]},
    "randomization": {"clearance": [8e-5, 1.2e-4], "friction": [0.1, 0.4]},
}
COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
}


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSEMBLY_RL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def plain(value: Any) -> str:
    return json.dumps(value, default=lambda array: np.asarray(array).tolist())


def follow(env: gymnasium.Env, steps: int = 8) -> list[str]:
    """Steps with samples of the action space, on through the next episodes."""
    trace = []
    for _ in range(steps):
        result = env.step(env.action_space.sample())
        trace.append(plain(result))
        if result[2] or result[3]:
            trace.append(plain(env.reset()))
    return trace


def begun(task: Any = SHORT, steps: int = 5, **arguments: Any) -> PegInHoleEnv:
    env = PegInHoleEnv(task=task, **arguments)
    env.reset(seed=3)
    env.action_space.seed(4)
    for _ in range(steps):
        env.step(env.action_space.sample())
    return env


# ---------------------------------------------------------------------- copies


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
def test_a_copy_shares_no_engine_and_takes_the_same_steps(duplicate: Callable[[Any], Any]) -> None:
    env = begun(VARIED)
    twin = duplicate(env)
    expected = follow(duplicate(env))
    assert twin._world.client != env._world.client
    assert follow(twin) == expected
    twin.close()
    del twin
    gc.collect()
    assert follow(env) == expected


def test_a_copy_with_an_arm_takes_the_same_steps() -> None:
    env = begun(SHORT | {"robot": {"model": "iiwa"}})
    twin = copy.deepcopy(env)
    assert follow(twin, 5) == follow(env, 5)


@pytest.mark.parametrize("steps", [0, 12], ids=["start", "end"])
def test_a_copy_is_where_the_episode_is(steps: int) -> None:
    env = begun(steps=steps)
    twin = copy.deepcopy(env)
    assert twin.get_state() == env.get_state()
    if steps:
        with pytest.raises(gymnasium.error.ResetNeeded, match="ended with"):
            twin.step(np.zeros(6))
    assert plain(twin.reset()) == plain(env.reset())


def test_a_copy_of_an_unused_environment_begins_alike() -> None:
    env = PegInHoleEnv(task=SHORT)
    twin = copy.deepcopy(env)
    with pytest.raises(gymnasium.error.ResetNeeded):
        twin.step(np.zeros(6))
    assert plain(twin.reset()) == plain(env.reset())


def test_a_copy_of_a_copy_and_of_a_closed_environment_works() -> None:
    env = begun()
    expected = follow(copy.deepcopy(copy.deepcopy(env)))
    env.close()
    assert follow(copy.deepcopy(env)) == expected


class OwnEnv(PegInHoleEnv):
    """Subclass with arguments and attributes of its own."""

    def __init__(self, label: str) -> None:
        super().__init__("T", SHORT)
        self.label, self._private = label, [1, 2]


def test_a_copy_loses_no_attribute() -> None:
    env = OwnEnv("mine")
    env.reset(seed=7)
    env.note = {"a": [1]}  # type: ignore[attr-defined]
    twin = pickle.loads(pickle.dumps(env))
    assert (twin.label, twin._private, twin.note) == ("mine", [1, 2], {"a": [1]})
    assert (twin.part, twin.np_random_seed, twin.metadata) == (env.part, 7, env.metadata)
    assert twin._private is not env._private and type(twin) is OwnEnv


def test_copies_of_wrappers_and_vector_environments_share_no_engine() -> None:
    wrapped = gymnasium.make("assembly_rl/PegInHole-v0", part="T", task=SHORT, render_mode="rgb_array")
    wrapped.reset(seed=1)
    twin = copy.deepcopy(wrapped)
    assert twin.spec == wrapped.spec and twin.render().shape == (480, 640, 3)
    single = gymnasium.vector.SyncVectorEnv([lambda: PegInHoleEnv(task=SHORT)] * 2)
    single.reset(seed=1)
    learner = DummyVecEnv([lambda: PegInHoleEnv(task=SHORT)])
    learner.reset()
    for one, actions in ((wrapped, np.zeros(6)), (single, np.zeros((2, 6))), (learner, np.zeros((1, 6)))):
        other = copy.deepcopy(one)
        expected = plain(other.step(actions)[0])
        other.close()
        assert plain(one.step(actions)[0]) == expected


@pytest.mark.parametrize("model", ["floating", "iiwa"])
def test_what_holds_an_engine_is_not_shared_by_a_copy(model: str) -> None:
    robot = SimulatedRobot(task=TaskConfig(robot=RobotConfig(model=model)))
    robot.draw(np.random.default_rng(0))
    parts = [robot, robot._workcell, robot.world, robot._workcell.robot]
    parts += [robot.world._arm] if model == "iiwa" else []  # type: ignore[attr-defined]
    for value in parts:
        for duplicate in COPIES.values():
            with pytest.raises(
                TypeError, match="cannot copy or pickle .* two objects cannot share; make another"
            ):
                duplicate(value)
    robot.place(robot.pose)
    robot.move(robot.pose)
    assert np.isfinite(robot.reading).all()
    robot.close()


# ---------------------------------------------------------------------- what is handed over


def changes(config: Any, path: str = "") -> Iterator[tuple[str, Callable[[Any], None]]]:
    """Yield a change in place for every number and list of a configuration."""
    for field in fields(config):
        value, name = getattr(config, field.name), field.name
        if is_dataclass(value):
            for inner, change in changes(value, f"{path}{name}."):
                yield inner, lambda owner, name=name, change=change: change(getattr(owner, name))
        elif isinstance(value, list) and value:
            yield f"{path}{name}", lambda owner, name=name: getattr(owner, name).__setitem__(0, 1e-9)
        elif isinstance(value, float | int):
            yield f"{path}{name}", lambda owner, name=name: setattr(owner, name, 1)


def test_no_later_change_of_a_task_reaches_an_environment() -> None:
    task = copied(TaskConfig(randomization=RandomizationConfig(clearance=[8e-5, 1.2e-4])))
    task.limits.time = 0.3
    part = PegHole("rectangle")
    expected = make_environment(part, task)
    env, third = make_environment(part, task), PegInHoleEnv(part, task)
    robot = SimulatedRobot(part, task)
    handed = [task, env.task, third.task, robot.task]
    count = 0
    for _, change in changes(task):
        count += 1
        for own in handed:
            change(own)
    assert count > 60 and task.limits.time == 1
    for own in (part, env.part, third.part, robot.part, env._world.part, robot.world.part):
        own.parameters["width"] = 0.03  # type: ignore[index]
    for world in (env._world, third._world, robot.world):
        world.config.servo_stiffness = 1.0
        world.config.rate = 10.0
    traces = [[plain(e.reset(seed=5)), *follow_zero(e, 12)] for e in (expected, env, third)]
    assert traces[0] == traces[1] == traces[2]
    assert env.task.limits.time == 0.3 and env.part.parameters["width"] == 0.024


def follow_zero(env: PegInHoleEnv, steps: int) -> list[str]:
    trace = []
    for _ in range(steps):
        result = env.step(np.zeros(6))
        trace.append(plain(result))
        if result[2] or result[3]:
            trace.append(plain(env.reset()))
    return trace


def test_a_mapping_that_is_changed_later_does_not_reach_the_environment() -> None:
    mapping: dict[str, Any] = {
        "randomization": {"friction": [0.3, 0.3]},
        "robot": {"base_position": [0, 0, 0]},
    }
    section = {"section": "rectangle", "parameters": {"width": 0.02, "height": 0.01}}
    env = PegInHoleEnv(section, mapping)
    mapping["randomization"]["friction"][0] = 9.0
    section["parameters"]["width"] = 9.0  # type: ignore[index]
    assert env.task.randomization.friction == [0.3, 0.3] and env.part.parameters["width"] == 0.02


def test_part_and_task_are_not_replaced() -> None:
    env = PegInHoleEnv()
    for name in ("part", "task"):
        with pytest.raises(AttributeError):
            setattr(env, name, None)
        with pytest.raises(AttributeError):
            setattr(env._robot, name, None)


def test_a_task_that_was_changed_to_one_that_is_refused_passes_no_border() -> None:
    task = TaskConfig()
    task.randomization.friction = [-1.0, 2.0]
    for border in (PegInHoleEnv, SimulatedRobot, make_environment):
        with pytest.raises(InputError, match="RandomizationConfig.friction must be"):
            border(None, task)  # type: ignore[operator]
    part = PegHole()
    part.parameters["width"] = -1.0  # type: ignore[index]
    with pytest.raises(InputError, match="width"):
        PegInHoleEnv(part)


def test_arrays_and_tuples_of_a_task_become_lists_of_floats() -> None:
    task = TaskConfig(
        coordinates=np.eye(6), randomization=RandomizationConfig(friction=(0.2, np.float32(0.5)))
    )
    env = PegInHoleEnv(task=task)
    assert env.task.coordinates == np.eye(6).tolist()
    assert repr(env.task.randomization.friction) == "[0.2, 0.5]"
    json.dumps(env.get_state())


def test_engines_and_robots_keep_configurations_of_their_own() -> None:
    task, part = TaskConfig(robot=RobotConfig(model="iiwa")), PegHole()
    cell = make_workcell(part, task)
    before = cell.physics_hash
    task.physics.servo_stiffness, task.robot.posture[0] = 1.0, 0.5
    assert cell.physics_hash == before
    joints = cell.robot.joints  # type: ignore[attr-defined]
    joints[:] = 0.0
    assert np.abs(cell.robot.joints).max() > 0.1  # type: ignore[attr-defined]
    cell.close()
    config = PhysicsConfig()
    world = BulletWorld(part, config, 40.0)
    config.servo_stiffness = 1.0
    assert world.config.servo_stiffness == 3e4
    world.close()


# ---------------------------------------------------------------------- what is handed out


def test_no_array_that_is_handed_out_is_used_again() -> None:
    env, other = PegInHoleEnv(task=VARIED), PegInHoleEnv(task=VARIED)
    action, kept = np.full(6, 0.3), np.full(6, 0.3)
    handed = [env.reset(seed=2)]
    expected = [plain(other.reset(seed=2))]
    assert plain(handed[0]) == expected[0]
    for _ in range(10):
        for value in handed[-1]:
            spoil(value)
        spoil(env.get_state())
        env.observation_space.high[:] = 0.0
        env.observation_space.low[:] = 0.0
        env.metadata["render_modes"].clear()
        action[:] = kept
        handed.append(env.step(action))
        action[:] = 7.0
        assert plain(handed[-1]) == plain(other.step(kept))
    assert env.get_state() == other.get_state()
    assert PegInHoleEnv.metadata["render_modes"] == ["human", "rgb_array"]


def spoil(value: Any) -> None:
    """Overwrite everything that can be overwritten."""
    if isinstance(value, np.ndarray):
        value[...] = 99.0
    elif isinstance(value, dict):
        for entry in value.values():
            spoil(entry)
        value.clear()
    elif isinstance(value, list):
        for entry in value:
            spoil(entry)
        value.clear()


# ---------------------------------------------------------------------- states


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, "a state of the environment has 'rng', got"),
        (3, "a state of the environment has 'rng', got 3"),
        (
            {"rng": 3, "episode_rng": None, "actions": []},
            "'rng' of the state is not that of a random generator",
        ),
        ({"rng": {}, "episode_rng": {"a": 1}, "actions": []}, "'episode_rng' of the state is not that of a"),
    ],
)
def test_no_other_mapping_is_taken_for_a_state(state: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        PegInHoleEnv(task=SHORT).set_state(state)


def test_the_state_of_an_unused_environment_ends_an_episode() -> None:
    env = begun()
    env.set_state(PegInHoleEnv(task=SHORT).get_state())
    with pytest.raises(gymnasium.error.ResetNeeded, match="no episode has begun"):
        env.step(np.zeros(6))
