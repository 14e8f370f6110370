"""The stages of a training: when the action dimension grows, and what happens then."""

from collections import deque
from collections.abc import Sequence

import numpy as np
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from assembly_rl.accelerators.distributed import any_of
from assembly_rl.learners.off_policy import Learner
from assembly_rl.methods.cs3.estimate import estimate
from assembly_rl.methods.cs3.transitions import Visited
from assembly_rl.methods.lcrl.config import LCRLConfig
from assembly_rl.methods.lcrl.connections import connect, connected, leaders, split, united
from assembly_rl.methods.pead.config import PEADConfig
from assembly_rl.methods.pead.grouping import Grouping, check_stages, like_sized, parse
from assembly_rl.methods.pead.similarity import similar
from assembly_rl.methods.pead.ties import leash, restart, start, tie
from assembly_rl.runs import RowLog, RunDirectory, read_rows
from assembly_rl.runs.files import read_json, write_json
from assembly_rl.training.callbacks import ProgressBar

GROUPS = "groups.json"
"""In a run directory: the stages that cs3 gave."""
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
        stages: Groupings; with ``cs3`` only their dimensions count.
        seed: Of the estimate of ``cs3``.
        steps: Of the training.
        bar: Shows the stages.
    """

    def __init__(
        self,
        run: RunDirectory,
        config: PEADConfig,
        stages: Sequence[Grouping],
        seed: int,
        steps: int,
        bar: ProgressBar,
    ) -> None:
        super().__init__()
        self.rows = RowLog(run.stages, COLUMNS)
        self._run, self._config, self._stages = run, config, list(stages)
        self._seed, self._bar = seed, bar
        self._ends = [round(share * steps) for share in config.shares]
        self._episodes: deque[float] = deque(maxlen=2 * config.window)
        self._stage, self._since = 0, 0
        self._visited: Visited | None = None

    def _on_training_start(self) -> None:
        if isinstance(self.model, Learner):
            self.model.tied_from_the_start = self._config.warm_up == "tied"
        done, groups = list(self.rows), self._run.path / GROUPS
        if done:
            self._stage, self._since = int(done[-1]["stage"]) - 1, int(done[-1]["step"])
            if self._config.grouping == "cs3":
                self._stages = [parse(stage, None) for stage in read_json(groups, 1)["stages"]]
            rows = [row for row in read_rows(self._run.episodes) if row["step"] > self._since]
            self._episodes.extend(row["success"] for row in rows)
            self._put_on_leash()
        elif self._config.grouping == "cs3":
            self._visited = Visited(self.model, self._run.path / "visited.safetensors")
        else:
            self._begin()

    def _begin(self) -> None:
        """The first stage."""
        start(self.model, self._stages[0])
        self._entered("start")

    def _on_rollout_start(self) -> None:
        if self._visited is None:
            trigger = self._trigger()
            if trigger:
                self._grow(trigger)
        elif self.num_timesteps >= self._config.samples:
            influence = estimate(self._visited.transitions(), self._seed).values.mean(0)
            self._stages = similar(influence, [stage.dimensions for stage in self._stages])
            groups = [str(stage).split(" | ") for stage in self._stages]
            write_json(self._run.path / GROUPS, {"format": 1, "stages": groups})
            self._visited = None
            self._begin()
        self._moderate()

    def _on_rollout_end(self) -> None:
        if self._visited is not None:
            self._visited.add_rollout()

    def _on_step(self) -> bool:
        for info in self.locals["infos"]:
            if "episode" in info:
                self._episodes.append(float(info["is_success"]))
        return True

    def _trigger(self) -> str:
        """Why the stage ends now; nothing where it goes on."""
        if self._stage + 1 == len(self._stages):
            return ""
        if self.num_timesteps >= self._ends[self._stage]:
            return "share"
        return "plateau" if self._config.trigger == "plateau" and any_of(self._on_plateau()) else ""

    def _on_plateau(self) -> bool:
        """Whether training episodes succeed now and then, but not more often than before."""
        if len(self._episodes) < 2 * self._config.window:
            return False
        earlier, later = np.array(self._episodes).reshape(2, -1).mean(1)
        return bool(later > 0.0 and later - earlier < self._config.gain)

    def _grow(self, trigger: str) -> None:
        self._stage += 1
        grouping, before = self._stages[self._stage], leaders(self.model.policy)
        if self._config.restart:
            restart(self.model)
            start(self.model, grouping)
        else:
            tie(self.model, grouping)
            after = leaders(self.model.policy)
            if isinstance(self._config, LCRLConfig) and before is not None and after is not None:
                split(self.model, before, after)
        self._entered(trigger)

    def _entered(self, trigger: str) -> None:
        """What follows from a stage's ties; and it is told."""
        if isinstance(self._config, LCRLConfig):
            edges = united(connected(self.model), self.model.policy)
            connect(self.model, edges, self._config.critics == "local")
        self._since = self.num_timesteps
        self._put_on_leash()
        self._episodes.clear()
        grouping, stage = self._stages[self._stage], self._stage + 1
        row = {"stage": stage, "dimensions": grouping.dimensions, "groups": str(grouping), "trigger": trigger}
        self.rows.append(self.num_timesteps, row)
        self._bar.show(
            f"  step {self.num_timesteps:>7}: stage {stage} of {len(self._stages)}, "
            f"{grouping.dimensions} dimensions: {grouping} ({trigger})"
        )

    def _put_on_leash(self) -> None:
        if self._stage and not self._config.restart:
            own = self._config.leash
            strength = usual_leash(self.model) if own is None else own
            leash(self.model, self._stages[self._stage - 1], strength)
        if isinstance(self.model, Learner):
            self.model.bind()

    def _moderate(self) -> None:
        """Hold back for a while after a growth what could do harm."""
        since = self.num_timesteps - self._since if self._stage else float("inf")
        ramp = min(1.0, since / self._config.ramp) if self._config.ramp else 1.0
        if isinstance(self.model, Learner):
            self.model.actor_rate = 0.0 if since < self._config.freeze else 1.0
            self.model.loudness = QUIET + (1.0 - QUIET) * ramp
        elif isinstance(self.model, PPO):
            self.model.target_kl = CAUTIOUS_KL if ramp < 1.0 else None


def usual_leash(model: BaseAlgorithm) -> float:
    """Weight of the leash if nothing is said about it; docs/pead.md has what it rests on.

    It is there for what critics make up about new dimensions: DDPG and TD3 follow them blindly, SAC less so,
    and PPO goes by what it has tried.
    """
    if isinstance(model, PPO):
        return 0.0
    return 0.5 if isinstance(model, SAC) else 2.0
