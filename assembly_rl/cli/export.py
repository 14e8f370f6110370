"""assembly-rl-export: a run's controller as a bundle, an ONNX file and a page for the robot engineer."""

import shutil
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from assembly_rl.cli.command import command, console
from assembly_rl.configuration.schema import ExportConfig, train_config
from assembly_rl.controllers.bundles import BundleController, Manifest, load_bundle, write_bundle
from assembly_rl.controllers.insertion import ObservationConfig
from assembly_rl.controllers.mlp import MLP
from assembly_rl.deployment.manifest import describe
from assembly_rl.deployment.onnx import TOLERANCE, atc_command, parity, write_onnx
from assembly_rl.deployment.page import page
from assembly_rl.deployment.parity import compare, make_golden, weighted
from assembly_rl.evaluation import LearnedAgent
from assembly_rl.evaluation.episodes import HELD_OUT_SEED
from assembly_rl.evaluation.subjects import load_best
from assembly_rl.evaluation.summary import wilson_interval
from assembly_rl.learners import extract_actor
from assembly_rl.runs import RunDirectory, RunError
from assembly_rl.runs.files import publish


def export(config: ExportConfig, console: Console) -> Path:
    """Write the export of a run and check it: golden vectors, the same actions, onnxruntime.

    Returns:
        Its folder.

    Raises:
        RunError: No such run, or the folder exists; nothing is overwritten.
        ValueError: The policy sees what a robot does not measure.
    """
    run = RunDirectory.open(config.run)
    if not run.best.is_dir():
        raise RunError(f"{run.path} has no best policy yet: let its training come to a validation")
    name = run.path.resolve().name
    output = Path(config.output) if config.output else run.path / "export"
    if output.exists():
        raise RunError(f"{output} exists; nothing is overwritten: choose another output")
    trained = train_config(run.config)
    part, task = trained.geometry.part(), trained.task
    policy = extract_actor(load_best(run))
    nothing = {"episodes": 0, "successes": 0, "interval": [0.0, 1.0]}
    content = describe(run, trained, policy, config, nothing)
    weightless = content | {"tool": content["tool"] | {"mass": 0.0}}  # as in the simulation
    controller = BundleController(Manifest.read(weightless), policy)
    columns = TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        row = bar.add_task("insertions with training stack and bundle", total=config.episodes)
        seeds = range(HELD_OUT_SEED, HELD_OUT_SEED + config.episodes)
        same = compare(part, task, LearnedAgent(policy), controller, seeds, lambda: bar.advance(row))
    interval = wilson_interval(same.exported, config.episodes)
    content["provenance"]["evaluation"] = {
        "episodes": config.episodes, "successes": same.exported, "interval": list(interval),
        "task": "as trained, seeds never seen in training", "first_seed": HELD_OUT_SEED,
    }  # fmt: skip
    golden = make_golden(part, task, policy, controller, HELD_OUT_SEED)
    golden = weighted(golden, Manifest.read(content), policy)
    partial = output.with_name(f".{output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        bundle = partial / f"{name}.bundle"
        digest = write_bundle(bundle, content, policy, golden)
        load_bundle(bundle)
        atc = atc_command(task.observation, config.soc)
        onnx = _onnx(partial / "policy.onnx", policy, task.observation)
        (partial / "atc.sh").write_text(f"#!/bin/sh\n# Run in this folder, on a machine with CANN.\n{atc}\n")
        (partial / "README.md").write_text(page(Manifest.read(content), digest, onnx, atc), encoding="utf-8")
        publish(partial, output)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    console.print(
        f"{same.exported} of {config.episodes} insertions succeed with the bundle, {same.trained} with the "
        f"training stack; largest difference of an action over {same.steps} steps: {same.error:.1g}"
    )
    console.print(f"policy.onnx: {onnx}")
    console.print(f"for Ascend: {atc}")
    for path in sorted(output.iterdir()):
        console.print(f"  {path}")
    return output


def _onnx(path: Path, policy: MLP, observation: ObservationConfig) -> str:
    """Write and compare; what came out, for people."""
    try:
        write_onnx(path, policy, observation)
        worst = parity(path, policy, observation)
    except ImportError as error:
        raise ValueError(f"{error.name} is missing: pip install 'assembly_rl[export]'") from None
    return f"onnxruntime differs by {worst:.1g} at most (allowed {TOLERANCE:g})"


def _job(values: DictConfig) -> None:
    config: ExportConfig = OmegaConf.to_object(values)  # type: ignore[assignment]
    export(config, console())


def main() -> None:
    """Entry point."""
    command("export", _job)


if __name__ == "__main__":
    main()
