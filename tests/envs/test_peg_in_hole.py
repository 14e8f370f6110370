"""The environment as learners see it: interface, determinism, state, and how episodes end."""

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import gymnasium
import numpy as np
import pybullet
import pytest
from gymnasium.utils.env_checker import check_env
from immediate_robot import IMMEDIATE

from assembly_rl.controllers.guidance import ReflexGuidance
from assembly_rl.envs import PegInHoleEnv
from assembly_rl.envs.physics import BulletWorld

NAME = "assembly_rl/PegInHole-v0"
NO_ERROR = {"hole_estimate": {"lateral": 0.0, "tilt": 0.0, "yaw": 0.0}}
STEADY = {"dither": [0.0] * 6}
SHORT = {"limits": {"time": 0.6}, "path": {"start_height": 0.0005}}
VARIED = {
    **SHORT,
    "sensor": {"delay": 0.01},
    "compliance": {"check_contact": False},  # half the damping does not go with every lag
    "observation": {"groups": ["wrench", "pose", "last_action", "twist", "wrench_history"]},
    "randomization": {
        "friction": [0.1, 0.4],
        "clearance": [8e-5, 1.2e-4],
        "sensor": [0.5, 2.0],
        "gains": [0.5, 2.0],
        "start_pose": {"lateral": 0.001, "height": 0.0002, "tilt": 0.02, "yaw": 0.02},
    },
}


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSEMBLY_RL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def plain(value: Any) -> Any:
    """For exact comparison; JSON keeps every bit of a float."""
    return json.loads(json.dumps(value, default=lambda array: np.asarray(array).tolist()))


def follow(env: PegInHoleEnv, actions: np.random.Generator, steps: int) -> list:
    """Random actions, on through the next episodes."""
    trace = []
    for _ in range(steps):
        observation, reward, terminated, truncated, info = env.step(action(actions))
        trace.append(plain([observation, reward, terminated, truncated, info]))
        if terminated or truncated:
            trace.append(plain(env.reset()))
    return trace


def action(rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(-1.0, 1.0, 6).astype(np.float32)


def trajectory(task: dict, seed: int, steps: int = 15) -> list:
    env = PegInHoleEnv(task=task)
    trace = [plain(env.reset(seed=seed)), *follow(env, np.random.default_rng(seed), steps)]
    env.close()
    return trace


def finish(env: PegInHoleEnv, command: Any = None, seed: int = 0) -> tuple[bool, bool, float, dict[str, Any]]:
    env.reset(seed=seed)
    command = np.zeros(6, np.float32) if command is None else np.array(command, np.float32)
    while True:
        _, reward, terminated, truncated, info = env.step(command)
        if terminated or truncated:
            return terminated, truncated, reward, info


# ---------------------------------------------------------------------- interface


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ["wrench", "twist", "damping", "stiffness"])
def test_gymnasium_has_no_complaints(kind: str) -> None:
    env = gymnasium.make(NAME, task={"action": {"kind": kind}}, render_mode="rgb_array")
    env.unwrapped.metadata["render_modes"].remove("human")  # it needs a display
    check_env(env.unwrapped, skip_render_check=kind != "wrench")


def test_pictures() -> None:
    env = PegInHoleEnv(render_mode="rgb_array")
    env.reset(seed=0)
    picture = env.render()
    assert picture.shape == (480, 640, 3) and picture.dtype == np.uint8 and picture.std() > 10.0
    for _ in range(10):
        env.step(np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0], np.float32))
    assert (env.render() != picture).any(axis=2).mean() > 0.001
    plans = [PegInHoleEnv(part, render_mode="rgb_array") for part in ("square", "L")]
    shares = []
    for each in plans:
        each.reset(seed=0)
        plan = each.render()[375:465, 525:615].astype(int)  # lower right: the section from above, orange
        shares.append((plan[..., 0] - plan[..., 2] > 80).mean())
        each.close()
    assert 0.5 < shares[0] < 0.7 and 0.2 < shares[1] < 0.75 * shares[0]
    assert PegInHoleEnv().render() is None
    with pytest.raises(ValueError, match="render_mode must be None, 'human' or 'rgb_array', got 'ansi'"):
        PegInHoleEnv(render_mode="ansi")


@pytest.mark.parametrize(
    "bad", [np.zeros(5), np.zeros((1, 6)), [0.0, 0.0, np.nan, 0.0, 0.0, 0.0], [np.inf] * 6]
)
def test_bad_actions_are_refused_and_leave_no_trace(bad: Any) -> None:
    env, other = PegInHoleEnv(), PegInHoleEnv()
    env.reset(seed=0), other.reset(seed=0)
    with pytest.raises(ValueError, match=r"action must be six finite numbers in \[-1, 1\], got "):
        env.step(bad)
    rng = np.random.default_rng(0)
    assert follow(env, rng, 3) == follow(other, np.random.default_rng(0), 3)


def test_a_step_needs_a_reset() -> None:
    env = PegInHoleEnv(task={"limits": {"time": 0.05}})
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(np.zeros(6))
    finish(env)
    with pytest.raises(
        gymnasium.error.ResetNeeded, match=r"the episode ended with 'timeout': call reset\(\)"
    ):
        env.step(np.zeros(6))


# ---------------------------------------------------------------------- determinism


@pytest.mark.parametrize("task", [{}, SHORT, VARIED], ids=["default", "short", "varied"])
def test_a_seed_is_a_trajectory_after_any_other_episode(task: dict) -> None:
    """Bullet keeps the contacts of an episode, and their order, until peg and plate are far apart."""
    used = PegInHoleEnv(task=task)
    traces = []
    for seed in range(6):
        traces.append(trajectory(task, seed))
        again = [plain(used.reset(seed=seed)), *follow(used, np.random.default_rng(seed), 15)]
        assert again == traces[-1], f"seed {seed}"
    assert trajectory(task, 5) == traces[5] != traces[4]


def test_a_seed_is_a_trajectory_in_another_process() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(trajectory, VARIED, 7).result() == trajectory(VARIED, 7)


def test_pictures_do_not_change_the_episode() -> None:
    env = PegInHoleEnv(task=SHORT, render_mode="rgb_array")
    trace = [plain(env.reset(seed=7))]
    rng = np.random.default_rng(7)
    for _ in range(3):
        env.render()
        trace += follow(env, rng, 5)
    assert trace == trajectory(SHORT, 7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("steps", [0, 5, 12], ids=["start", "middle", "end"])
@pytest.mark.parametrize("task", [SHORT, VARIED], ids=["default", "varied"])
def test_a_state_continues_to_the_bit(task: dict, steps: int, dtype: type) -> None:
    """In the same and in another environment, with the episodes that follow."""
    env, other = PegInHoleEnv(task=task), PegInHoleEnv(task=task)
    env.reset(seed=3)
    rng = np.random.default_rng(4)
    for _ in range(steps):
        env.step(rng.uniform(-1.0, 1.0, 6).astype(dtype))
    state = json.loads(json.dumps(env.get_state()))

    def onwards(env: PegInHoleEnv) -> list:
        started = [] if steps < 12 else [plain(env.reset())]
        return started + follow(env, np.random.default_rng(5), 16)

    continued = onwards(env)
    env.set_state(state)
    assert onwards(env) == continued
    other.reset(seed=99)
    follow(other, np.random.default_rng(6), 3)
    other.set_state(state)
    assert json.loads(json.dumps(other.get_state())) == state
    assert onwards(other) == continued


def test_the_state_of_an_unused_environment() -> None:
    env, other = PegInHoleEnv(task=SHORT), PegInHoleEnv(task=SHORT)
    other.set_state(json.loads(json.dumps(env.get_state())))
    assert plain(env.reset()) == plain(other.reset())


# ---------------------------------------------------------------------- results


def test_success() -> None:
    env = PegInHoleEnv(task={"randomization": NO_ERROR, "robot": IMMEDIATE, "action": STEADY})
    terminated, truncated, _, info = finish(env)
    assert (terminated, truncated, info["result"], info["is_success"]) == (True, False, "success", True)
    assert 0.024 <= info["depth"] < 0.0245
    assert info["time"] == pytest.approx((0.002 + 0.024) / 0.008 + 0.05, abs=0.051)
    assert (info["reward_terms"]["success"], info["reward_terms"]["failure"]) == (5.0, 0.0)
    assert info["certificate"]["valid"] and len(info["certificate"]["physics_hash"]) == 64
    assert info["certificate"]["bound"] == pytest.approx(1e-4 / 3.0)


def test_timeout_is_no_failure() -> None:
    terminated, truncated, _, info = finish(PegInHoleEnv(task={"limits": {"time": 0.5}}))
    assert (terminated, truncated, info["result"], info["is_success"]) == (False, True, "timeout", False)
    assert info["time"] == 0.5
    assert (info["reward_terms"]["success"], info["reward_terms"]["failure"]) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("result", "limits", "command"),
    [
        ("force_limit", {"force": 4.0}, [0.0] * 6),
        ("moment_limit", {"moment": 0.02}, [0.0] * 6),
        ("workspace", {"lateral": 0.002}, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        ("workspace", {"lateral": 0.002}, [0.0, -1.0, 0.0, 0.0, 0.0, 0.0]),
        ("workspace", {"angle": 0.02}, [0.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
        ("workspace", {"angle": 0.02}, [0.0, 0.0, 0.0, 0.0, 0.0, -1.0]),
    ],
)
def test_limits(result: str, limits: dict, command: list) -> None:
    task = {"limits": limits, "randomization": {"hole_estimate": {"lateral": 0.003}}}
    terminated, truncated, _, info = finish(PegInHoleEnv(task=task), command, seed=1)
    assert (terminated, truncated, info["result"], info["is_success"]) == (True, False, result, False)
    assert (info["reward_terms"]["success"], info["reward_terms"]["failure"]) == (0.0, -5.0)
    assert info["certificate"]["valid"]
    if result != "workspace":  # the step stops at once, and only the last sample is beyond the limit
        (name, limit), *_ = limits.items()
        assert info[name][-1] > limit > max(info[name][:-1], default=0.0)
        assert len(info["force"]) == len(info["moment"]) <= 10


def test_deep_penetration_fails_the_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BulletWorld, "penetration_bound", 1e-6)
    task = {"randomization": {"hole_estimate": {"lateral": 0.003}}}
    terminated, truncated, _, info = finish(PegInHoleEnv(task=task), seed=1)
    assert (terminated, truncated, info["result"]) == (True, False, "certificate_failed")
    assert not info["certificate"]["valid"]
    assert info["certificate"]["penetration"] > info["certificate"]["bound"] == 1e-6


def test_without_a_certificate_there_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is broken in the very step that reaches the goal."""

    def bound(world: BulletWorld) -> float:
        return -1.0 if world.pose()[0][2] - 0.040 <= -0.024 else 1.0

    monkeypatch.setattr(BulletWorld, "penetration_bound", property(bound))
    terminated, _, _, info = finish(PegInHoleEnv(task={"randomization": NO_ERROR, "action": STEADY}))
    assert info["depth"] >= 0.024
    assert (terminated, info["result"], info["is_success"]) == (True, "certificate_failed", False)
    assert (info["reward_terms"]["success"], info["reward_terms"]["failure"]) == (0.0, -5.0)


# ---------------------------------------------------------------------- the setting that matters


@pytest.mark.parametrize(("threshold", "inserted"), [(2e-4, True), (0.02, False)])
def test_phantom_contacts_would_jam_the_peg(monkeypatch, threshold: float, inserted: bool) -> None:
    """Moment reflex, 1 mm chamfer: 2.4 s with this contactBreakingThreshold, never with Bullet's own.

    Law and scale of the action are those to which the reflex's parameters belong.
    """
    monkeypatch.setitem(BulletWorld.__init__.__globals__["SOLVER"], "contactBreakingThreshold", threshold)
    task = {
        "action": {"wrench": [8.0, 8.0, 8.0, 0.3, 0.3, 0.3]},
        "compliance": {"mass": [4.0] * 3 + [0.06] * 3, "damping": [150.0, 150.0, 800.0, 1.0, 1.0, 1.0]},
        "robot": IMMEDIATE,
        "limits": {"time": 3.0},
        "randomization": {"hole_estimate": {"lateral": 0.0005, "tilt": 0.01, "yaw": 0.01}},
    }
    env, guidance = PegInHoleEnv({"chamfer": 1e-3}, task), ReflexGuidance()
    depths = []
    for seed in range(3):
        _, info = env.reset(seed=seed)
        while "result" not in info:
            push = guidance.push(info["time"], info["wrench"], info["pose"])
            *_, info = env.step((np.array(push) / env.task.action.wrench).astype(np.float32))
        depths.append(info["depth"])
    pybullet.setPhysicsEngineParameter(contactBreakingThreshold=2e-4, physicsClientId=env._world.client)
    assert min(depths) >= 0.024 if inserted else max(depths) < 0.003
