"""The robot without the environment: a bundle that drives it does what the training stack does."""

from typing import Any

import numpy as np
import pytest
from bundle_maker import manifest, policy

from assembly_rl.controllers import BundleController
from assembly_rl.controllers.bundles import Manifest, State
from assembly_rl.envs import PegInHoleEnv
from assembly_rl.envs.simulation import SimulatedRobot, insert

TASKS: dict[str, Any] = {
    "default": {},
    "start off the path": {"randomization": {"start_pose": {"lateral": 1e-3, "tilt": 0.02, "yaw": 0.01}}},
    "delay, no tare": {
        "sensor": {"delay": 0.005, "tare_samples": 0, "force_bias": 0.0, "moment_bias": 0.0},
        "compliance": {"check_contact": False},
    },
    "arm": {"robot": {"model": "iiwa"}},
}


@pytest.mark.parametrize("name", TASKS)
def test_bundle_and_environment_do_the_same_to_the_last_bit(name: str) -> None:
    task = TASKS[name] | {"limits": {"time": 1.5}}
    env, robot = PegInHoleEnv(task=task), SimulatedRobot(task=task)
    network = policy(scale=0.8)
    values = manifest(law=robot.task.law())
    values["insertion"]["limits"]["time"] = 1.5
    values["insertion"]["action"]["dither"] = robot.task.action.dither
    assert max(robot.task.action.dither) > 0.0
    controller = BundleController(Manifest.read(values), network)
    for seed in range(4):
        observation, _ = env.reset(seed=seed)
        expected: list[np.ndarray] = []
        poses = []
        ended = False
        while not ended:
            action = np.clip(network(observation), -1.0, 1.0)
            expected.append(action)
            poses.append(env._world.pose())
            observation, _, terminated, truncated, _ = env.step(action)
            ended = terminated or truncated
        found: list[np.ndarray] = []
        seen = []

        def keep(number: int, pose: Any, command: Any, found: Any = found, seen: Any = seen) -> None:
            if number % 10 == 0 and command.state is State.running:
                found.append(controller.actions)
                seen.append(pose)

        insert(robot, controller, seed, keep)
        assert len(found) == len(expected) > 3
        assert seen == poses
        np.testing.assert_array_equal(np.array(found), np.array(expected, dtype=np.float64))
    env.close()
    robot.close()
