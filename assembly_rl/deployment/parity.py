"""Comparison of a bundle with the training stack in the same insertions, action by action."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.bundles import BundleController, Command, Manifest, State
from assembly_rl.controllers.bundles.golden import Golden, run
from assembly_rl.controllers.mlp import MLP
from assembly_rl.controllers.se3 import Pose
from assembly_rl.controllers.validation import InputError
from assembly_rl.controllers.wrench import ContactWrench
from assembly_rl.envs import PegHole, PegInHoleEnv, TaskConfig, make_environment
from assembly_rl.envs.simulation import SimulatedRobot, insert
from assembly_rl.evaluation import Policy
from assembly_rl.evaluation.episodes import Row

GOLDEN_POLICY_STEPS = 4
GOLDEN_OBSERVATIONS = 32
TOLERANCE = 1e-6
"""Largest accepted difference of an action."""


@dataclass(frozen=True)
class Comparison:
    """Actions and successes of bundle and training stack in the same insertions.

    Attributes:
        error: Largest difference of an action.
        steps: Number of compared policy steps.
        trained: Number of successes with the training stack.
        rows: Seed and success of each episode with the bundle.
    """

    error: float
    steps: int
    trained: int
    rows: list[Row]

    @property
    def exported(self) -> int:
        """Number of successes with the bundle."""
        return sum(row["success"] for row in self.rows)


def actions_of(
    environment: PegInHoleEnv, policy: Policy, seed: int
) -> tuple[list[NDArray[np.float64]], bool]:
    """Run an episode with the training stack.

    Returns:
        Action of every policy step, shape (6,) each, and True if the episode succeeded.
    """
    observation, info = environment.reset(seed=seed)
    actions, ended = [], False
    while not ended:
        action = policy.act(observation, info)
        actions.append(action.astype(np.float64))
        observation, _, terminated, truncated, info = environment.step(action)
        ended = terminated or truncated
    return actions, bool(info["is_success"])


def compare(
    part: PegHole,
    task: TaskConfig,
    policy: Policy,
    controller: BundleController,
    seeds: range,
    progress: Callable[[], object] | None = None,
) -> Comparison:
    """Compare training stack and bundle in the same episodes.

    Actions are compared until the bundle takes the tip to be at the goal, by the estimated hole: it keeps its
    last action there, while the training stack, which knows the true hole, may go on.

    Args:
        part: Geometry of the part.
        task: Task of the training.
        policy: Policy of the training stack.
        controller: Controller of the bundle.
        seeds: Seeds of the episodes.
        progress: Function called after each episode.

    Raises:
        ValueError: An action differs by more than ``TOLERANCE``.
    """
    environment, robot = make_environment(part, task), SimulatedRobot(part, task)
    error, steps, trained = 0.0, 0, 0
    rows: list[Row] = []
    try:
        for seed in seeds:
            expected, success = actions_of(environment, policy, seed)
            found = _actions_of_bundle(robot, controller, seed)
            for one, other in zip(expected, found, strict=False):
                error = max(error, float(np.abs(one - other).max()))
                steps += 1
            trained += success
            rows.append({"seed": seed, "success": robot.success})
            if progress is not None:
                progress()
    finally:
        environment.close()
        robot.close()
    if not error <= TOLERANCE:
        raise InputError(f"the bundle's actions differ from those of the training stack by {error:.2g}")
    return Comparison(error, steps, trained, rows)


def _actions_of_bundle(
    robot: SimulatedRobot, controller: BundleController, seed: int
) -> list[NDArray[np.float64]]:
    """Run an insertion with a bundle, and return its actions up to the goal."""
    found: list[NDArray[np.float64]] = []
    every, arrived = robot.task.control_steps(), False

    def keep(number: int, _: Pose, command: Command) -> None:
        nonlocal arrived
        arrived = arrived or controller.at_goal
        if number % every == 0 and command.state is State.running and not arrived:
            found.append(controller.actions)

    insert(robot, controller, seed, keep)
    return found


def weighted(golden: Golden, manifest: Manifest, policy: MLP) -> Golden:
    """Add the tool's weight, which is zero in simulation, to the readings of golden vectors.

    Args:
        golden: Golden vectors of the weightless tool.
        manifest: Manifest with tool and gravity of the robot.
        policy: Network of the policy, for the resulting commands.
    """
    tool = ContactWrench(manifest.tool, manifest.gravity)
    weights = [tool.tool_weight((a, b, c, d)) for a, b, c, d in golden.poses[:, 3:].tolist()]
    golden = replace(golden, wrenches=golden.wrenches + np.array(weights))
    return replace(golden, commands=np.array(list(run(BundleController(manifest, policy), golden))))


def make_golden(
    part: PegHole, task: TaskConfig, policy: MLP, controller: BundleController, seed: int
) -> Golden:
    """Create golden vectors: the first steps of an insertion, and observations with the network's actions.

    Args:
        part: Geometry of the part.
        task: Task of the training.
        policy: Network of the policy.
        controller: Controller of the bundle.
        seed: Seed of the insertion.
    """
    robot = SimulatedRobot(part, task)
    rows: list[list[float]] = []
    most = GOLDEN_POLICY_STEPS * task.control_steps()

    def keep(number: int, pose: Pose, command: Command) -> None:
        if number < most:
            told = (*command.position, *command.orientation)
            rows.append([robot.time, *robot.reading, *pose[0], *pose[1], *told])

    insert(robot, controller, seed, keep)
    robot.close()
    environment = make_environment(part, task)
    observation, _ = environment.reset(seed=seed)
    observations, ended = [observation], False
    while not ended and len(observations) < GOLDEN_OBSERVATIONS:
        observation, _, terminated, truncated, _ = environment.step(np.clip(policy(observation), -1.0, 1.0))
        observations.append(observation)
        ended = terminated or truncated
    environment.close()
    table, recording = np.array(rows), controller.recording()
    return Golden(
        observations=np.array(observations, dtype=np.float32),
        actions=np.array([policy(row) for row in observations], dtype=np.float32),
        hole=np.array([*recording.hole[0], *recording.hole[1]]),
        bias=np.array(recording.bias),
        times=table[:, 0],
        wrenches=table[:, 1:7],
        poses=table[:, 7:14],
        commands=table[:, 14:],
    )
