"""Data sets of the recogniser: parts, robots and engine of each, and their recording."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import assembly_rl.recognition.pressing  # noqa: F401  registers the task
from assembly_rl.deployment.trials import TrainedController
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.geometry.families import HELD_OUT, KINDS
from assembly_rl.envs.geometry.part_family import PartFamily
from assembly_rl.evaluation.policies import LearnedPolicy
from assembly_rl.recognition.episodes import Recording, record

FAMILY = PartFamily(
    size=(0.006, 0.040), clearance=(6e-5, 1.5e-4), chamfer=(0.0, 3e-4), hole_depth=(0.020, 0.025), sharp=0.4
)
"""Family of ``experiment=generalist``."""

LARGE = {"lateral": 0.005, "tilt": 0.0873, "yaw": 0.0873}
"""Errors of the hole's estimate of every second part [m, rad]; others have those of ``task=broad``."""

ROUGH = [0.3, 0.8]
"""Friction of every third part, on which a peg jams more often."""

HEIGHT = 5e-4
"""Error of the height of the hole's estimate [m]."""

TIME = 6.0
"""Longest episode [s]."""

SLOW = {"lag": [0.05, 0.06], "delay": [0.012, 0.02]}
"""Responses [s] of robots that are slower than those of any training."""


@dataclass(frozen=True)
class DataSet:
    """Description of a data set.

    Attributes:
        engine: Physics engine.
        first: Seed of the first part.
        parts: Number of parts, each second one with large errors, and as many with a floor in the hole.
        slow: True for robots slower than those of any training.
        episodes: Episodes of each part.
    """

    engine: str
    first: int
    parts: int
    slow: bool = False
    episodes: int = 4

    def record(self, base: TaskConfig, progress: Callable[[int], object] | None = None) -> Recording:
        """Record the episodes of the generalist in this data set.

        Args:
            base: Conditions, those of ``task=broad``.
            progress: Function called with the policy steps of each episode.
        """
        controller = TrainedController.open("generalist")
        task = controller.task(base)
        limits, ranges = replace(task.limits, time=TIME), task.randomization
        task = replace(task, name="pressing", limits=limits, physics=task.physics.in_engine(self.engine))
        if self.slow:
            response = replace(task.robot.response, **SLOW)
            task = replace(task, robot=replace(task.robot, response=response))
        entries: list[tuple[PegHole, TaskConfig, int, int]] = []
        for number in range(self.parts):
            seed = self.first + number
            part = replace(FAMILY.part(seed), blind=number % 4 < 2)
            errors = replace(ranges.hole_estimate, height=HEIGHT, **(LARGE if number % 2 else {}))
            friction = ROUGH if number % 3 == 0 else ranges.friction
            own = replace(task, randomization=replace(ranges, hole_estimate=errors, friction=friction))
            entries.append((part, own, seed, list(KINDS).index(str(part.parameters["kind"]))))
        return record(
            entries, LearnedPolicy(controller.policy), self.episodes, self.first * self.episodes, progress
        )


DATA = {
    "train-mujoco": DataSet("mujoco", 0, 320),
    "train-bullet": DataSet("bullet", 400, 100),
    "parts": DataSet("mujoco", HELD_OUT + 3000, 50),
    "robots": DataSet("mujoco", HELD_OUT + 1000, 50, slow=True),
    "engine": DataSet("bullet", HELD_OUT + 2000, 50),
}
"""Data sets by name: two for training, and three with unseen parts, one with slower robots, one in Bullet."""
