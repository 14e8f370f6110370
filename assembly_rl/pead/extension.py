"""The stages of a training: when the action dimension grows, and what happens then."""

import csv
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from assembly_rl.devices.learner import Learner
from assembly_rl.lcrl.config import LCRLConfig
from assembly_rl.lcrl.connections import connect, connected, leaders, split, united
from assembly_rl.pead.config import PEADConfig
from assembly_rl.pead.grouping import Grouping, check_stages, like_sized, parse
from assembly_rl.pead.ties import restart, start, tie
from assembly_rl.runs import RowLog, RunDirectory
from assembly_rl.training import ProgressBar

COLUMNS = ("stage", "dimensions", "groups", "trigger")
CAUTIOUS_KL = 0.02
"""Bound on the divergence of an update of PPO after a growth."""
QUIET = 0.5
"""Factor on the noise right after a growth."""


def stages_of(config: PEADConfig, scales: Sequence[float] | None, seed: int) -> list[Grouping]:
    """The groupings of all stages.

    Args:
        config: Of the method.
        scales: Of the action components; see ``parse``.
        seed: Of a random grouping.

    Raises:
        ValueError: The stages are none; see ``parse`` and ``check_stages``.
    """
    stages = [parse(groups, scales) for groups in config.stages]
    check_stages(stages)
    return like_sized(stages, np.random.default_rng(seed)) if config.grouping == "random" else stages


class Extension(BaseCallback):
    """Ties the policy's outputs in the first stage, and unties them stage by stage.

    Args:
        run: Its ``stages.csv`` has a row for each stage.
        config: See there.
        stages: Groupings.
        steps: Of the training.
        bar: Shows the stages.
    """

    def __init__(
        self, run: RunDirectory, config: PEADConfig, stages: Sequence[Grouping], steps: int, bar: ProgressBar
    ) -> None:
        super().__init__()
        self.rows = RowLog(run.path / "stages.csv", COLUMNS)
        self._config, self._stages, self._bar = config, list(stages), bar
        self._ends = [round(share * steps) for share in config.shares]
        self._episodes: deque[float] = deque(maxlen=2 * config.window)
        self._stage, self._since, self._log = 0, 0, run.episodes

    def _on_training_start(self) -> None:
        done = list(self.rows)
        if not done:
            start(self.model, self._stages[0])
            self._bind()
            self._tell(0, "start")
        else:
            self._stage, self._since = int(done[-1]["stage"]) - 1, int(done[-1]["step"])
            with self._log.open(encoding="utf-8", newline="") as file:
                rows = [row for row in csv.DictReader(file) if int(row["step"]) > self._since]
            self._episodes.extend(float(row["success"]) for row in rows)
        if isinstance(self.model, Learner):
            self.model.tied_from_the_start = self._config.warm_up == "tied"
            self._moderate()

    def _on_rollout_start(self) -> None:
        trigger = self._trigger()
        if trigger:
            self._grow(trigger)
        self._moderate()

    def _trigger(self) -> str:
        """Why the stage ends now; nothing where it goes on."""
        if self._stage + 1 == len(self._stages):
            return ""
        if self.num_timesteps >= self._ends[self._stage]:
            return "share"
        window = self._config.window
        if self._config.trigger == "plateau" and len(self._episodes) == 2 * window:
            earlier, later = np.array(self._episodes).reshape(2, window).mean(1)
            if later - earlier < self._config.gain and later > 0.0:
                return "plateau"
        return ""

    def _grow(self, trigger: str) -> None:
        self._stage += 1
        if self._config.restart:
            restart(self.model)
            start(self.model, self._stages[self._stage])
        else:
            before = leaders(self.model.policy)
            tie(self.model, self._stages[self._stage])
            after = leaders(self.model.policy)
            if isinstance(self._config, LCRLConfig) and before is not None and after is not None:
                split(self.model, before, after)
        self._bind()
        self._since = self.num_timesteps
        self._episodes.clear()
        self._tell(self._stage, trigger)

    def _bind(self) -> None:
        """Whatever follows from other ties."""
        if isinstance(self._config, LCRLConfig):
            edges = united(connected(self.model), self.model.policy)
            connect(self.model, edges, self._config.critics == "local")
        if isinstance(self.model, Learner):
            self.model.bind()

    def _moderate(self) -> None:
        """What is held back for a while after a growth."""
        since = self.num_timesteps - self._since if self._stage else float("inf")
        model: Any = self.model
        if isinstance(model, Learner):
            model.actor_rate = 0.0 if since < self._config.freeze else 1.0
            ramp = min(1.0, since / self._config.ramp) if self._config.ramp else 1.0
            model.loudness = QUIET + (1.0 - QUIET) * ramp
        elif isinstance(model, OnPolicyAlgorithm):
            model.target_kl = CAUTIOUS_KL if since < self._config.ramp else None  # type: ignore[attr-defined]

    def _tell(self, stage: int, trigger: str) -> None:
        grouping = self._stages[stage]
        row = {
            "stage": stage + 1,
            "dimensions": grouping.dimensions,
            "groups": str(grouping),
            "trigger": trigger,
        }
        self.rows.append(self.num_timesteps, row)
        self._bar.show(
            f"  step {self.num_timesteps:>7}: stage {stage + 1} of {len(self._stages)}, "
            f"{grouping.dimensions} dimensions: {grouping} ({trigger})"
        )

    def _on_step(self) -> bool:
        for info in self.locals["infos"]:
            if "episode" in info:
                self._episodes.append(float(info["is_success"]))
        return True
