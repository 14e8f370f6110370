"""Forecast, and insertions on the target within a budget, with a file from which they go on."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from assembly_rl.controllers.serialization import to_mapping
from assembly_rl.deployment.insertions import Arm, Choice, choose
from assembly_rl.deployment.reconfiguration import Setting, settings
from assembly_rl.deployment.trials import TrainedController, engines_here
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.evaluation import (
    COMPARISON_SEED,
    FORECAST_SEED,
    Evaluator,
    LearnedPolicy,
    Scenario,
    SequentialTest,
    summarize,
)
from assembly_rl.evaluation.episodes import Row
from assembly_rl.runs import RunError
from assembly_rl.runs.checks import refuse, require_list, require_names
from assembly_rl.runs.files import read_json, write_json

FORMAT = 2
FORECASTS = 100
"""Episodes of the forecast of each setting."""

FINE_TUNED = "fine-tuned"
"""Name of the setting whose controller was trained on in the model."""

Tune = Callable[[TaskConfig], TrainedController]
"""Function of a task in the model that trains the controller on there, or reads what it has trained."""
Insert = Callable[[Arm, int], Row]
"""Function of a setting with its controller, and the number of an insertion, that inserts once; its row."""


@dataclass(frozen=True)
class Budget:
    """Budget of insertions on the target, and the test that may end them earlier.

    Attributes:
        insertions: Largest number of insertions.
        level: Success that is asked for.
        confidence: Confidence with which it is to be reached.
        fine_tune: Policy steps of a fine-tuning in the model; 0 for none.
    """

    insertions: int = 20
    level: float = 0.95
    confidence: float = 0.9
    fine_tune: int = 0


def spend(
    part: PegHole,
    trained: TaskConfig,
    stated: TaskConfig,
    controller: TrainedController,
    budget: Budget,
    file: Path,
    evaluator: Evaluator,
    told: Callable[[str], object],
    insert: Insert | None = None,
    tune: Tune | None = None,
) -> Choice:
    """Forecast the settings of a controller for a target, insert within the budget, and choose one.

    The target is simulated in the engine of the task, the model in the other one if it is installed. The
    controller as it is comes first, and alone if it reaches the level there. If it does not, nor does the
    interval of the best forecast, a fine-tuning trains the controller on in the model, in that setting. After
    each insertion the file is written; a call with a file that is there goes on with it.

    Args:
        part: Part.
        trained: Task of the controller's training.
        stated: Conditions of the target.
        controller: Controller.
        budget: Budget.
        file: File of the forecast and of the insertions.
        evaluator: Processes of the episodes.
        told: Function called with each line of the report: forecast, reasons, insertions.
        insert: Insertion on the target; by default an episode in the engine of the task.
        tune: Fine-tuning, of as many steps as the budget says.

    Raises:
        RunError: The file is damaged, or of another target.
        ValueError: Level, confidence or the actions of the controller are refused.
    """
    test = SequentialTest(budget.level, budget.confidence)
    own = controller.task(stated)
    found = settings(part, trained, stated, own)
    target = _target(part, found, controller, budget)
    state = _read(file, target) if file.is_file() else None
    engine = engines_here(part, own)[-1] if state is None else state["engine"]

    def forecast(setting: Setting, by: TrainedController) -> list[Row]:
        scenario = Scenario(part, _in_engine(setting.task, engine))
        return evaluator.evaluate(scenario, LearnedPolicy(by.policy), FORECASTS, FORECAST_SEED)

    if state is None:
        rows = [forecast(found[0], controller)]
        if summarize(rows[0]).success < budget.level:  # as it is, it is not good enough
            rows += [forecast(of, controller) for of in found[1:]]
        state = {"format": FORMAT, "target": target, "engine": engine, "forecasts": rows, "insertions": []}
        write_json(file, state)
    arms = [Arm(of, controller, rows) for of, rows in zip(found, state["forecasts"], strict=False)]
    best = max(arms, key=lambda arm: arm.summary.success)
    enough = arms[0].summary.success >= budget.level or best.summary.interval[0] >= budget.level
    if tune is not None and not enough:
        task, reasons = best.setting.task, best.setting.reasons
        by = tune(_in_engine(task, engine))
        tuned = Setting(FINE_TUNED, task, [*reasons, _said_of(budget.fine_tune, engine)])
        if len(state["forecasts"]) == len(found):
            state["forecasts"].append(forecast(tuned, by))
            write_json(file, state)
        arms.append(Arm(tuned, by, state["forecasts"][-1]))
    if state["engine"] == own.physics.engine:
        told(
            f"the model of the forecast is the target's own engine, {state['engine']}: install the other one"
        )
    for arm in arms:
        low, high = arm.summary.interval
        told(
            f"forecast in {state['engine']}, {arm.setting.name}: {100 * arm.summary.success:.0f} % "
            f"({100 * low:.0f} to {100 * high:.0f} %)"
        )
        for reason in arm.setting.reasons:
            told(f"  {reason}")
    done, kept = list(state["insertions"]), state["insertions"]

    def on_target(arm: Arm, number: int) -> Row:
        scenario, policy = Scenario(part, arm.setting.task), LearnedPolicy(arm.controller.policy)
        return evaluator.evaluate(scenario, policy, 1, COMPARISON_SEED + number)[0]

    def inserted(arm: Arm, number: int) -> Row:
        if number < len(done):  # before an interruption
            row: Row = done[number]["row"]
        else:
            row = (insert or on_target)(arm, number)
            kept.append({"setting": arm.setting.name, "row": row})
            write_json(file, state)
        told(f"insertion {number + 1}, {arm.setting.name}: {str(row['result']).replace('_', ' ')}")
        return row

    choice = choose(arms, test, budget.insertions, inserted)
    told(f"kept: {choice.kept.setting.name}; {choice.verdict}")
    return choice


def _in_engine(task: TaskConfig, engine: str) -> TaskConfig:
    return replace(task, physics=task.physics.in_engine(engine))


def _said_of(steps: int, engine: str) -> str:
    """Return the reason of a fine-tuning in words."""
    return f"its policy was trained on for {steps:,} steps in the model of these conditions, in {engine}"


def _target(
    part: PegHole, found: list[Setting], controller: TrainedController, budget: Budget
) -> dict[str, Any]:
    """Return controller, part, settings and steps of the fine-tuning in types of JSON."""
    described: dict[str, Any] = {
        "controller": controller.origin,
        "part": to_mapping({entry.name: getattr(part, entry.name) for entry in fields(PegHole)}),
        "settings": {of.name: to_mapping(asdict(of.task)) for of in found},
        "fine_tune": budget.fine_tune,
    }
    read: dict[str, Any] = json.loads(json.dumps(described))
    return read


def _read(file: Path, target: dict[str, Any]) -> dict[str, Any]:
    """Read a file of forecast and insertions."""
    state = read_json(file, FORMAT, {"target": dict, "engine": str, "forecasts": list, "insertions": list})
    if state["target"] != target:
        raise RunError(f"{file} is of another part, controller or other conditions: choose another output")
    count = len(target["settings"]) + (target["fine_tune"] > 0)
    if not 1 <= len(state["forecasts"]) <= count:
        raise refuse(f"{file}: forecasts", f"1 to {count} lists of rows", state["forecasts"])
    rows = [row for of in state["forecasts"] for row in require_list(f"{file}: forecasts", of, FORECASTS)]
    for entry in state["insertions"]:
        require_names(f"{file}: insertions", entry, ("setting", "row"))
        rows.append(entry["row"])
    for row in rows:
        require_names(f"{file}: row", row, ("success", "result", "time"), row)
    return state
