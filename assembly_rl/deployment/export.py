"""Export of a run's controller: a bundle, an ONNX file and a page for the robot engineer, all checked."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from warnings import warn

from assembly_rl.controllers.bundles import BundleController, Manifest
from assembly_rl.controllers.validation import InputWarning
from assembly_rl.controllers.wrench import ToolConfig
from assembly_rl.deployment.manifest import describe
from assembly_rl.deployment.parity import Comparison, compare, make_golden, weighted
from assembly_rl.deployment.robustness import for_robot, is_within, judge, judge_engine, response_of
from assembly_rl.deployment.writing import write_controller
from assembly_rl.envs import TaskConfig, make_environment
from assembly_rl.evaluation import HELD_OUT_SEED, LearnedPolicy, wilson_interval
from assembly_rl.runs import RunDirectory, RunError
from assembly_rl.runs.files import writing
from assembly_rl.runs.folders import new_folder
from assembly_rl.training.loading import load_actor, read_config


@dataclass(frozen=True)
class ExportedController:
    """Export of a run, and the result of its checks.

    Attributes:
        folder: Folder of the export.
        bundle: Bundle in it.
        sha256: Hash of the bundle (hex).
        episodes: Number of held-out insertions in which bundle and training stack were compared.
        successes: Number of these that the bundle completed.
        trained_successes: Number of these that the training stack completed.
        steps: Number of compared policy steps.
        action_difference: Largest difference of an action between the two.
        notes: Results for the lag and delay of a robot, a swapped law and the other engine, in words, as on
            the page.
        onnx: Result of the comparison with onnxruntime, in words.
        atc: Command line that converts the ONNX file for an Ascend chip.
    """

    folder: Path
    bundle: Path
    sha256: str
    episodes: int
    successes: int
    trained_successes: int
    steps: int
    action_difference: float
    notes: list[str]
    onnx: str
    atc: str


def export_run(
    run: str | Path,
    output: str | Path | None = None,
    *,
    episodes: int = 100,
    lag: float | None = None,
    delay: float | None = None,
    compliance: Mapping[str, Sequence[float]] | None = None,
    tool_mass: float = 0.0,
    centre_of_mass: Sequence[float] = (0.0, 0.0, 0.0),
    gravity: Sequence[float] = (0.0, 0.0, -9.81),
    soc: str = "Ascend310P3",
    progress: Callable[[], object] | None = None,
) -> ExportedController:
    """Export the best policy of a run, and check it: golden vectors, equal actions, onnxruntime.

    The insertions are repeated in the other engine, if it is installed; a difference is told, not refused.
    Lag and delay outside of the training's ranges are warned of. They are refused where too few insertions
    succeed, and so is another law with which significantly fewer succeed: see ``robustness.judge``.

    Args:
        run: Folder of the run.
        output: New folder of the export; by default ``export`` in the run's.
        episodes: Number of held-out insertions in which the bundle is compared with the training stack.
        lag: Lag of the robot that the bundle is for [s], with which these run; by default the training's.
        delay: Delay of that robot [s], likewise.
        compliance: Mass, damping or stiffness, six numbers each, of a law that replaces the training's.
        tool_mass: Mass of everything attached to the robot's sensor [kg]; 0 if the sensor compensates it.
        centre_of_mass: Centre of that mass in the flange frame [m].
        gravity: Gravity in the robot's base frame [m/s2].
        soc: Ascend chip in the command line of ``atc``.
        progress: Function called after each insertion; another engine, a law, or lag and delay outside of
            the training's ranges, need as many again.

    Raises:
        RunError: The run does not exist or has no policy yet, or the output exists.
        ValueError: The policy has an input that a robot does not measure, its actions differ from the
            training stack's or onnxruntime's, too few insertions succeed with lag, delay or law, or the
            packages of the extra ``export`` are missing.
    """
    source = RunDirectory.open(run)
    name = source.path.resolve().name
    folder = Path(output) if output else source.path / "export"
    if os.path.lexists(folder):
        raise RunError(f"{folder} exists; nothing is overwritten: choose another output")
    trained = read_config(source)
    part, own = trained.geometry.part(), trained.task
    task = for_robot(own, lag, delay, compliance or {})
    if not is_within(task, own):
        robot, known = response_of(task).words(), response_of(own).words()
        warn(
            f"the robot's {robot} is outside of what the policy was trained with: {known}",
            InputWarning,
            stacklevel=2,
        )
    make_environment(part, task).close()  # which refuses a law by name
    policy = load_actor(source).network()
    seeds = range(HELD_OUT_SEED, HELD_OUT_SEED + episodes)

    def described(task: TaskConfig, mass: float) -> dict[str, Any]:
        config = replace(trained, task=replace(own, compliance=task.compliance))
        tool = ToolConfig([0.0, 0.0, -part.peg_length], mass, list(centre_of_mass))
        return describe(source, config, policy, tool, gravity, {})

    def compared(task: TaskConfig) -> Comparison:
        return compare(part, task, LearnedPolicy(policy), made(task), seeds, progress)

    def made(task: TaskConfig) -> BundleController:
        return BundleController(Manifest.read(described(task, 0.0)), policy)  # weightless as in simulation

    found = compared(task)
    content = described(task, tool_mass)
    notes = judge(found, task, own, compared) + judge_engine(found, part, task, compared)
    content["provenance"]["evaluation"] = {
        "episodes": episodes, "successes": found.exported,
        "interval": list(wilson_interval(found.exported, episodes)),
        "task": "seeds never seen in training", "first_seed": HELD_OUT_SEED,
        "response": asdict(response_of(task)), "notes": notes,
    }  # fmt: skip
    golden = make_golden(part, task, policy, made(task), HELD_OUT_SEED)
    golden = weighted(golden, Manifest.read(content), policy)
    with writing(folder), new_folder(folder, "choose another output") as partial:
        written = write_controller(partial, name, content, policy, golden, task.observation, soc)
    return ExportedController(
        folder=folder,
        bundle=folder / written.bundle.name,
        sha256=written.sha256,
        episodes=episodes,
        successes=found.exported,
        trained_successes=found.trained,
        steps=found.steps,
        action_difference=found.error,
        notes=notes,
        onnx=written.onnx,
        atc=written.atc,
    )
