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
    VALIDATION_SEED,
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

FORMAT = 1
FORECASTS = 100
"""Episodes of the forecast of each setting."""

Insert = Callable[[TaskConfig, int], Row]
"""Function of a setting's task and the number of an insertion that inserts once and returns its row."""


@dataclass(frozen=True)
class Budget:
    """Budget of insertions on the target, and the test that may end them earlier.

    Attributes:
        insertions: Largest number of insertions.
        level: Success that is asked for.
        confidence: Confidence with which it is to be reached.
    """

    insertions: int = 20
    level: float = 0.95
    confidence: float = 0.9


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
) -> Choice:
    """Forecast the settings of a controller for a target, insert within the budget, and choose one.

    The target is simulated in the engine of the task, the model in the other one if it is installed. The
    controller as it is comes first, and alone if it reaches the level there. After each insertion the
    file is written; a call with a file that is there goes on with it.

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

    Raises:
        RunError: The file is damaged, or of another target.
        ValueError: Level, confidence or the actions of the controller are refused.
    """
    test = SequentialTest(budget.level, budget.confidence)
    own = controller.task(stated)
    found = settings(part, trained, stated, own)
    policy = LearnedPolicy(controller.policy)
    target = _target(part, found, controller)
    state = _read(file, target) if file.is_file() else None
    if state is None:
        engine = engines_here(part, own)[-1]
        rows: list[list[Row]] = []
        for of in found:
            scenario = Scenario(part, replace(of.task, physics=of.task.physics.in_engine(engine)))
            rows.append(evaluator.evaluate(scenario, policy, FORECASTS, VALIDATION_SEED))
            if len(rows) == 1 and summarize(rows[0]).success >= budget.level:
                break  # as it is, it is good enough
        state = {"format": FORMAT, "target": target, "engine": engine, "forecasts": rows, "insertions": []}
        write_json(file, state)
    if state["engine"] == own.physics.engine:
        told(
            f"the model of the forecast is the target's own engine, {state['engine']}: install the other one"
        )
    arms = [Arm(of, rows) for of, rows in zip(found, state["forecasts"], strict=False)]
    for arm in arms:
        low, high = arm.summary.interval
        told(
            f"forecast in {state['engine']}, {arm.setting.name}: {100 * arm.summary.success:.0f} % "
            f"({100 * low:.0f} to {100 * high:.0f} %)"
        )
        for reason in arm.setting.reasons:
            told(f"  {reason}")
    done, kept = list(state["insertions"]), state["insertions"]

    def on_target(task: TaskConfig, number: int) -> Row:
        return evaluator.evaluate(Scenario(part, task), policy, 1, COMPARISON_SEED + number)[0]

    def inserted(arm: Arm, number: int) -> Row:
        if number < len(done):  # before an interruption
            row: Row = done[number]["row"]
        else:
            row = (insert or on_target)(arm.setting.task, number)
            kept.append({"setting": arm.setting.name, "row": row})
            write_json(file, state)
        told(f"insertion {number + 1}, {arm.setting.name}: {str(row['result']).replace('_', ' ')}")
        return row

    choice = choose(arms, test, budget.insertions, inserted)
    told(f"kept: {choice.kept.setting.name}; {choice.verdict}")
    return choice


def _target(part: PegHole, found: list[Setting], controller: TrainedController) -> dict[str, Any]:
    """Return controller, part and settings in types of JSON."""
    described: dict[str, Any] = {
        "controller": controller.origin,
        "part": to_mapping({entry.name: getattr(part, entry.name) for entry in fields(PegHole)}),
        "settings": {of.name: to_mapping(asdict(of.task)) for of in found},
    }
    read: dict[str, Any] = json.loads(json.dumps(described))
    return read


def _read(file: Path, target: dict[str, Any]) -> dict[str, Any]:
    """Read a file of forecast and insertions."""
    state = read_json(file, FORMAT, {"target": dict, "engine": str, "forecasts": list, "insertions": list})
    if state["target"] != target:
        raise RunError(f"{file} is of another part, controller or other conditions: choose another output")
    count = len(target["settings"])
    if not 1 <= len(state["forecasts"]) <= count:
        raise refuse(f"{file}: forecasts", f"1 to {count} lists of rows", state["forecasts"])
    rows = [row for of in state["forecasts"] for row in require_list(f"{file}: forecasts", of, FORECASTS)]
    for entry in state["insertions"]:
        require_names(f"{file}: insertions", entry, ("setting", "row"))
        rows.append(entry["row"])
    for row in rows:
        require_names(f"{file}: row", row, ("success", "result", "time"), row)
    return state
