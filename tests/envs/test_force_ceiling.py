"""Force ceiling in the environment, in both engines, against a policy that pushes as hard as it can."""

from dataclasses import replace

import numpy as np
import pytest

from assembly_rl.controllers import Fault
from assembly_rl.controllers.ceiling_config import CeilingConfig
from assembly_rl.envs import PegInHoleEnv, TaskConfig
from assembly_rl.envs.robots import ResponseConfig, RobotConfig


def largest_force(task: TaskConfig, seed: int) -> tuple[float, Fault]:
    """Return the largest force [N] of an episode, and the faults that were seen."""
    env, rng, faults = PegInHoleEnv("square", task), np.random.default_rng(seed), Fault.NONE
    env.reset(seed=seed)
    peak, over, signs = 0.0, False, rng.choice([-1.0, 1.0], (60, 6))
    signs[:, 2] = -1.0
    for action in signs:
        _, _, terminated, truncated, info = env.step(action)
        peak, faults = max(peak, info["force"].max()), faults | info["faults"]
        over = terminated or truncated
        if over:
            break
    env.close()
    return peak, faults


@pytest.mark.parametrize("engine", ["bullet", "mujoco"])
def test_no_reading_of_an_episode_is_above_the_ceiling(engine: str) -> None:
    task = TaskConfig()
    task = replace(task, physics=task.physics.in_engine(engine))
    task.action.wrench = [15.0, 15.0, 15.0, 0.5, 0.5, 0.5]
    held = replace(task, ceiling=CeilingConfig(force=12.0))
    for seed in range(3):
        free, faults = largest_force(task, seed)
        assert free > 13.0 and Fault.FORCE_CEILING not in faults
        peak, faults = largest_force(held, seed)
        assert 4.0 < peak <= 12.0 and Fault.FORCE_CEILING in faults


def test_a_ceiling_knows_the_simulated_robot() -> None:
    task = TaskConfig(ceiling=CeilingConfig(force=12.0))
    own, physics = task.known_ceiling(), task.physics
    assert (
        own.stiffness == own.drive_stiffness == [physics.servo_stiffness, physics.servo_rotational_stiffness]
    )
    assert own.impact == list(physics.servo_damping) and own.sensor_cutoff == task.sensor.cutoff
    assert own.stopping_time == task.robot.response.delay[1]
    slower = replace(task, robot=RobotConfig(response=ResponseConfig(delay=[0.0, 0.02])))
    assert slower.known_ceiling().stopping_time == 0.02
    stated = TaskConfig(ceiling=CeilingConfig(force=12.0, stopping_time=0.0))
    assert stated.known_ceiling().stopping_time == 0.0
    assert TaskConfig().known_ceiling() == CeilingConfig()
