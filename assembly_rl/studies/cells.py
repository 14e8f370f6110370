"""The cells of a study: what each trains or evaluates, and what makes it the same cell again."""

import ast
import hashlib
import json
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from omegaconf import OmegaConf

import assembly_rl
from assembly_rl import controllers, envs
from assembly_rl.cli.command import names
from assembly_rl.configuration.schema import (
    ControllerConfig,
    EvalConfig,
    GeometryConfig,
    TrainConfig,
    composed,
    plain,
    train_config,
    unknown,
)
from assembly_rl.envs import PegInHoleEnv
from assembly_rl.evaluation import HELD_OUT_SEED
from assembly_rl.methods.transfer.carry import source_digest
from assembly_rl.runs.directory import PACKAGES
from assembly_rl.studies.config import MethodConfig, StudyConfig
from assembly_rl.studies.tuning import PARAMETERS

PRESENTATION = ("cli", "deployment", "planner", "reports", "studies/pictures.py", "studies/report.py")
"""Places in assembly_rl that configure or show results; everything else makes them."""


SEED = "{seed}"
"""In an override of a method: the seed of the training."""


@dataclass(frozen=True)
class Tuning:
    """A search for the parameters of a baseline.

    Attributes:
        name: Of the result, as a choice of the group ``controller``.
        guidance: Which baseline.
        parts: All that one controller has to insert.
        rounds: See ``StudyConfig``.
    """

    name: str
    guidance: str
    parts: list[GeometryConfig]
    rounds: list[list[int]]


Subject = ControllerConfig | Tuning


@dataclass(frozen=True)
class Cell:
    """One training with its evaluation, one evaluation of a controller, or one tuning of it.

    Attributes:
        method: Its name; of one that learns, with the algorithm.
        condition: Its name in the study, geometry and clearance.
        seed: Of the training; None for a controller.
        config: Of the training; for a controller only part, task and number of episodes count.
        subject: The controller or the tuning, where nothing is learned.
        digest: Hash over configuration, evaluation episodes, code and package versions.
    """

    method: str
    condition: str
    seed: int | None
    config: TrainConfig
    subject: Subject | None
    digest: str

    @property
    def name(self) -> str:
        """Name of the cell's folder: readable, and another one for other code or configuration."""
        seed = "" if self.seed is None else f"_seed{self.seed}"
        readable = f"{self.method}_{self.condition}{seed}".replace(", ", "-").replace(" ", "")
        return f"{readable}_{self.digest[:10]}"

    def description(self) -> dict[str, Any]:
        """What the cell is, as JSON can hold it."""
        return {
            "format": 1,
            "method": self.method,
            "condition": self.condition,
            "seed": self.seed,
            "digest": self.digest,
            "config": plain(self.config),
            "subject": plain(self.subject),
            "held_out_seed": HELD_OUT_SEED,
            "code": code_digest(),
            "versions": versions(),
        }


def expand(study: StudyConfig) -> list[Cell]:
    """All cells of a study, the conditions outermost; every configuration is checked on the way.

    Raises:
        ValueError: An unknown name or a value that is refused, before anything runs.
    """
    conditions, methods = study.conditions.values(), study.methods.values()
    for group, known, chosen in (
        ("task", None, [condition.task for condition in conditions]),
        ("geometry", None, [name for condition in conditions for name in condition.geometries]),
        ("algo", None, study.algorithms),
        ("controller", None, [name for method in methods for name in method.controller.values()]),
        ("guidance", list(PARAMETERS), [method.tune for method in methods if method.tune is not None]),
    ):
        for name in chosen:
            if name not in (known or names(group)):
                raise ValueError(unknown(group, name, known or names(group)))
    cells = []
    for key, condition in study.conditions.items():
        parts = {
            f"{key}, {geometry}, {clearance * 1e3:g} mm": [
                f"task={condition.task}",
                f"geometry={geometry}",
                f"geometry.clearance={clearance!r}",
                *condition.overrides,
            ]
            for geometry in condition.geometries
            for clearance in condition.clearances
        }
        for name, method in study.methods.items():
            if method.tune is not None:
                cells.append(_tuning(study, name, method.tune, key, list(parts.values())))
        for label, common in parts.items():
            for name, method in study.methods.items():
                if method.tune is None:
                    cells += _of_method(study, name, method, method.controller.get(key), label, common)
    return cells


def _tuning(study: StudyConfig, name: str, guidance: str, key: str, parts: list[list[str]]) -> Cell:
    configs = [_configured(_budget(study), *common) for common in parts]
    for _, episodes in study.rounds:
        if episodes % len(parts):
            raise ValueError(f"{episodes} episodes of a round cannot be spread over {len(parts)} parts")
    result = guidance if key == "default" else f"{guidance}_{key}"
    tuning = Tuning(result, guidance, [config.geometry for config in configs], study.rounds)
    count = f"{len(parts)} parts" if len(parts) > 1 else configs[0].geometry.section
    return _cell(name, f"{key}, {count}", None, configs[0], tuning)


def _of_method(
    study: StudyConfig,
    name: str,
    method: MethodConfig,
    controller: str | None,
    condition: str,
    common: list[str],
) -> list[Cell]:
    if controller is not None:
        config = _configured(_budget(study), *common)
        return [_cell(name, condition, None, config, _controller(controller))]
    cells = []
    for algorithm in study.algorithms:
        label = name if len(study.algorithms) == 1 else f"{name}, {algorithm}"
        for seed in study.seeds:
            own = [text.replace(SEED, str(seed)) for text in method.overrides]
            config = _configured(_budget(study), *common, f"algo={algorithm}", *own)
            cells.append(_cell(label, condition, seed, replace(config, seed=seed), None))
    return cells


def _budget(study: StudyConfig) -> tuple[str, ...]:
    return (
        f"steps={study.steps}",
        f"evaluation.every={study.every}",
        f"evaluation.episodes={study.validation}",
        f"evaluation.held_out={study.episodes}",
        f"checkpoint_every={study.every}",
        "pictures=false",
    )


@lru_cache
def _configured(budget: tuple[str, ...], *overrides: str) -> TrainConfig:
    try:
        config = train_config(composed("train", *budget, *overrides))
    except HydraException as error:
        raise ValueError(f"the study's overrides {' '.join(overrides)}: {error}") from error
    PegInHoleEnv(config.geometry.part(), config.task).close()  # bad values are told before anything runs
    return config


@lru_cache
def _controller(name: str) -> ControllerConfig:
    config: EvalConfig = OmegaConf.to_object(composed("eval", f"controller=[{name}]"))  # type: ignore[assignment]
    return config.controller[name]


def _cell(
    method: str,
    condition: str,
    seed: int | None,
    config: TrainConfig,
    subject: Subject | None,
) -> Cell:
    content = [plain(config), plain(subject), HELD_OUT_SEED, code_digest(), versions()]
    if config.transfer.run is not None:
        content.append(source_digest(config.transfer.run))
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return Cell(method, condition, seed, config, subject, digest)


@lru_cache
def code_digest() -> str:
    """Hash over the code that makes results: simulation, control and learning, without comments and docs."""
    digest = hashlib.sha256()
    for package in (assembly_rl, envs, controllers):
        root = Path(package.__path__[0])
        for path in sorted(root.rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if package is assembly_rl and name.startswith((*PRESENTATION, "envs/", "controllers/", "conf/")):
                continue  # an installed assembly_rl holds the other packages
            digest.update(f"{package.__name__}/{name}\0{_syntax(path.read_bytes())}\0".encode())
    return digest.hexdigest()


def _syntax(source: bytes) -> str:
    """What a module does, whatever its comments, docstrings and line breaks."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:]
    return ast.dump(tree)


@lru_cache
def versions() -> dict[str, str]:
    """Versions of the packages that make results."""
    return {name: version(name) for name in PACKAGES}
