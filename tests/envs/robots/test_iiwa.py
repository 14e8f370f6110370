"""The arm that carries the tool: kinematics, the spring on its flange, limits, determinism, pictures."""

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from math import cos, sin
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest

from assembly_rl.controllers.se3 import quat_conjugate, quat_exp, quat_log, quat_multiply
from assembly_rl.envs import PegHole, PegInHoleEnv, TaskConfig
from assembly_rl.envs.physics import BulletWorld, PhysicsConfig
from assembly_rl.envs.probing import probe_contact
from assembly_rl.envs.robots import ArmRobot, FloatingRobot, RobotConfig
from assembly_rl.envs.robots.iiwa import SPEED_LIMIT, iiwa, iiwa_kinematics
from assembly_rl.envs.robots.kinematics import homogeneous

IIWA = RobotConfig(model="iiwa")
UPRIGHT = (0.0, 0.0, 0.0, 1.0)
RIM = 0.003  # lateral offset [m] at which the peg meets the rim and not the hole
ARM = {"robot": {"model": "iiwa"}}
SHORT = {**ARM, "limits": {"time": 0.4}, "path": {"start_height": 0.0005}}
NO_ERROR = {"hole_estimate": {"lateral": 0.0, "tilt": 0.0, "yaw": 0.0}}


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSEMBLY_RL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def world() -> Iterator[BulletWorld]:
    made = BulletWorld(PegHole(), PhysicsConfig(), 40.0)
    yield made
    made.close()


@pytest.fixture
def robot(world: BulletWorld) -> ArmRobot:
    return iiwa(world, IIWA)


def behind(angle: float, last_joint: float) -> dict[str, Any]:
    """An arm that stands at an angle [rad] around the hole, with its last joint turned back."""
    base = [-0.6 * cos(angle), -0.6 * sin(angle), -0.025]
    posture = [*IIWA.posture[:6], last_joint]
    return {"model": "iiwa", "base_position": base, "base_rotation": [0.0, 0.0, angle], "posture": posture}


# ---------------------------------------------------------------------- kinematics


@pytest.mark.parametrize("seed", range(5))
def test_joints_reach_a_pose(world: BulletWorld, robot: ArmRobot, seed: int) -> None:
    """By the simulator's own kinematics."""
    rng = np.random.default_rng(seed)
    x, y, z, *turn = (rng.uniform(-1.0, 1.0, 6) * [0.05, 0.05, 0.05, 0.2, 0.2, 0.2]).tolist()
    rotation = quat_exp(tuple(turn))
    robot.reset((x, y, 0.06 + z), rotation)
    position, orientation = robot.arm.flange()
    assert np.linalg.norm(np.subtract(position, (x, y, 0.06 + z))) < 1e-6
    assert np.linalg.norm(quat_log(quat_multiply(orientation, quat_conjugate(rotation)))) < 1e-6
    assert world.pose()[0] == pytest.approx(position, abs=1e-12)


def test_the_jacobian_is_the_derivative() -> None:
    arm, step = iiwa_kinematics(IIWA), 1e-6
    joints = arm.posture + 0.1
    flange, jacobian = arm.flange(joints)
    for joint, column in enumerate(jacobian.T):
        moved = arm.flange(joints + step * np.eye(7)[joint])[0]
        turn = (moved[:3, :3] @ flange[:3, :3].T - np.eye(3)) / step
        slope = [*(moved - flange)[:3, 3] / step, turn[2, 1], turn[0, 2], turn[1, 0]]
        assert slope == pytest.approx(column, abs=1e-5)


def test_a_turn_by_more_than_a_right_angle_is_not_taken_for_a_small_one() -> None:
    arm = iiwa_kinematics(IIWA)
    position = (0.0, 0.0, 0.06)
    for angle in (2.0, 2.9):  # about z
        joints = arm.solve(position, quat_exp((0.0, 0.0, angle)))
        assert arm.flange(joints)[0] == pytest.approx(
            homogeneous(position, quat_exp((0, 0, angle))), abs=1e-7
        )


# ---------------------------------------------------------------------- the spring on the flange


def test_the_wrench_of_a_static_contact(world: BulletWorld, robot: ArmRobot) -> None:
    """Is the spring's, and what the joints hold against; with a floating tool it is the same."""
    floating = BulletWorld(PegHole(), PhysicsConfig(), 40.0)
    for one, moved in ((world, robot), (floating, FloatingRobot(floating, RobotConfig()))):
        one.set_friction(0.2)
        moved.reset((RIM, 0.0, 0.0405), UPRIGHT)
        for step in range(1, 101):
            moved.advance(5, (RIM, 0.0, 0.0405 - 1.3e-3 * min(1.0, step / 40)), UPRIGHT)
    stiffness = world.config.servo_stiffness
    stretch = np.subtract(robot.arm.flange()[0], world.pose()[0])
    assert world.wrench[2] == pytest.approx(-stiffness * stretch[2], rel=1e-3)
    assert world.wrench[2] == pytest.approx(floating.wrench[2], rel=1e-2)
    assert 15.0 < world.wrench[2] < 25.0
    torques = iiwa_kinematics(IIWA).flange(robot.joints)[1].T @ world.pull
    assert robot.arm.torques() == pytest.approx(torques, abs=0.01)
    floating.close()


def test_the_arm_keeps_up_with_the_command(robot: ArmRobot) -> None:
    robot.reset((0.0, 0.0, 0.07), UPRIGHT)
    for step in range(1, 41):
        target = (0.0, 0.0, 0.07 - 4e-5 * step)  # 8 mm/s
        robot.advance(5, target, UPRIGHT)
        assert robot.arm.flange()[0] == pytest.approx(target, abs=1e-6)


def test_joints_keep_their_speed_limits(robot: ArmRobot) -> None:
    robot.reset((0.0, 0.0, 0.07), UPRIGHT)
    before = robot.joints
    target = (0.0, 0.05, 0.07)
    robot.advance(5, target, UPRIGHT)
    ratio = np.abs(robot.joints - before) / (0.005 * SPEED_LIMIT)
    assert ratio.max() == pytest.approx(1.0)
    for _ in range(40):
        robot.advance(5, target, UPRIGHT)
    assert robot.arm.flange()[0] == pytest.approx(target, abs=1e-5)


# ---------------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("robot", "message"),
    [
        ({"model": "iwa"}, "unknown robot 'iwa'; did you mean 'iiwa'\\? Known: floating, iiwa"),
        ({"base_position": [0.0, 0.0]}, r"base_position must be 3 finite numbers, got \[0.0, 0.0\]"),
        ({"base_rotation": [0.0, 0.0, float("nan")]}, "base_rotation must be 3 finite numbers"),
        ({"posture": [0.0] * 6}, "posture must be 7 finite numbers"),
        (
            {"model": "iiwa", "posture": [0.0, 2.2, 0.0, 0.0, 0.0, 0.0, 0.0]},
            r"posture\[1\] = 2.2 rad is beyond the joint's limits -2.094 to 2.094 rad",
        ),
        (
            {"model": "iiwa", "base_position": [-1.2, 0.0, 0.0]},
            r"does not reach the flange position .* from its base at \(-1200, 0, 0\) mm .*: move robot.base",
        ),
        (behind(3.1, 3.0), "does not reach"),
    ],
)
def test_bad_robots_are_refused(robot: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PegInHoleEnv(task={"robot": robot})


def test_reach_counts_the_errors_that_may_be_drawn() -> None:
    robot = behind(3.04, 3.04)  # 0.014 rad from the limit
    PegInHoleEnv(task={"robot": robot, "randomization": NO_ERROR}).close()
    with pytest.raises(ValueError, match="does not reach"):
        PegInHoleEnv(task={"robot": robot})


def test_a_joint_at_its_limit_ends_the_episode() -> None:
    env = PegInHoleEnv(task={"robot": behind(3.04, 3.04), "randomization": NO_ERROR})
    results = []
    for push in (1.0, -1.0):  # about z, towards the limit and away from it
        env.reset(seed=0)
        for _ in range(20):
            _, _, terminated, _, info = env.step(np.array([0.0, 0.0, 0.0, 0.0, 0.0, push]))
            if terminated:
                break
        results.append(info.get("result"))
    assert sorted(results, key=str) == [None, "joint_limit"]
    env.close()


# ---------------------------------------------------------------------- the environment


def plain(value: Any) -> Any:
    """For exact comparison; JSON keeps every bit of a float."""
    return json.loads(json.dumps(value, default=lambda array: np.asarray(array).tolist()))


def follow(env: PegInHoleEnv, seed: int, steps: int = 10) -> list:
    """An episode with random actions, and on into the next one."""
    rng, trace = np.random.default_rng(seed), []
    for _ in range(steps):
        trace.append(plain(env.step(rng.uniform(-1.0, 1.0, 6))))
        if trace[-1][2] or trace[-1][3]:
            trace.append(plain(env.reset()))
    return trace


def trajectory(seed: int) -> list:
    env = PegInHoleEnv(task=SHORT)
    trace = [plain(env.reset(seed=seed)), *follow(env, seed)]
    env.close()
    return trace


def test_a_seed_is_a_trajectory_after_any_other_episode_and_in_any_process() -> None:
    used = PegInHoleEnv(task=SHORT)
    traces = [trajectory(seed) for seed in range(4)]
    for seed in (2, 0, 3, 1):
        assert [plain(used.reset(seed=seed)), *follow(used, seed)] == traces[seed]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(trajectory, 3).result() == traces[3] != traces[2]


def test_a_state_continues_to_the_bit() -> None:
    env, other = PegInHoleEnv(task=SHORT), PegInHoleEnv(task=SHORT)
    env.reset(seed=3)
    follow(env, 0, 4)
    state = plain(env.get_state())
    continued = follow(env, 1)
    other.reset(seed=99)
    other.set_state(state)
    assert follow(other, 1) == continued


def test_pictures_show_the_arm_and_change_nothing() -> None:
    env = PegInHoleEnv(task=SHORT, render_mode="rgb_array")
    reset = plain(env.reset(seed=1))
    picture = env.render()
    assert picture is not None and picture.shape == (480, 640, 3)
    blue = (picture[..., 2].astype(int) - picture[..., 0] > 80).mean()
    assert blue > 0.02  # links of the arm
    assert [reset, *follow(env, 1)] == trajectory(1)


def test_insertion_with_the_arm() -> None:
    steady = {"action": {"dither": [0.0] * 6}}
    env, floating = PegInHoleEnv(task={**ARM, **steady, "randomization": NO_ERROR}), PegInHoleEnv()
    env.reset(seed=0)
    ended = False
    while not ended:
        _, _, ended, truncated, info = env.step(np.zeros(6))
        assert not truncated
    assert info["result"] == "success"
    floating.reset(seed=0)
    assert info["certificate"]["physics_hash"] != floating._robot.physics_hash


def test_the_floating_tool_knows_nothing_of_the_arm() -> None:
    env = PegInHoleEnv(task={"robot": {"base_position": [-9.0, 0.0, 0.0]}})
    other = PegInHoleEnv()
    assert plain(env.reset(seed=0)) == plain(other.reset(seed=0))
    assert follow(env, 0) == follow(other, 0)
    assert env._robot.physics_hash == other._robot.physics_hash


def test_probing_with_the_arm() -> None:
    task = TaskConfig()
    floating, arm = (probe_contact(PegHole(), replace(task, robot=robot)) for robot in (task.robot, IIWA))
    assert (
        arm.wrenches == pytest.approx(floating.wrenches, abs=2.0)
        and (arm.wrenches != floating.wrenches).any()
    )
