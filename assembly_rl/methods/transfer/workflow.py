"""Workflow of a transfer: choose a source, reconfigure, distil, fine-tune, compare, report."""

import os
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from assembly_rl.controllers.serialization import from_mapping, to_mapping
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.evaluation import (
    COMPARISON_SEED,
    HELD_OUT_SEED,
    VALIDATION_SEED,
    Evaluator,
    LearnedPolicy,
    Scenario,
    Summary,
    best_validation,
    summarize,
)
from assembly_rl.evaluation.candidates import as_asked
from assembly_rl.learners.config import OffPolicyConfig
from assembly_rl.methods.transfer.comparison import Step, change
from assembly_rl.methods.transfer.config import TransferConfig
from assembly_rl.methods.transfer.contact import contact_distance, contact_stiffness
from assembly_rl.methods.transfer.method import FILE, Transfer, for_several_parts, read_transfer
from assembly_rl.methods.transfer.report import plot_transfer, source_table, transfer_table
from assembly_rl.methods.transfer.source import Source
from assembly_rl.methods.transfer.workflow_config import TransferWorkflowConfig
from assembly_rl.runs import FolderTaken, RunDirectory, RunError, first_unused, read_rows
from assembly_rl.runs.checks import refuse, require_count, require_list, require_names, require_number
from assembly_rl.runs.files import FULL, read_json, replacing, write_json, writing
from assembly_rl.runs.folders import new_folder, require_own_files
from assembly_rl.runs.lock import FolderLock
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.create import create_run, prepare
from assembly_rl.training.loading import load_policy, read_config
from assembly_rl.training.results import RESULT, read_result
from assembly_rl.training.trainer import train_run

FORMAT = 1
PLAN, REPORT = "plan.json", "report.json"
ROW = (
    "success", "result", "time", "reward", "peak_force", "force_p95", "peak_moment", "certificate_valid",
)  # fmt: skip
"""Columns of an episode that a comparison needs."""
MAIN = "transfer"
"""Main variant of the command, with which the others are compared."""
FINE_TUNING: dict[str, Any] = {
    "etcl": False,
    "weights": "none",
    "replay": False,
    "gradient_steps": 1,
    "actor_rate": 1.0,
    "averaged_over": 0,
}
"""Fields of ``TransferConfig`` for plain fine-tuning."""
VARIANTS: dict[str, tuple[str, dict[str, Any] | None]] = {
    MAIN: ("transfer", {}),
    "wdpd": ("WDPD only", {"etcl": False}),
    "fine_tuning": ("plain fine-tuning", FINE_TUNING),
    "scratch": ("from scratch", None),
}
"""Folder of a variant -> its name, and its changes to fields; None to learn from scratch."""


@dataclass(frozen=True)
class TransferResult:
    """Result of a transfer.

    Attributes:
        folder: Folder of the transfer.
        kept: Name of the step with the best controller.
        run: Run of the controller: that of the transfer, or the source if nothing was better.
        steps: Steps of the transfer, with the same episodes.
        held_out: Result of the controller on held-out episodes.
    """

    folder: Path
    kept: str
    run: RunDirectory
    steps: list[Step]
    held_out: Summary


def choose_source(paths: Sequence[str], part: PegHole, task: TaskConfig, console: Console) -> Source:
    """Choose the source whose contact is most similar to the new part's, and print the distances.

    Raises:
        RunError: A path is not a run with a policy.
        ValueError: One of several sources learned several parts.
    """
    sources = [Source.open(path) for path in paths]
    best = 0
    if len(sources) > 1:
        for source in sources:
            if source.several_parts:
                raise InputError(
                    f"{source.run.path.name} learned several parts, so that no contact of its own can be "
                    "compared: give it as the only source, or leave it out"
                )
        new = contact_stiffness(part, task)
        distances = [contact_distance(source, new) for source in sources]
        best = int(np.argmin(distances))
        console.print(source_table([str(source.run.path) for source in sources], distances, best))
    _warn_of_failure(sources[best].run, console)
    return sources[best]


def _warn_of_failure(run: RunDirectory, console: Console) -> None:
    """Warn of a source that has learned nothing yet."""
    if (run.path / RESULT).is_file():
        result = read_result(run.path)
        if result["success"] == 0.0:
            console.print(
                f"warning: {run.path} inserts in none of its {result['episodes']} held-out episodes, so "
                "there is little to transfer: train it on with assembly-rl-train "
                f"resume={run.path} steps=<more>",
                highlight=False,
                markup=False,
                style="yellow",
            )


def honouring(
    config: TransferWorkflowConfig, source: Source, console: Console, given: Collection[str] = ()
) -> TransferWorkflowConfig:
    """Return the configuration of a transfer whose task has the law, admittance, action and path asked for.

    What is not asked for is that of the source. With a law of the task's ETCL is left out.

    Args:
        config: Configuration of the transfer.
        source: Source.
        console: Console for messages.
        given: Keys of the task that were given, such as ``compliance.damping``.

    Raises:
        ValueError: The task asks for another observation, rate, symmetry or base than the source's.
    """
    task = as_asked(source.config.task, config.task, given)
    if task == source.task(config.task):
        return config
    if config.transfer.etcl and not source.several_parts:
        console.print("the settings of the task are kept as they were given, so ETCL is left out")
    return replace(config, task=task, transfer=replace(config.transfer, reconfigured=True, etcl=False))


def student_task(config: TransferWorkflowConfig, source: Source) -> TaskConfig:
    """Return the task in which the policy of the source acts, and is trained."""
    return config.task if config.transfer.reconfigured else source.task(config.task)


def variant_config(config: TransferWorkflowConfig, source: Source, name: str) -> TrainConfig:
    """Return the configuration of the training of a variant.

    Args:
        config: Configuration of the transfer.
        source: Source.
        name: Key of ``VARIANTS``.
    """
    changed, algo, task = VARIANTS[name][1], source.config.algo, config.task
    if isinstance(algo, OffPolicyConfig):  # there is one environment
        algo = replace(algo, overlapped=False, update_every=1)
    if changed is None:
        task = replace(student_task(config, source), coordinates=None)
        if isinstance(algo, OffPolicyConfig):  # a short budget needs few random actions
            algo = replace(algo, learning_starts=min(algo.learning_starts, config.steps // 4))
    run = None if changed is None else str(source.run.path)
    transfer = replace(config.transfer, run=run, **(changed or {}))
    if source.several_parts and changed is not None:
        transfer = for_several_parts(transfer)
    return TrainConfig(
        geometry=config.geometry,
        task=task,
        algo=algo,
        method=source.student_method(),
        transfer=transfer,
        seed=config.seed,
        steps=config.steps,
        evaluation=config.evaluation,
        checkpoint_every=max(1, config.steps // 2),
        device=config.device,
        pictures=False,
    )


def begin_transfer(
    config: TransferWorkflowConfig, folder: Path | None, label: str, source: Source, console: Console
) -> Path:
    """Evaluate the source's controller unchanged and with ETCL, and choose the better one for the transfer.

    Args:
        config: Configuration of the transfer.
        folder: New folder of the transfer; None for a new one under runs/.
        label: Name of the latter.
        source: Source.
        console: Console for messages.

    Returns:
        Folder of the transfer.

    Raises:
        FolderTaken: The folder exists.
        ValueError: Part, task or transfer cannot be used.
    """
    if folder is not None and os.path.lexists(folder):
        raise _taken(folder)
    part, task = config.geometry.part(), student_task(config, source)
    own = variant_config(config, source, MAIN)
    assert isinstance(own.transfer, TransferConfig)
    main, reconfigures = Transfer(own.transfer), own.transfer.etcl
    own = main.configure(own)
    candidates = [("as it is", 0, task)]
    if reconfigures:
        candidates.append(("ETCL", main.content["probing_steps"], own.task))
    elif config.transfer.etcl:
        console.print(
            f"{source.run.path.name} learned several parts: it has no contact of its own, so ETCL is left out"
        )
    policy = LearnedPolicy(source.actor().network())
    episodes = config.evaluation.held_out
    with Evaluator(config.processes) as evaluator:
        steps = [
            Step(name, samples, evaluator.evaluate(Scenario(part, of), policy, episodes, COMPARISON_SEED))
            for name, samples, of in candidates
        ]
    etcl = len(steps) > 1 and steps[1].summary.success >= steps[0].summary.success
    if len(steps) > 1 and not etcl:
        verdict, p = change(*steps)
        console.print(
            f"[yellow]ETCL is left out[/]: with it the controller inserts less ({verdict}, p = {p:.2g})"
        )
    plan = {
        "format": FORMAT,
        "command": sys.argv,
        "config": to_mapping(config),
        "source": str(source.run.path),
        "etcl": etcl,
        "steps": [{"name": of.name, "samples": of.samples, "rows": of.rows} for of in steps],
    }

    def make(path: Path) -> Path:
        if os.path.lexists(path):
            raise _taken(path)
        with new_folder(path, f"choose another run_dir, or go on with resume={path}") as new:
            write_json(new / PLAN, plan)
        return path

    return first_unused(label, make) if folder is None else make(folder)


def _taken(folder: Path) -> FolderTaken:
    return FolderTaken(f"{folder} exists: choose another run_dir, or go on with resume={folder}")


def finish_transfer(folder: Path, console: Console) -> TransferResult:
    """Train the remaining variants, choose the best step, evaluate it on held-out episodes, and report.

    Args:
        folder: Folder of a transfer that has begun.
        console: Console for progress and results.

    Raises:
        RunError: The folder is not a transfer, or files are missing or damaged.
        TrainingInterrupted: A signal ended a training; the same call resumes it.
    """
    if not (folder / PLAN).is_file():
        raise RunError(f"{folder} is no transfer: it has no {PLAN}")
    with FolderLock().holding(folder), writing(folder, FULL):
        require_own_files(folder)
        return _finish(folder, console)


def _finish(folder: Path, console: Console) -> TransferResult:
    plan = _read_plan(folder / PLAN)
    config, source = from_mapping(TransferWorkflowConfig, plan["config"]), Source.open(plan["source"])
    config = replace(config, transfer=replace(config.transfer, etcl=plan["etcl"]))
    names = list(VARIANTS) if config.compare else [MAIN]
    if not plan["etcl"]:  # then it equals the transfer
        names = [name for name in names if name != "wdpd"]
    runs = {name: _train_variant(config, folder, source, name, console) for name in names}
    part, run = config.geometry.part(), runs[MAIN]
    task, own = student_task(config, source), read_config(run).task
    steps = [Step(**step) for step in plan["steps"]]
    if not plan["etcl"]:
        del steps[1:]
    teacher, learned = LearnedPolicy(source.actor().network()), load_policy(run)
    with Evaluator(config.processes) as evaluator:
        rows = evaluator.evaluate(Scenario(part, own), learned, config.evaluation.held_out, COMPARISON_SEED)
        probing = read_transfer(run.path / FILE)["probing_steps"]
        kept_at = int(best_validation(_validations(run))["step"])
        steps.append(Step("WDPD and fine-tuning", probing + kept_at, rows))
        choices = [(task, teacher), (own, teacher)][: len(steps) - 1] + [(own, learned)]
        best = max(range(len(steps)), key=lambda number: steps[number].score)
        scenario = Scenario(part, choices[best][0])
        final = summarize(
            evaluator.evaluate(scenario, choices[best][1], config.evaluation.held_out, HELD_OUT_SEED)
        )
        unchanged = evaluator.evaluate(  # on the episodes of the curves in the picture
            Scenario(part, task), teacher, config.evaluation.episodes, VALIDATION_SEED
        )
    others = {VARIANTS[name][0]: read_result(runs[name].path) for name in names[1:]}
    expected = _success_from_scratch(source.run, steps[-1].samples)
    write_json(
        folder / REPORT,
        {
            "format": FORMAT,
            "kept": steps[best].name,
            "steps": [
                {"name": step.name, "samples": step.samples, **vars(step.summary)}
                | ({"change": change(before, step)} if before else {})
                for before, step in zip([None, *steps], steps, strict=False)
            ],
            "held_out": vars(final),
            "source_from_nothing": expected,
            "others": others,
        },
    )
    console.print(transfer_table(steps, best, final, others))
    picture = folder / "figures" / "transfer.png"
    with writing(picture):
        picture.parent.mkdir(exist_ok=True)
        with replacing(picture) as partial:
            curves = {VARIANTS[name][0]: _curve(of, probing) for name, of in runs.items()}
            plot_transfer(curves, summarize(unchanged), partial, folder.name)
    where = source.run if best == 0 else run
    console.print(f"controller: [bold]{where.path}[/]  report: {folder / REPORT}  picture: {picture}")
    for name, known in others.items():
        if known["success"] > final.interval[1]:
            console.print(f"[yellow]negative transfer[/]: {name} inserts more at the same budget")
    if expected > final.interval[1]:
        console.print(
            f"[yellow]probably negative transfer[/]: on its own part the source had {expected:.0%} after as "
            "many steps from scratch; compare=true tries that here"
        )
    return TransferResult(folder, steps[best].name, where, steps, final)


def _train_variant(
    config: TransferWorkflowConfig, folder: Path, source: Source, name: str, console: Console
) -> RunDirectory:
    """Train or resume a variant, unless it is done."""
    path = folder / name
    if (path / RESULT).is_file():
        return RunDirectory.open(path)
    console.print(f"[bold]{VARIANTS[name][0]}[/]")
    resume = (path / "run.json").is_file()
    if resume:
        run = RunDirectory.open(path)
    else:
        run = create_run(*prepare(variant_config(config, source, name)), path)
    train_run(run, read_config(run), resume=resume, console=console, processes=config.processes)
    return run


def _read_plan(path: Path) -> dict[str, Any]:
    """Read the plan of a transfer.

    Raises:
        RunError: The file is damaged.
    """
    plan = read_json(path, FORMAT, {"config": dict, "source": str, "etcl": bool, "steps": list})
    if len(plan["steps"]) not in ((2,) if plan["etcl"] else (1, 2)):
        raise refuse(f"{path}: steps", "two steps, or one without ETCL", plan["steps"])
    for number, step in enumerate(plan["steps"]):
        place = f"{path}: steps[{number}]"
        require_names(place, step, ("name", "samples", "rows"))
        require_count(f"{place}.samples", step["samples"])
        for row in require_list(f"{place}.rows", step["rows"]):
            require_names(f"{place}.rows", row, ROW, row)
            for name in ROW:
                if name != "result":
                    require_number(
                        f"{place}.rows {name}", float(row[name]) if row[name] in (0, 1) else row[name]
                    )
    return plan


def _curve(run: RunDirectory, probing: int) -> list[tuple[float, ...]]:
    """Return (samples, success, low, high) of the validations of a run."""
    begun = probing if (run.path / FILE).is_file() else 0
    return [(begun + int(row["step"]), row["success"], row["low"], row["high"]) for row in _validations(run)]


def _success_from_scratch(source: RunDirectory, steps: int) -> float:
    """Return the best validation success of a source within its first steps; 0 without a validation."""
    early = [row["success"] for row in _validations(source) if row["step"] <= steps]
    return max(early, default=0.0)


def _validations(run: RunDirectory) -> list[dict[str, Any]]:
    """Return the rows of the validations of a run."""
    return read_rows(run.evaluations, ("step", "success", "time", "low", "high"))
