"""A part in the coordinates of another: the policy sees, feels and asks as if it had the old one."""

from dataclasses import replace

import numpy as np
import pytest

from assembly_rl.controllers.insertion.action import ActionConfig, ActionKind
from assembly_rl.controllers.insertion.observation import ObservationConfig
from assembly_rl.envs import PegHole, PegInHoleEnv, TaskConfig

SCALE = np.diag([1.0, 1.0, 1.0, 1.5, 1.5, 1.5])
COUPLED = SCALE + 0.02 * np.random.default_rng(0).normal(size=(6, 6)) * np.outer([1] * 3 + [30] * 3, [1] * 6)
GROUPS = ObservationConfig(groups=["wrench", "pose", "last_action", "twist"], twist_scale=[1.0] * 6)


def episode(task: TaskConfig, part: PegHole, steps: int = 40) -> tuple[np.ndarray, dict, PegInHoleEnv]:
    env = PegInHoleEnv(part, task)
    env.reset(seed=3)
    action = np.array([0.2, -0.3, -0.9, 0.4, 0.1, -0.2])
    for _ in range(steps):
        observation, _, over, out, info = env.step(action)
        if over or out:
            break
    env.close()
    return observation, info, env


def test_without_coordinates_nothing_changes() -> None:
    same = replace(TaskConfig(), coordinates=np.eye(6).tolist())
    plain, eye = (episode(task, PegHole())[0] for task in (TaskConfig(), same))
    np.testing.assert_allclose(eye, plain, atol=2e-5)


@pytest.mark.parametrize("matrix", [SCALE, COUPLED], ids=["scale", "coupled"])
@pytest.mark.parametrize("kind", [ActionKind.wrench, ActionKind.twist])
def test_what_the_policy_sees_is_the_new_part_in_old_coordinates(
    matrix: np.ndarray, kind: ActionKind
) -> None:
    task = replace(TaskConfig(), observation=GROUPS, action=ActionConfig(kind=kind))
    task = replace(task, coordinates=matrix.tolist())
    observation, info, env = episode(task, PegHole(), 12)
    scale = np.array(task.observation.wrench_scale)
    felt = np.linalg.solve(matrix.T, info["wrench"])
    np.testing.assert_allclose(observation[:6], 3.0 * np.tanh(felt / (3.0 * scale)), rtol=1e-4, atol=1e-5)
    path = np.array([0.0, 0.0, env._insertion.height, 0.0, 0.0, 0.0])
    seen = (path + matrix @ (info["pose"] - path)) / np.array(task.observation.pose_scale)
    np.testing.assert_allclose(observation[6:12], np.clip(seen, -5.0, 5.0), rtol=1e-4, atol=1e-5)
    law = env._insertion.controller.law
    old = TaskConfig().compliance
    np.testing.assert_allclose(law.damping, matrix.T @ np.diag(old.damping) @ matrix)
    action = np.array([0.5, -0.2, 0.3, 0.1, -0.6, 0.2])
    asked = -np.array(task.action.wrench) * action
    if kind is ActionKind.twist:
        asked = -np.diag(old.damping) @ (np.array(task.action.twist) * action)
    np.testing.assert_allclose(env._insertion._mapping.apply(action), matrix.T @ asked, rtol=1e-9)


def test_a_scaled_tool_answers_a_scaled_wrench_alike() -> None:
    """In free air an action turns the larger tool less, and the policy sees the same turn."""
    task = replace(TaskConfig(), action=ActionConfig(), path=replace(TaskConfig().path, start_height=0.02))
    scaled = replace(task, coordinates=SCALE.tolist())
    (one, first, _), (other, second, _) = (episode(t, PegHole(), 8) for t in (task, scaled))
    np.testing.assert_allclose(second["pose"][3:], first["pose"][3:] / 1.5, rtol=0.02, atol=1e-5)
    np.testing.assert_allclose(other[9:12], one[9:12], rtol=0.02, atol=1e-3)


def test_coordinates_that_are_none_are_refused() -> None:
    for values, message in (
        ([[1.0] * 6] * 5, "six rows of six finite numbers"),
        (np.zeros((6, 6)).tolist(), "must be invertible"),
    ):
        with pytest.raises(ValueError, match=message):
            replace(TaskConfig(), coordinates=values)
    with pytest.raises(ValueError, match="wrenches or twists, not with damping"):
        TaskConfig(action=ActionConfig(kind=ActionKind.damping), coordinates=np.eye(6).tolist())
