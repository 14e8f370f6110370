"""Cells of a study: a training, the evaluation of a controller, or the tuning of one."""

import hashlib
import json
import shlex
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from rich.console import Console

from assembly_rl.accelerators.processes import INTERRUPTED
from assembly_rl.controllers.serialization import to_mapping
from assembly_rl.envs.geometry.config import GeometryConfig
from assembly_rl.evaluation import HELD_OUT_SEED, Evaluator, Scenario, summarize
from assembly_rl.evaluation.candidates import ControllerConfig, baseline
from assembly_rl.runs import RunDirectory, read_rows
from assembly_rl.runs.files import write_bytes, write_json, writing
from assembly_rl.studies.digest import code_digest, versions
from assembly_rl.studies.tuning import TRIALS, controller_yaml, tune
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.create import create_run, prepare
from assembly_rl.training.loading import read_config
from assembly_rl.training.results import write_result
from assembly_rl.training.trainer import TrainingInterrupted, train_run

Kind = TypeVar("Kind", bound="Cell")

EPISODE_STEPS = 50
"""Policy steps by which an episode is weighted in the progress of a study."""


@dataclass(frozen=True)
class Cell(ABC):
    """Part of a study that runs independently and produces one result.

    Attributes:
        method: Name of the method, for a training with the algorithm if the study has several.
        condition: Name of the condition in the study, with geometry and clearance.
        config: Configuration of the training; a controller uses only part, task and number of episodes.
        digest: Hash over configuration, evaluation episodes, code and package versions (hex).
    """

    method: str
    condition: str
    config: TrainConfig
    digest: str

    learns: ClassVar[bool] = False
    """True if the cell is a training."""

    @property
    def seed(self) -> int | None:
        """Seed of the training; None for a controller."""
        return None

    @property
    def name(self) -> str:
        """Name of the cell's folder, which depends on code and configuration."""
        seed = "" if self.seed is None else f"_seed{self.seed}"
        readable = f"{self.method}_{self.condition}{seed}".replace(", ", "-").replace(" ", "")
        return f"{readable}_{self.digest[:10]}"

    @property
    @abstractmethod
    def steps(self) -> int:
        """Policy steps of the whole cell, for its progress; an episode has the weight ``EPISODE_STEPS``."""

    @abstractmethod
    def completed_steps(self, home: Path) -> int:
        """Return the policy steps of a running cell, from the files in its folder."""

    @abstractmethod
    def run(self, home: Path, console: Console) -> None:
        """Run the cell to its end, or resume it.

        Args:
            home: Folder of the cell.
            console: Console for the output of a training.
        """

    def description(self) -> dict[str, Any]:
        """Return all properties that identify the cell, in types of JSON."""
        own = {field.name: to_mapping(getattr(self, field.name)) for field in fields(self)}
        return {
            "format": 2,
            "kind": type(self).__name__,
            **own,
            "seed": self.seed,
            "held_out_seed": HELD_OUT_SEED,
            "code": code_digest(),
            "versions": versions(),
        }


@dataclass(frozen=True)
class TrainingCell(Cell):
    """Training with its evaluation; its folder is the run directory."""

    learns: ClassVar[bool] = True

    @property
    def seed(self) -> int:
        """Seed of the training."""
        return self.config.seed

    @property
    def steps(self) -> int:
        """Policy steps of training and evaluation."""
        return self.config.steps + EPISODE_STEPS * self.config.evaluation.held_out

    def completed_steps(self, home: Path) -> int:
        """Return the step of the latest validation."""
        rows = _rows_so_far(home / "evaluations.csv")
        return int(rows[-1]["step"]) if rows else 0

    def run(self, home: Path, console: Console) -> None:
        """Train and evaluate; see ``Cell.run``."""
        resume = (home / "run.json").is_file()
        run = RunDirectory.open(home) if resume else create_run(*prepare(self.config), home)
        try:
            with run.claimed():
                write_json(home / "cell.json", self.description())
                train_run(run, read_config(run), resume=resume, console=console, processes=1)
        except TrainingInterrupted:
            raise SystemExit(INTERRUPTED) from None


@dataclass(frozen=True)
class ControllerCell(Cell):
    """Evaluation of a controller that does not learn."""

    @property
    def steps(self) -> int:
        """Policy steps of the evaluation."""
        return EPISODE_STEPS * len(self._parts()) * self.config.evaluation.held_out

    def completed_steps(self, home: Path) -> int:
        """Return 0: an evaluation writes its episodes at its end."""
        return 0

    def run(self, home: Path, console: Console) -> None:
        """Evaluate the controller on the held-out episodes of all parts; see ``Cell.run``."""
        with writing(home):
            home.mkdir(exist_ok=True)
        write_json(home / "cell.json", self.description())
        rows = []
        with Evaluator(1) as evaluator:
            candidate = baseline(self.method, self._controller(home, evaluator), self.config.task)
            for part in self._parts():
                scenario = Scenario(part.part(), candidate.task)
                episodes = self.config.evaluation.held_out
                rows += evaluator.evaluate(scenario, candidate.policy, episodes, HELD_OUT_SEED)
        write_result(home, rows, summarize(rows))

    def _parts(self) -> list[GeometryConfig]:
        """Parts that the controller has to insert."""
        return [self.config.geometry]

    @abstractmethod
    def _controller(self, home: Path, evaluator: Evaluator) -> ControllerConfig:
        """Return the controller that is evaluated."""


@dataclass(frozen=True)
class EvaluationCell(ControllerCell):
    """Evaluation of a given controller.

    Attributes:
        controller: Controller that is evaluated.
    """

    controller: ControllerConfig

    def _controller(self, home: Path, evaluator: Evaluator) -> ControllerConfig:
        return self.controller


@dataclass(frozen=True)
class TuningCell(ControllerCell):
    """Search for the parameters of a controller, and the evaluation of the best ones.

    Attributes:
        result: Name of the tuned controller, as a choice of the group ``controller``.
        guidance: Name of the guidance that is tuned.
        parts: Parts that the same controller has to insert.
        rounds: Rounds of the search; see ``StudyConfig``.
    """

    result: str
    guidance: str
    parts: list[GeometryConfig]
    rounds: list[list[int]]

    @property
    def steps(self) -> int:
        """Policy steps of search and evaluation."""
        return super().steps + EPISODE_STEPS * sum(count * episodes for count, episodes in self.rounds)

    def completed_steps(self, home: Path) -> int:
        """Return the policy steps of the candidates that have been evaluated."""
        episodes = [episodes for count, episodes in self.rounds for _ in range(count)]
        return EPISODE_STEPS * sum(episodes[: len(_rows_so_far(home / TRIALS))])

    def _parts(self) -> list[GeometryConfig]:
        return self.parts

    def _controller(self, home: Path, evaluator: Evaluator) -> ControllerConfig:
        """Tune the controller, and write the result as a file for conf/controller."""
        scenarios = [Scenario(part.part(), self.config.task) for part in self.parts]
        best = tune(home, self.guidance, scenarios, self.rounds, evaluator)
        budget = ", ".join(f"{count} x {episodes}" for count, episodes in self.rounds)
        head = [f"Tuned by: {shlex.join(study_command(sys.argv[1:]))}", f"Candidates x episodes: {budget}"]
        write_bytes(home / f"{self.result}.yaml", controller_yaml(self.result, best, head).encode())
        return best


def make_cell(kind: type[Kind], method: str, condition: str, config: TrainConfig, **own: Any) -> Kind:
    """Create a cell with its digest.

    Args:
        kind: Class of the cell.
        method: Name of the method.
        condition: Name of the condition.
        config: Configuration of the training.
        own: Fields of the class in addition to those of ``Cell``.

    Raises:
        RunError: The source run of the training has no policy.
    """
    content = [kind.__name__, to_mapping(config), to_mapping(own), HELD_OUT_SEED, code_digest(), versions()]
    content += [digest for of in (config.transfer, config.method) if (digest := of.sources_digest())]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return kind(method, condition, config, digest, **own)


def study_command(overrides: Sequence[str]) -> list[str]:
    """Return the command line of a study, without overrides that do not affect results."""
    silent = ("output=", "processes=", "cell=", "-m", "--multirun", "hydra/", "hydra.")
    return ["assembly-rl-benchmark", *(text for text in overrides if not text.startswith(silent))]


def _rows_so_far(path: Path) -> list[dict[str, Any]]:
    return read_rows(path) if path.is_file() else []
