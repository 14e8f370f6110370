"""Stages of a training: the action dimension is extended from stage to stage."""

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.base_class import BaseAlgorithm

from assembly_rl.accelerators.distributed import any_process
from assembly_rl.learners.action_groups import action_groups
from assembly_rl.learners.off_policy import Learner
from assembly_rl.methods.cs3.estimate import estimate
from assembly_rl.methods.cs3.transitions import RecentTransitions
from assembly_rl.methods.pead.config import PEADConfig
from assembly_rl.methods.pead.grouping import Grouping, check_stages, parse, permuted
from assembly_rl.methods.pead.policy import penalise, redraw, regroup, start
from assembly_rl.methods.pead.similarity import similar
from assembly_rl.runs import RowLog, RunError, read_rows
from assembly_rl.runs.checks import refuse, require_list, require_type
from assembly_rl.runs.files import read_json, write_json
from assembly_rl.training.method import Phases, TrainingContext

GROUPS = "groups.json"
"""File in a run directory with the stages from CS3."""
COLUMNS = ("stage", "dimensions", "groups", "trigger")
BOUNDED_KL = 0.02
"""Bound on the KL divergence of an update of PPO after an extension."""
NOISE_AFTER_EXTENSION = 0.5
"""Factor on the noise right after an extension."""

Leading = NDArray[np.int64]
Regrouped = Callable[[Leading | None, Leading | None], None]
"""Function of the leading components before and after a change of the groups; None without groups."""


def stages_of(config: PEADConfig, scales: Sequence[float] | None, seed: int) -> list[Grouping]:
    """Return the groupings of all stages.

    Args:
        config: Configuration of the method.
        scales: Scales of the action components; see ``parse``.
        seed: Seed of a random grouping.

    Raises:
        ValueError: The stages cannot be used; see ``parse`` and ``check_stages``.
    """
    stages = [parse(groups, scales) for groups in config.stages]
    check_stages(stages)
    return permuted(stages, np.random.default_rng(seed)) if config.grouping == "random" else stages


class Extension(Phases):
    """Grouping of the policy's action components in the first stage, and extension in later stages.

    The run's ``stages.csv`` has a row for each stage.

    Args:
        config: Configuration.
        context: Training.
        regrouped: Function called after each change of the groups.
    """

    def __init__(
        self, config: PEADConfig, context: TrainingContext, regrouped: Regrouped = lambda before, after: None
    ) -> None:
        self.rows = RowLog(context.run.stages, COLUMNS, context.show)
        self._config, self._context, self._model = config, context, context.model
        self._regrouped = regrouped
        training = context.config
        # With cs3 only the numbers of dimensions matter.
        self._stages = stages_of(config, training.task.action.scale, training.seed)
        self._ends = [round(share * training.steps) for share in config.shares]
        self._episodes: deque[float] = deque(maxlen=2 * config.window)
        self._stage, self._since = 0, 0
        self._transitions: RecentTransitions | None = None

    def begin(self) -> None:
        """Enter the first stage, or collect transitions for its groups."""
        self._set_warm_up()
        if self._config.grouping == "cs3":
            self._collect()
        else:
            self._enter_first()

    def after_load(self) -> None:
        """Restore the stage of the checkpoint."""
        self._set_warm_up()
        run = self._context.run
        done = read_rows(self.rows.path, ("step", "stage"))
        if not done:
            self._collect()
            return
        self._stage, self._since = int(done[-1]["stage"]) - 1, int(done[-1]["step"])
        if not 0 <= self._stage < len(self._stages):
            raise refuse(f"{self.rows.path}: stage", f"1 to {len(self._stages)}", done[-1]["stage"])
        if self._config.grouping == "cs3":
            self._stages = _read_groups(run.path / GROUPS, len(self._stages))
        rows = [row for row in read_rows(run.episodes, ("step", "success")) if row["step"] > self._since]
        self._episodes.extend(row["success"] for row in rows)
        self._set_penalty()

    def _set_warm_up(self) -> None:
        if isinstance(self._model, Learner):
            self._model.group_random_actions = self._config.warm_up == "tied"

    def _collect(self) -> None:
        path = self._context.run.path / "visited.safetensors"
        self._transitions = RecentTransitions(self._model, path)

    def _enter_first(self) -> None:
        start(self._model, self._stages[0])
        self._entered("start", None)

    def before_rollout(self) -> None:
        """Enter the next stage if due."""
        step = self._model.num_timesteps
        if self._transitions is None:
            trigger = self._trigger()
            if trigger:
                self._extend(trigger)
        elif step >= self._config.samples:
            found = estimate(self._transitions.transitions(), self._context.config.seed)
            self._stages = similar(found.values.mean(0), [stage.dimensions for stage in self._stages])
            groups = [str(stage).split(" | ") for stage in self._stages]
            write_json(self._context.run.path / GROUPS, {"format": 1, "stages": groups})
            self._transitions = None
            self._enter_first()
        self._moderate()

    def after_step(self, infos: Sequence[dict[str, Any]]) -> None:
        """Record the episodes that have ended."""
        for info in infos:
            if "episode" in info:
                self._episodes.append(float(info["is_success"]))

    def after_rollout(self) -> None:
        """Store a rollout for the estimate of the groups."""
        if self._transitions is not None:
            self._transitions.add_rollout()

    def _trigger(self) -> str:
        """Return the reason why the stage ends now; an empty string if it continues."""
        if self._stage + 1 == len(self._stages):
            return ""
        if self._model.num_timesteps >= self._ends[self._stage]:
            return "share"
        ends = self._config.trigger == "plateau" and any_process(self._on_plateau())
        return "plateau" if ends else ""

    def _on_plateau(self) -> bool:
        """Return True if some training episodes succeed, but not more than before."""
        if len(self._episodes) < 2 * self._config.window:
            return False
        earlier, later = np.array(self._episodes).reshape(2, -1).mean(1)
        return bool(later > 0.0 and later - earlier < self._config.gain)

    def _extend(self, trigger: str) -> None:
        self._stage += 1
        grouping, before = self._stages[self._stage], self._leading()
        if self._config.restart:
            redraw(self._model)
            start(self._model, grouping)
            before = None
        else:
            regroup(self._model, grouping)
        self._entered(trigger, before)

    def _leading(self) -> Leading | None:
        groups = action_groups(self._model.policy)
        return None if groups is None else groups.leading

    def _entered(self, trigger: str, before: Leading | None) -> None:
        """Apply the consequences of new groups, and record the stage."""
        self._regrouped(before, self._leading())
        self._since = self._model.num_timesteps
        self._set_penalty()
        self._episodes.clear()
        grouping, stage = self._stages[self._stage], self._stage + 1
        row = {"stage": stage, "dimensions": grouping.dimensions, "groups": str(grouping), "trigger": trigger}
        self.rows.append(self._since, row)
        self._context.show(
            f"  step {self._since:>7}: stage {stage} of {len(self._stages)}, "
            f"{grouping.dimensions} dimensions: {grouping} ({trigger})"
        )

    def _set_penalty(self) -> None:
        if self._stage and not self._config.restart:
            own = self._config.leash
            strength = default_penalty(self._model) if own is None else own
            penalise(self._model, self._stages[self._stage - 1], strength)
        if isinstance(self._model, Learner):
            self._model.bind()

    def _moderate(self) -> None:
        """Reduce learning and noise temporarily after an extension."""
        since = self._model.num_timesteps - self._since if self._stage else float("inf")
        ramp = min(1.0, since / self._config.ramp) if self._config.ramp else 1.0
        if isinstance(self._model, Learner):
            self._model.actor_rate = 0.0 if since < self._config.freeze else 1.0
            self._model.noise_scale = NOISE_AFTER_EXTENSION + (1.0 - NOISE_AFTER_EXTENSION) * ramp
        elif isinstance(self._model, PPO):
            self._model.target_kl = BOUNDED_KL if ramp < 1.0 else None


def _read_groups(path: Path, count: int) -> list[Grouping]:
    """Read the stages from CS3."""
    found = []
    for number, stage in enumerate(
        require_list(f"{path}: stages", read_json(path, 1, {"stages": list})["stages"], count)
    ):
        place = f"{path}: stages[{number}]"
        for text in require_list(place, stage):
            require_type(place, text, str)
        try:
            found.append(parse(stage, None))
        except ValueError as error:
            raise RunError(f"{place}: {error}") from error
    return found


def default_penalty(model: BaseAlgorithm) -> float:
    """Return the default weight of the penalty on new dimensions; docs/pead.md has the evidence.

    Critics overestimate new dimensions. DDPG and TD3 follow them fully, SAC less so, and PPO relies on
    sampled actions.
    """
    if isinstance(model, PPO):
        return 0.0
    return 0.5 if isinstance(model, SAC) else 2.0
