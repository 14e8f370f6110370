"""Evaluate a controller on random parts that nothing was trained or chosen on: a row for each episode.

    python scripts/evaluate_parts.py generalist --parts 100 --episodes 10 --output rows.csv

The controller is a bundle (file, or name of a shipped one), the folder of a run, or the name of a tuned
baseline (``reflex_hard``). Parts are those of ``experiment=generalist`` with seeds from 1,000,000 on.
Finished rows are kept: the same command goes on where it was stopped. ``tabulate_parts.py`` makes tables.
"""

import argparse
import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf
from rich.console import Console
from rich.progress import Progress

from assembly_rl.configuration.composition import register
from assembly_rl.controllers.ceiling_config import CeilingConfig
from assembly_rl.controllers.insertion.symmetry import SymmetryConfig
from assembly_rl.controllers.se3 import quat_log
from assembly_rl.deployment.trials import TrainedController
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.conditions import draw_conditions
from assembly_rl.envs.library import make_task
from assembly_rl.evaluation import HELD_OUT_SEED, Evaluator, LearnedPolicy
from assembly_rl.evaluation.candidates import Candidate, ControllerConfig, as_trained, baseline
from assembly_rl.runs import RunDirectory
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.loading import load_policy, read_config

CONTROLLERS = Path(__file__).parent.parent / "conf" / "controller"
"""Folder of the hand-written controllers."""

BLOCK = 10
"""Parts between two writes of the file."""


def composed(*overrides: str) -> Any:
    """Return the configuration of ``assembly-rl-train`` with overrides."""
    register()
    with initialize_config_module("assembly_rl.conf", version_base="1.3"):
        return OmegaConf.to_object(compose("train", overrides=list(overrides)))


def candidate_of(name: str, task: TaskConfig) -> Candidate:
    """Return the controller of a bundle, run or baseline, in a task."""
    if Path(name).is_dir():
        run = RunDirectory.open(name)
        return Candidate(run.path.name, load_policy(run), as_trained(read_config(run).task, task))
    if (CONTROLLERS / f"{name}.yaml").is_file():
        return baseline(name, baseline_config(name), task)
    shipped = TrainedController.open(name)
    return Candidate(shipped.manifest.name, LearnedPolicy(shipped.policy), shipped.task(task))


def baseline_config(name: str) -> ControllerConfig:
    """Return a hand-written controller of conf/controller."""
    register()
    with initialize_config_module("assembly_rl.conf", version_base="1.3"):
        values = OmegaConf.to_container(compose(f"controller/{name}"))
    own = OmegaConf.to_object(OmegaConf.merge(ControllerConfig, _only(values)))
    assert isinstance(own, ControllerConfig)
    return own


def _only(values: Any) -> Any:
    """Return the innermost mapping that describes a controller."""
    while isinstance(values, dict) and "guidance" not in values:
        (values,) = values.values()
    return values


def in_conditions(task: TaskConfig, engine: str, lag: float | None, delay: float | None) -> TaskConfig:
    """Return a task in an engine, with a robot of a lag and a delay; None for the task's ranges."""
    response = task.robot.response
    if lag is not None:
        response = replace(response, lag=[lag] * 2)
    if delay is not None:
        response = replace(response, delay=[delay] * 2)
    return replace(task, physics=task.physics.in_engine(engine), robot=replace(task.robot, response=response))


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the settings with which a policy may act in place of those of its training."""
    parser.add_argument(
        "--symmetry", nargs=2, type=float, metavar=("AFTER", "EVERY"), help="of the policy's axes [s]"
    )
    parser.add_argument("--path-speed", type=float, help="of the nominal path [m/s]")
    parser.add_argument("--lateral-force", type=float, help="largest of an action [N]")
    parser.add_argument("--ceiling", type=float, help="of the contact force [N]")


def acting(task: TaskConfig, given: argparse.Namespace) -> TaskConfig:
    """Return a task with the settings that were given."""
    if given.symmetry:
        task = replace(task, symmetry=SymmetryConfig(*given.symmetry))
    if given.path_speed:
        task = replace(task, path=replace(task.path, speed=given.path_speed))
    if given.lateral_force:
        wrench = [given.lateral_force] * 2 + task.action.wrench[2:]
        task = replace(task, action=replace(task.action, wrench=wrench))
    if given.ceiling:
        task = replace(task, ceiling=CeilingConfig(force=given.ceiling))
    return task


def known(part: PegHole, task: TaskConfig, seed: int) -> dict[str, float]:
    """Return the conditions of an episode that its controller does not know."""
    rng = gymnasium.utils.seeding.np_random(seed)[0]
    drawn = draw_conditions(task.randomization, task.robot.response, [], rng)
    (x, y, _), (rx, ry, rz) = drawn.estimate_position, quat_log(drawn.estimate_rotation)
    return {
        "clearance": part.clearance,
        "chamfer": part.chamfer,
        "size": float(part.parameters.get("size", 0.0)),
        "friction": drawn.friction,
        "lag": drawn.response.lag,
        "delay": drawn.response.delay,
        "lateral_error": (x * x + y * y) ** 0.5,
        "tilt_error": (rx * rx + ry * ry) ** 0.5,
        "yaw_error": abs(rz),
    }


def rows_of(
    arguments: argparse.Namespace, done: set[tuple[str, ...]], evaluator: Evaluator
) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Yield the number of episodes of each block, and its rows; none for a block that is done."""
    config = composed("experiment=generalist", *arguments.override)
    assert isinstance(config, TrainConfig)
    config.parts.held_out = arguments.parts
    parts = config.parts.held_out_parts()
    base, _ = make_task(arguments.task)  # parts have chamfers of their own
    for engine in arguments.engines:
        for lag in arguments.lag:
            task = in_conditions(base, engine, lag, arguments.delay)
            candidate = candidate_of(arguments.controller, task)
            candidate = replace(candidate, task=acting(candidate.task, arguments))
            label = f"{arguments.task}, lag {'drawn' if lag is None else f'{1e3 * lag:g} ms'}"
            for start in range(0, len(parts), BLOCK):
                block = parts[start : start + BLOCK]
                count = len(block) * arguments.episodes
                if (candidate.name, label, engine, block[0].label) in done:
                    yield count, []
                    continue
                first = HELD_OUT_SEED + start * arguments.episodes
                rows = evaluator.evaluate_parts(
                    block, candidate.task, candidate.policy, arguments.episodes, first
                )
                labelled = {part.label: part for part in block}
                yield (
                    count,
                    [
                        {"controller": candidate.name, "condition": label, "engine": engine}
                        | row
                        | known(labelled[row["part"]], candidate.task, row["seed"])
                        for row in rows
                    ],
                )


def main() -> None:
    """Run the evaluation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("controller")
    parser.add_argument("--task", default="broad")
    parser.add_argument("--parts", type=int, default=100)
    parser.add_argument("--episodes", type=int, default=10, help="of each part")
    parser.add_argument("--engines", nargs="+", default=["bullet", "mujoco"])
    parser.add_argument("--lag", nargs="+", type=float, default=[None], help="[s]; by default drawn")
    parser.add_argument("--delay", type=float, default=None, help="[s]; by default drawn")
    parser.add_argument(
        "--override", nargs="+", default=[], help="of experiment=generalist: parts.size=[...]"
    )
    add_settings(parser)
    parser.add_argument("--processes", type=int, default=None)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    done: set[tuple[str, ...]] = set()
    if arguments.output.exists():
        with open(arguments.output, newline="", encoding="utf-8") as file:
            names = ("controller", "condition", "engine", "part")
            done = {tuple(row[name] for name in names) for row in csv.DictReader(file)}
    total = len(arguments.engines) * len(arguments.lag) * arguments.parts * arguments.episodes
    with Evaluator(arguments.processes) as evaluator, Progress(console=Console()) as progress:
        bar = progress.add_task("episodes", total=total)
        for count, rows in rows_of(arguments, done, evaluator):
            progress.advance(bar, count)
            if rows:
                new = not arguments.output.exists()
                with open(arguments.output, "a", newline="", encoding="utf-8") as file:
                    writer = csv.DictWriter(file, rows[0])
                    if new:
                        writer.writeheader()
                    writer.writerows(rows)


if __name__ == "__main__":
    main()
