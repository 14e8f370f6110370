"""What the task means, in numbers: frames, observation, action, reward, path, randomisation."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pybullet
import pytest
from immediate_robot import IMMEDIATE
from scipy import stats
from scipy.spatial.transform import Rotation

from assembly_rl.controllers.insertion.action import ActionConfig, ActionKind
from assembly_rl.envs import PegInHoleEnv

QUIET = {"force_noise": 0.0, "moment_noise": 0.0, "force_bias": 0.0, "moment_bias": 0.0}
STEADY = {"dither": [0.0] * 6}
EXACT = {"hole_estimate": {"lateral": 0.0, "tilt": 0.0, "yaw": 0.0}}
# A wrong estimate by much more than usual, so that a wrong frame shows.
WRONG = {"hole_estimate": {"lateral": 0.002, "height": 0.001, "tilt": 0.1, "yaw": 0.1}}
POSE_SCALE = [0.0005, 0.001, 0.01, 0.02, 0.03, 0.04]
EVERYTHING = ["twist", "last_action", "wrench_history", "pose", "wrench"]


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSEMBLY_RL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def unit(axis: int, value: float) -> np.ndarray:
    return value * np.eye(6, dtype=np.float32)[axis]


def nominal_frame(env: PegInHoleEnv) -> tuple[np.ndarray, Rotation]:
    conditions = env._conditions
    return np.array(conditions.estimate_position), Rotation.from_quat(conditions.estimate_rotation)


# ---------------------------------------------------------------------- frames


@pytest.mark.parametrize("seed", range(3))
def test_pose_wrench_and_twist_are_those_of_the_tip_in_the_nominal_frame(seed: int) -> None:
    task = {
        "policy_rate": 200.0,  # one reading in a step, so that the mean is the reading
        "sensor": QUIET,
        "path": {"start_height": 0.003, "speed": 0.02},
        "limits": {"force": 200.0, "moment": 20.0, "angle": 1.0},
        "observation": {"groups": ["twist"], "twist_scale": [1.0] * 6},
        "randomization": WRONG,
    }
    env, rng = PegInHoleEnv(task=task), np.random.default_rng(seed)
    env.reset(seed=seed)
    origin, axes = nominal_frame(env)
    assert np.linalg.norm(origin) > 1e-4 and axes.magnitude() > 0.02
    largest, action = 0.0, np.zeros(6)
    for step in range(150):
        if step % 10 == 0:
            action = rng.uniform(-1.0, 1.0, 6)
        twist, *_, info = env.step(action.astype(np.float32))
        flange, orientation = env._world.pose()
        tool = Rotation.from_quat(orientation)
        arm = tool.apply((0.0, 0.0, 0.040))  # from the tip to the flange
        tip = flange - arm
        np.testing.assert_allclose(info["pose"][:3], axes.inv().apply(tip - origin), atol=1e-12)
        np.testing.assert_allclose(info["pose"][3:], (axes.inv() * tool).as_rotvec(), atol=1e-12)
        assert (info["depth"], info["lateral"]) == pytest.approx((-tip[2], np.hypot(*tip[:2])), abs=1e-12)
        assert info["angle"] == pytest.approx(tool.magnitude(), abs=1e-12)
        force, moment = np.split(np.array(env._world.wrench), 2)
        expected = (*axes.inv().apply(force), *axes.inv().apply(moment + np.cross(arm, force)))
        np.testing.assert_allclose(info["wrench"], expected, atol=1e-10)
        assert info["force"] == pytest.approx([np.linalg.norm(force)])
        linear, angular = map(np.array, env._world.twist())
        velocity = linear - np.cross(angular, arm)
        np.testing.assert_allclose(
            twist, (*axes.inv().apply(velocity), *axes.inv().apply(angular)), rtol=1e-6, atol=1e-9
        )
        largest = max(largest, np.linalg.norm(force))
    assert largest > 3.0  # there was contact


def test_the_path_starts_at_its_height_and_runs_down_the_estimated_axis() -> None:
    task = {"path": {"start_height": 0.004}, "sensor": QUIET, "randomization": WRONG, "robot": IMMEDIATE}
    task["action"] = STEADY
    env = PegInHoleEnv(task=task)
    _, info = env.reset(seed=0)
    np.testing.assert_allclose(info["pose"], [0.0, 0.0, 0.004, 0.0, 0.0, 0.0], atol=1e-12)
    for _ in range(4):
        *_, info = env.step(np.zeros(6, np.float32))
    fallen = 0.008 * (0.2 - 0.05)  # the ramp of 0.1 s costs 0.05 s at full speed
    np.testing.assert_allclose(info["pose"], [0.0, 0.0, 0.004 - fallen, 0.0, 0.0, 0.0], atol=6e-5)
    assert info["time"] == pytest.approx(0.2)


# ---------------------------------------------------------------------- observation


def test_second_sensors_tell_the_same_with_noise_of_their_own() -> None:
    groups = ["wrench", "pose", "second_wrench", "second_pose"]
    task = {"observation": {"groups": groups, "second_copies": 2, "second_noise": 0.2}}
    env, rng = PegInHoleEnv(task=task), np.random.default_rng(0)
    assert env.observation_names[12:14] == ("second_fx#1", "second_fy#1")
    assert env.observation_names[-1] == "second_rz#2" and env.observation_space.shape == (36,)
    rows = [env.reset(seed=0)[0]]
    for _ in range(60):
        rows.append(env.step(rng.uniform(-1.0, 1.0, 6).astype(np.float32))[0])
    rows = np.array(rows)
    wrench, pose, rest = rows[:, :6], rows[:, 6:12], rows[:, 12:]
    noise = rest - np.concatenate([wrench, wrench, pose, pose], 1)
    inside = np.abs(np.concatenate([wrench, wrench, pose, pose], 1)) < 2.0  # not clipped
    assert noise[inside].std() == pytest.approx(0.2, rel=0.05) and abs(noise[inside].mean()) < 0.02
    assert abs(np.corrcoef(noise[:, 6], noise[:, 0])[0, 1]) < 0.4
    other = PegInHoleEnv(task=task)
    other.set_state(env.get_state())  # in the middle of an episode: noise included
    action = np.zeros(6, np.float32)
    np.testing.assert_array_equal(other.step(action)[0], env.step(action)[0])


def test_groups_names_and_scales() -> None:
    task = {
        "observation": {"groups": EVERYTHING, "history": 3, "pose_scale": POSE_SCALE},
        "path": {"start_height": 0.0},
        "limits": {"lateral": 0.02, "force": 200.0, "moment": 20.0},
        "randomization": {"hole_estimate": {"lateral": 0.003}},
        "action": STEADY,
    }
    env, rng = PegInHoleEnv(task=task), np.random.default_rng(0)
    axes, wrench_axes = ["x", "y", "z", "rx", "ry", "rz"], ["fx", "fy", "fz", "mx", "my", "mz"]
    names = [f"velocity_{axis}" for axis in axes] + [f"last_action_{axis}" for axis in axes]
    names += [f"{axis}[t-{back}]" for back in (1, 2, 3) for axis in wrench_axes]
    assert list(env.observation_names) == names + axes + wrench_axes
    assert env.observation_space.shape == (42,) and env.observation_space.dtype == np.float32
    bounds = [5.0] * 6 + [1.0] * 6 + [3.0] * 18 + [5.0] * 6 + [3.0] * 6
    assert env.observation_space.high.tolist() == bounds == (-env.observation_space.low).tolist()

    observation, info = env.reset(seed=1)
    observation, info = env.reset(seed=1)  # what was seen before is forgotten
    past, last, clipped = [np.zeros(6)] * 3, np.zeros(6), 0
    for step in range(30):
        wrench_scale = np.array([5.0, 5.0, 10.0, 0.1, 0.1, 0.05])
        wrench = 3.0 * np.tanh(info["wrench"] / (3.0 * wrench_scale))
        pose = np.clip(info["pose"] / POSE_SCALE, -5.0, 5.0)
        clipped += (np.abs(pose) == 5.0).sum()
        np.testing.assert_allclose(observation[6:], [*last, *np.ravel(past), *pose, *wrench], rtol=1e-6)
        past = [wrench, *past[:2]]
        last = rng.uniform(-1.0, 1.0, 6).astype(np.float32)
        last[:2] = 1.0 if step < 15 else -1.0
        observation, *_, info = env.step(last)
    assert clipped > 0  # the tip went beyond 2.5 mm in x


def test_the_reset_observation_tells_only_the_start() -> None:
    env = PegInHoleEnv()
    observation, _ = env.reset(seed=0)
    np.testing.assert_allclose(observation, [0.0] * 8 + [0.2] + [0.0] * 33, atol=1e-6)


def test_an_action_beyond_the_space_is_clipped() -> None:
    env, other = (PegInHoleEnv(task={"action": STEADY}) for _ in range(2))
    env.reset(seed=0), other.reset(seed=0)
    observation, *_ = env.step(np.array([3.0, -3.0, 0.5, 0.0, 0.0, 0.0]))
    expected, *_ = other.step(np.array([1.0, -1.0, 0.5, 0.0, 0.0, 0.0]))
    assert (observation == expected).all()
    assert observation[12:18].tolist() == [1.0, -1.0, 0.5, 0.0, 0.0, 0.0]


# ---------------------------------------------------------------------- action


def in_free_space(kind: str) -> PegInHoleEnv:
    """No stiffness, no limits, the path almost at rest 5 cm above the hole; the twist in SI units."""
    task = {
        "action": {"kind": kind},
        "sensor": QUIET,
        "path": {"start_height": 0.05, "speed": 1e-9, "lead": 0.5},
        "compliance": {"stiffness": [0.0] * 6},
        "admittance": {"offset_limit": [0.5] * 6},
        "limits": {"lateral": 1.0, "angle": 2.0},
        "observation": {"groups": ["twist"], "twist_scale": [1.0] * 6},
        "randomization": EXACT,
    }
    env = PegInHoleEnv(task=task)
    env.reset(seed=0)
    return env


@pytest.mark.parametrize("axis", range(6))
@pytest.mark.parametrize("value", [1.0, -0.5])
@pytest.mark.parametrize("kind", ["wrench", "twist"])
def test_an_action_sets_the_tip_in_motion(kind: str, axis: int, value: float) -> None:
    """The tip, and nothing else: a rotation is about the tip."""
    env = in_free_space(kind)
    action, damping = env.task.action, np.array(env.task.compliance.damping)
    speeds = np.array(action.wrench) / damping if kind == "wrench" else np.array(action.twist)
    for _ in range(16):
        twist, *_ = env.step(unit(axis, value))
    np.testing.assert_allclose(twist, unit(axis, value * speeds[axis]), rtol=2e-3, atol=2e-5)


@pytest.mark.parametrize(("kind", "name"), [("damping", "damping"), ("stiffness", "stiffness")])
def test_an_action_changes_the_law(kind: str, name: str) -> None:
    at_once = {"damping_rate": [1e9] * 3 + [1e8] * 3}  # within a step
    task = {
        "action": {"kind": kind},
        "admittance": {"gains": at_once},
        "randomization": {"gains": [1.5, 1.5], **EXACT},
    }
    env = PegInHoleEnv(task=task)
    law = env.task.compliance
    base = {"damping": 1.5 * np.array(law.damping), "stiffness": np.array(law.stiffness)}
    full = np.array([2000.0, 2000.0, 2000.0, 20.0, 20.0, 20.0])
    action = np.array([1.0, -1.0, 0.0, 0.5, -0.5, 0.25], np.float32)
    if kind == "damping":  # +1 leaves the law's, -1 is four times as much
        expected = {**base, "damping": base["damping"] * 4.0 ** (0.5 * (1.0 - action.astype(float)))}
    else:  # -1 adds nothing, +1 all
        expected = {**base, "stiffness": base["stiffness"] + full * (1.0 + action) / 2.0}
    env.reset(seed=0)
    env.step(-action)
    env.step(action)  # from the episode's law, not from that of the action before
    for matrix in ("damping", "stiffness"):
        np.testing.assert_allclose(
            getattr(env._insertion.controller.law, matrix), np.diag(expected[matrix]), rtol=1e-12
        )
    env.reset(seed=0)
    law = env._insertion.controller.law
    np.testing.assert_allclose(law.stiffness, np.diag(base["stiffness"]), rtol=1e-12)
    np.testing.assert_allclose(law.damping, np.diag(base["damping"]), rtol=1e-12)


def test_a_kind_by_name_is_not_taken_for_another() -> None:
    try:
        config = ActionConfig(kind="twist")  # type: ignore[arg-type]
    except ValueError:
        return
    assert config.kind is ActionKind.twist


# ---------------------------------------------------------------------- reward


def test_the_terms_sum_to_the_reward_and_have_their_sizes() -> None:
    task = {
        "path": {"start_height": 0.0},
        "limits": {"force": 200.0, "moment": 20.0, "lateral": 0.02, "angle": 1},
        "reward": {"excess_force": -0.1, "force_threshold": 6.0},
    }
    env, rng = PegInHoleEnv(task=task), np.random.default_rng(0)
    weights, excess = env.task.reward, 0.0
    _, before = env.reset(seed=3)
    for _ in range(30):
        _, reward, *_, info = env.step(rng.uniform(-1.0, 1.0, 6).astype(np.float32))
        expected = {
            "depth": weights.depth * (info["depth"] - before["depth"]),
            "lateral": weights.lateral * (before["lateral"] - info["lateral"]),
            "angle": weights.angle * (before["angle"] - info["angle"]),
            "force": weights.force * info["force"].mean(),
            "excess_force": -0.1 * max(0.0, info["force"].max() - 6.0),
            "time": weights.time,
            "success": 0.0,
            "failure": 0.0,
        }
        assert info["reward_terms"] == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert reward == pytest.approx(sum(expected.values()), rel=1e-9) and isinstance(reward, float)
        excess += expected["excess_force"]
        before = info
    assert excess < 0.0


@pytest.mark.parametrize("term", ["depth", "lateral", "angle", "force", "time", "success"])
def test_every_weight_counts(term: str) -> None:
    zero = dict.fromkeys(("depth", "lateral", "angle", "force", "time", "success", "failure"), 0.0)
    env = PegInHoleEnv(task={"reward": {**zero, term: 3.0}, "randomization": EXACT, "path": {"speed": 0.02}})
    _, start = env.reset(seed=0)
    total, forces, steps, info = 0.0, 0.0, 0, start
    while "result" not in info:
        _, reward, *_, info = env.step(np.zeros(6, np.float32))
        total, forces, steps = total + reward, forces + info["force"].mean(), steps + 1
    assert info["is_success"]
    sums = {
        "depth": info["depth"] - start["depth"],
        "lateral": start["lateral"] - info["lateral"],
        "angle": start["angle"] - info["angle"],
        "force": forces,
        "time": steps,
        "success": 1.0,
    }
    assert total == pytest.approx(3.0 * sums[term], rel=1e-9, abs=1e-12)


# ---------------------------------------------------------------------- path


@pytest.mark.parametrize(("speed", "lead"), [(0.008, 0.004), (0.004, 0.002), (0.008, 0.010)])
def test_a_blocked_path_waits_and_presses_with_what_the_law_says(
    monkeypatch: pytest.MonkeyPatch, speed: float, lead: float
) -> None:
    """``D_z v + K_z lead``; the tip rests on the rim, a wide estimate error away from the hole."""
    task = {
        "policy_rate": 200.0,
        "sensor": QUIET,
        "robot": IMMEDIATE,  # what the world is told is then the command
        "path": {"speed": speed, "lead": lead, "start_height": 0.0005},
        "compliance": {"stiffness": [2000.0, 2000.0, 300.0, 50.0, 50.0, 50.0]},
        "randomization": {"hole_estimate": {"lateral": 0.003, "tilt": 0.0, "yaw": 0.0}},
    }
    env = PegInHoleEnv(task=task)
    _, info = env.reset(seed=1)
    assert info["lateral"] > 0.001
    leads, forces, commands, advance = [], [], [], env._world.advance

    def record(steps: int, position: tuple, orientation: tuple) -> None:
        tip = position - Rotation.from_quat(orientation).apply((0.0, 0.0, 0.040))
        commands.append(tip[2] - env._conditions.estimate_position[2])
        advance(steps, position, orientation)

    monkeypatch.setattr(env._world, "advance", record)
    for _ in range(700):
        *_, info = env.step(np.zeros(6, np.float32))
        leads.append(env._insertion.controller.offset[2])
        assert commands[-1] == pytest.approx(env._insertion.height + leads[-1], abs=1e-12)
        forces.append(info["wrench"][2])
    assert max(leads) == pytest.approx(lead, abs=1e-12)
    law = env.task.compliance
    pressed = law.damping[2] * speed + law.stiffness[2] * lead
    assert np.mean(forces[-100:]) == pytest.approx(pressed, rel=0.01)
    assert np.std(forces[-100:]) < 0.05


# ---------------------------------------------------------------------- randomisation


def uniform(samples: Any, low: float, high: float) -> bool:
    samples = np.array(samples)
    inside = low <= samples.min() and samples.max() <= high
    return inside and stats.kstest((samples - low) / (high - low), "uniform").pvalue > 1e-3


def test_every_range_is_used_uniformly() -> None:
    ranges = {
        "hole_estimate": {"lateral": 0.002, "height": 0.001, "tilt": 0.05, "yaw": 0.03},
        "start_pose": {"lateral": 0.003, "height": 0.0005, "tilt": 0.02, "yaw": 0.04},
        "friction": [0.1, 0.5],
        "sensor": [0.5, 2.0],
        "gains": [0.25, 4.0],
    }
    task = {"randomization": ranges, "path": {"start_height": 0.005}, "compliance": {"check_contact": False}}
    env = PegInHoleEnv(task=task)
    nominal, response = env.task.compliance.damping, env.task.robot.response
    frictions, dampings, noises, estimates, starts, lags, delays = [], [], [], [], [], [], []
    for seed in range(400):
        _, info = env.reset(seed=seed if seed == 0 else None)
        world = env._world
        plate, tool = (
            pybullet.getDynamicsInfo(body, -1, physicsClientId=world.client)[1]
            for body in (world.plate, world.tool)
        )
        assert plate == 1.0  # Bullet takes the product
        frictions.append(tool)
        damping = env._insertion.controller.law.damping
        dampings.append(damping[0, 0] / nominal[0])
        np.testing.assert_allclose(damping, dampings[-1] * np.diag(nominal), rtol=1e-12)
        lags.append(env._conditions.response.lag)
        delays.append(env._conditions.response.delay)
        noises.append(env._robot._sensor._noise[0] / 0.05)
        origin, axes = nominal_frame(env)
        estimates.append([*origin, *axes.as_rotvec()])
        starts.append(info["pose"])
    assert uniform(frictions, 0.1, 0.5)
    assert uniform(np.log(dampings), math.log(0.25), math.log(4.0))
    assert uniform(np.log(noises), math.log(0.5), math.log(2.0))
    assert uniform(lags, *response.lag) and uniform(delays, *response.delay)
    starts = np.array(starts) - [0.0, 0.0, 0.005, 0.0, 0.0, 0.0]
    for errors, name in ((np.array(estimates), "hole_estimate"), (starts, "start_pose")):
        x, y, z, rx, ry, rz = errors.T
        given = ranges[name]
        for radius, angle, bound in (
            (np.hypot(x, y), np.arctan2(y, x), given["lateral"]),
            (np.hypot(rx, ry), np.arctan2(ry, rx), given["tilt"]),
        ):
            assert uniform((radius / bound) ** 2, 0.0, 1.0 + 1e-9)  # uniform in a disc
            assert uniform(angle, -math.pi, math.pi)
        assert uniform(z, -given["height"], given["height"])
        assert uniform(rz, -given["yaw"], given["yaw"])
    together = np.column_stack((frictions, np.log(dampings), np.log(noises), estimates, starts, lags, delays))
    assert np.abs(np.corrcoef(together, rowvar=False) - np.eye(together.shape[1])).max() < 0.25


def test_clearances_are_uniform_on_their_grid() -> None:
    env = PegInHoleEnv(task={"randomization": {"clearance": [1e-4, 1.2e-4]}})
    clearances = [env.reset(seed=0 if n == 0 else None) and env._world.part.clearance for n in range(200)]
    micrometres = 1e6 * np.array(clearances)
    counts = [(np.abs(micrometres - value) < 1e-6).sum() for value in (100, 110, 120)]
    assert sum(counts) == 200
    assert stats.chisquare(counts).pvalue > 1e-3, counts
    assert env.part.clearance == 1e-4
