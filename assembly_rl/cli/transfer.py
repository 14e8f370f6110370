"""assembly-rl-transfer: carry a learned controller over to a new part."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from assembly_rl.cli.command import as_list, command, console
from assembly_rl.cli.train import train
from assembly_rl.configuration.schema import TrainConfig, TransferCommandConfig, plain, train_config
from assembly_rl.controllers.serialization import from_mapping
from assembly_rl.envs import PegHole, PegInHoleEnv, TaskConfig
from assembly_rl.evaluation import (
    COMPARISON_SEED,
    HELD_OUT_SEED,
    Evaluator,
    LearnedPolicy,
    Scenario,
    best_validation,
    summarize,
)
from assembly_rl.evaluation.subjects import as_trained, load_agent
from assembly_rl.learners.actor import extract_actor
from assembly_rl.learners.config import OffPolicyConfig
from assembly_rl.methods.transfer.carry import Carried, carry_over, contact_distance, contact_stiffness, keep
from assembly_rl.methods.transfer.outcome import Step, change
from assembly_rl.methods.transfer.report import plot_transfer, source_table, transfer_table
from assembly_rl.runs import RunDirectory, RunError, read_rows, unused
from assembly_rl.runs.files import read_json, write_json

FORMAT = 1
PLAN, REPORT = "plan.json", "report.json"
MAIN = "transfer"
"""The arm that is the command's own; the others are there to compare it with."""
ARMS: dict[str, tuple[str, dict[str, Any] | None]] = {
    MAIN: ("transfer", {}),
    "wdpd": ("WDPD only", {"etcl": False}),
    "fine_tuning": (
        "plain fine-tuning",
        {
            "etcl": False,
            "weights": "none",
            "replay": False,
            "gradient_steps": 1,
            "actor_rate": 1.0,
            "averaged_over": 0,
        },
    ),
    "scratch": ("from scratch", None),
}
"""Folder of an arm -> its name, and what it changes; None to learn from nothing."""


def choose(paths: Sequence[str], part: PegHole, task: TaskConfig, output: Console) -> Carried:
    """The source whose contact is most like the new part's; says why.

    Raises:
        RunError: One of them is no run with a policy.
    """
    sources = [Carried.open(path) for path in paths]
    if len(sources) == 1:
        return sources[0]
    new = contact_stiffness(part, task)
    distances = [contact_distance(source, new) for source in sources]
    best = int(np.argmin(distances))
    output.print(source_table([str(source.run.path) for source in sources], distances, best))
    return sources[best]


def prepared(config: TransferCommandConfig, source: Carried, arm: str) -> tuple[TrainConfig, dict[str, Any]]:
    """What an arm trains, and what it rests on."""
    changed, algo = ARMS[arm][1], source.config.algo
    if changed is None and isinstance(algo, OffPolicyConfig):  # a short budget needs a short random start
        algo = replace(
            algo,
            learning_starts=min(algo.learning_starts, config.steps // 4),
            gradient_steps=config.transfer.gradient_steps,
        )
    task = config.task
    if changed is None:
        task = replace(as_trained(source.config.task, task), coordinates=None)
    run = None if changed is None else str(source.run.path)
    own = TrainConfig(
        geometry=config.geometry,
        task=task,
        algo=algo,
        method=source.student(),
        transfer=replace(config.transfer, run=run, **(changed or {})),
        seed=config.seed,
        steps=config.steps,
        evaluation=config.evaluation,
        checkpoint_every=max(1, config.steps // 2),
        device=config.device,
        pictures=False,
    )
    return carry_over(own) if run else (own, {})


def begin(config: TransferCommandConfig, folder: Path, source: Carried, output: Console) -> None:
    """Evaluate the source's controller as it is and with ETCL, and decide which of the two goes on."""
    part, task = config.geometry.part(), as_trained(source.config.task, config.task)
    own, content = prepared(config, source, MAIN)
    agent = LearnedPolicy(extract_actor(source.policy()))
    episodes = config.evaluation.held_out
    with Evaluator(config.processes) as evaluator:
        steps = [
            Step(name, samples, evaluator.evaluate(Scenario(part, of), agent, episodes, COMPARISON_SEED))
            for name, samples, of in (
                ("as it is", 0, task),
                ("ETCL", content["probing_steps"], own.task),
            )
        ]
    etcl = config.transfer.etcl and steps[1].summary.success >= steps[0].summary.success
    if config.transfer.etcl and not etcl:
        verdict, p = change(*steps)
        output.print(
            f"[yellow]ETCL is left out[/]: with it the controller inserts less ({verdict}, p = {p:.2g})"
        )
    folder.mkdir(parents=True)
    write_json(
        folder / PLAN,
        {
            "format": FORMAT,
            "command": sys.argv,
            "config": plain(config),
            "source": str(source.run.path),
            "etcl": etcl,
            "steps": [{"name": of.name, "samples": of.samples, "rows": of.rows} for of in steps],
        },
    )


def arm(
    config: TransferCommandConfig, folder: Path, source: Carried, name: str, output: Console
) -> RunDirectory:
    """Train one arm, or go on with it, or find it done."""
    path = folder / name
    if (path / "result.json").is_file():
        return RunDirectory.open(path)
    output.print(f"[bold]{ARMS[name][0]}[/]")
    if not (path / "run.json").is_file():
        own, content = prepared(config, source, name)
        run = RunDirectory.create(path, plain(own), sys.argv, config.seed)
        if content:
            keep(run, content)
    run = RunDirectory.open(path)
    train(train_config(run.config), run, any(run.checkpoints.glob("step_*")), output, config.processes)
    return run


def finish(config: TransferCommandConfig, folder: Path, source: Carried, output: Console) -> None:
    """Train what is still to be trained, choose, evaluate on held-out episodes, report."""
    plan = read_json(folder / PLAN, FORMAT)
    config = replace(config, transfer=replace(config.transfer, etcl=plan["etcl"]))
    names = list(ARMS) if config.compare else [MAIN]
    if not plan["etcl"]:  # then it is the transfer itself
        names = [name for name in names if name != "wdpd"]
    runs = {name: arm(config, folder, source, name, output) for name in names}
    part, run = config.geometry.part(), runs[MAIN]
    task, own = as_trained(source.config.task, config.task), train_config(run.config).task
    steps = [Step(**step) for step in plan["steps"]]
    if not plan["etcl"]:
        steps.pop()
    teacher, learned = LearnedPolicy(extract_actor(source.policy())), load_policy(run)
    with Evaluator(config.processes) as evaluator:
        rows = evaluator.evaluate(Scenario(part, own), learned, config.evaluation.held_out, COMPARISON_SEED)
        probing = read_json(run.path / "transfer.json", 1)["probing_steps"]
        steps.append(Step("WDPD and fine-tuning", probing + _kept_at(run), rows))
        choices = [(task, teacher), (own, teacher)][: len(steps) - 1] + [(own, learned)]
        best = max(range(len(steps)), key=lambda number: steps[number].score)
        scenario = Scenario(part, choices[best][0])
        final = summarize(
            evaluator.evaluate(scenario, choices[best][1], config.evaluation.held_out, HELD_OUT_SEED)
        )
    others = {ARMS[name][0]: json.loads((runs[name].path / "result.json").read_text()) for name in names[1:]}
    expected = _from_nothing(source.run, steps[-1].samples)
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
    output.print(transfer_table(steps, best, final, others))
    picture = folder / "figures" / "transfer.png"
    picture.parent.mkdir(exist_ok=True)
    plot_transfer(
        {ARMS[name][0]: _curve(of, probing) for name, of in runs.items()}, steps, picture, folder.name
    )
    where = source.run.path if best == 0 else run.path
    output.print(f"controller: [bold]{where}[/]  report: {folder / REPORT}  picture: {picture}")
    for name, known in others.items():
        if known["success"] > final.interval[1]:
            output.print(f"[yellow]negative transfer[/]: {name} inserts more at the same budget")
    if expected > final.interval[1]:
        output.print(
            f"[yellow]probably negative transfer[/]: on its own part the source had {expected:.0%} after as "
            "many steps from nothing; compare=true tries that here"
        )


def _curve(run: RunDirectory, probing: int) -> list[tuple[float, ...]]:
    """(Samples, success, low, high) of the validations of a run."""
    begun = probing if (run.path / "transfer.json").is_file() else 0
    return [
        (begun + int(row["step"]), row["success"], row["low"], row["high"])
        for row in read_rows(run.evaluations)
    ]


def _from_nothing(source: RunDirectory, steps: int) -> float:
    """Best validation of a source within its own first steps; 0 where it was not looked at so early."""
    early = [row["success"] for row in read_rows(source.evaluations) if row["step"] <= steps]
    return max(early, default=0.0)


def _kept_at(run: RunDirectory) -> int:
    """Step of the best policy."""
    return int(best_validation(read_rows(run.evaluations))["step"])


def _job(values: DictConfig) -> None:
    output = console()
    if values.resume is not None:
        others = [text for text in HydraConfig.get().overrides.task if not text.startswith("resume=")]
        if others:
            raise RunError(f"a resumed transfer keeps its configuration: remove {' '.join(others)}")
        folder = Path(values.resume)
        if not (folder / PLAN).is_file():
            raise RunError(f"{folder} is no transfer: it has no {PLAN}")
        plan = read_json(folder / PLAN, FORMAT)
        config = from_mapping(TransferCommandConfig, plan["config"])
        finish(config, folder, Carried.open(plan["source"]), output)
        return
    config = cast(TransferCommandConfig, OmegaConf.to_object(values))
    part = config.geometry.part()
    source = choose(as_list(config.source), part, config.task, output)
    PegInHoleEnv(part, as_trained(source.config.task, config.task)).close()
    choices = HydraConfig.get().runtime.choices
    label = "-".join((source.run.path.name, "to", choices["task"], choices["geometry"]))
    folder = Path(config.run_dir or unused(label))
    if folder.exists():
        raise RunError(f"{folder} exists: choose another run_dir, or go on with resume={folder}")
    begin(config, folder, source, output)
    finish(config, folder, source, output)


def main() -> None:
    """Entry point."""
    command("transfer", _job)


if __name__ == "__main__":
    main()
