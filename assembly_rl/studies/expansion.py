"""Expansion of a study into its cells."""

from dataclasses import replace
from functools import lru_cache

from assembly_rl.configuration.composition import choices, train_config
from assembly_rl.configuration.library import load_controller
from assembly_rl.controllers.validation import InputError, unknown
from assembly_rl.envs import make_environment
from assembly_rl.studies.cells import Cell, EvaluationCell, TrainingCell, TuningCell, make_cell
from assembly_rl.studies.config import ComparedMethodConfig, ConditionConfig, StudyConfig
from assembly_rl.studies.tuning import PARAMETERS
from assembly_rl.training.config import TrainConfig

SEED = "{seed}"
"""Placeholder for the seed of the training in an override of a method."""


def expand(study: StudyConfig) -> list[Cell]:
    """List all cells of a study, with conditions in the outer loop, and check every configuration.

    Raises:
        ValueError: A name is unknown or a value is refused; nothing has run yet.
    """
    _check_names(study)
    cells: list[Cell] = []
    for key, condition in study.conditions.items():
        parts = _overrides_by_part(key, condition)
        for name, method in study.methods.items():
            if method.tune is not None:
                cells.append(_tuning_cell(study, name, method.tune, key, list(parts.values())))
        for label, overrides in parts.items():
            for name, method in study.methods.items():
                if method.controller:
                    config = _configured(_budget(study), *overrides)
                    controller = load_controller(method.controller[key])
                    cells.append(make_cell(EvaluationCell, name, label, config, controller=controller))
                elif method.tune is None:
                    cells += _training_cells(study, name, method, label, overrides)
    return cells


def _check_names(study: StudyConfig) -> None:
    conditions, methods = study.conditions.values(), study.methods.values()
    for group, known, chosen in (
        ("task", choices("task"), [condition.task for condition in conditions]),
        (
            "geometry",
            choices("geometry"),
            [name for condition in conditions for name in condition.geometries],
        ),
        ("algo", choices("algo"), study.algorithms),
        ("controller", choices("controller"), [name for of in methods for name in of.controller.values()]),
        ("guidance", list(PARAMETERS), [method.tune for method in methods if method.tune is not None]),
    ):
        for name in chosen:
            if name not in known:
                raise InputError(unknown(group, name, known))


def _overrides_by_part(key: str, condition: ConditionConfig) -> dict[str, list[str]]:
    """Return name of each part under a condition -> overrides of ``assembly-rl-train``."""
    return {
        f"{key}, {geometry}, {clearance * 1e3:g} mm": [
            f"task={condition.task}",
            f"geometry={geometry}",
            f"geometry.clearance={clearance!r}",
            *condition.overrides,
        ]
        for geometry in condition.geometries
        for clearance in condition.clearances
    }


def _tuning_cell(
    study: StudyConfig, name: str, guidance: str, key: str, overrides_of_parts: list[list[str]]
) -> TuningCell:
    configs = [_configured(_budget(study), *overrides) for overrides in overrides_of_parts]
    for _, episodes in study.rounds:
        if episodes % len(configs):
            raise InputError(f"{episodes} episodes of a round cannot be spread over {len(configs)} parts")
    count = f"{len(configs)} parts" if len(configs) > 1 else configs[0].geometry.label
    return make_cell(
        TuningCell,
        name,
        f"{key}, {count}",
        configs[0],
        result=guidance if key == "default" else f"{guidance}_{key}",
        guidance=guidance,
        parts=[config.geometry for config in configs],
        rounds=study.rounds,
    )


def _training_cells(
    study: StudyConfig, name: str, method: ComparedMethodConfig, condition: str, overrides: list[str]
) -> list[TrainingCell]:
    """Return the trainings of a method with each algorithm and each seed."""
    cells = []
    for algorithm in study.algorithms:
        label = name if len(study.algorithms) == 1 else f"{name}, {algorithm}"
        for seed in study.seeds:
            own = [text.replace(SEED, str(seed)) for text in method.overrides]
            config = _configured(_budget(study), *overrides, f"algo={algorithm}", *own)
            cells.append(make_cell(TrainingCell, label, condition, replace(config, seed=seed)))
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
        config = train_config(*budget, *overrides)
    except InputError as error:
        raise InputError(f"the study's overrides {' '.join(overrides)}: {error}") from error
    make_environment(config.geometry.part(), config.task).close()  # bad values are told before anything runs
    return config
