"""Deployment of a trained controller to a new part: trials in simulation, then bundle and page."""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from warnings import warn

from assembly_rl.controllers.bundles import Bundle, BundleController, Manifest, read_bundle
from assembly_rl.controllers.bundles.manifest import FORMAT, upgraded
from assembly_rl.controllers.serialization import to_mapping
from assembly_rl.controllers.validation import InputError, InputWarning
from assembly_rl.controllers.wrench import ToolConfig
from assembly_rl.deployment.parity import compare, make_golden, weighted
from assembly_rl.deployment.robustness import OTHER_ENGINE, response_of
from assembly_rl.deployment.writing import write_controller
from assembly_rl.envs import PegHole, TaskConfig, make_environment
from assembly_rl.envs.config import ComplianceConfig
from assembly_rl.evaluation import (
    HELD_OUT_SEED,
    LEANS_ON_ENGINE,
    Evaluator,
    LearnedPolicy,
    Scenario,
    Summary,
    summarize,
    wilson_interval,
)
from assembly_rl.evaluation.episodes import Row
from assembly_rl.reports.trace import plot_trace, record_episode
from assembly_rl.runs import RunError, folder_name
from assembly_rl.runs.files import writing
from assembly_rl.runs.folders import new_folder
from assembly_rl.training.results import write_rows

COMPARED = 10
"""Insertions in which the bundle's actions are compared with those of the trials."""

WORST = 3
"""Episodes that are drawn."""


@dataclass(frozen=True)
class Deployment:
    """Controller for a part, and how it did in its trials.

    Attributes:
        folder: Folder with bundle, page, rows and pictures.
        bundle: Bundle for the part.
        sha256: Hash of the bundle (hex).
        summaries: Engine -> summary of the trials.
        notes: Remarks on the trials, as on the page.
        pictures: Traces of the worst episodes, the worst one first.
    """

    folder: Path
    bundle: Path
    sha256: str
    summaries: dict[str, Summary]
    notes: list[str]
    pictures: list[Path]


def task_of(bundle: Bundle, task: TaskConfig) -> TaskConfig:
    """Return a task with the law, action, observation and rates of a bundle.

    Raises:
        ValueError: The bundle's law is not diagonal, or the task cannot have its settings.
    """
    own = bundle.manifest
    law = own.law.law()
    rows = {name: getattr(law, name) for name in ("mass", "damping", "stiffness")}
    if any(
        abs(matrix[i, j]) > 1e-12 for matrix in rows.values() for i in range(6) for j in range(6) if i != j
    ):
        raise InputError(
            f"the law of the controller {own.name!r} is not diagonal: it is for its own part only"
        )
    compliance = ComplianceConfig(
        **{name: matrix.diagonal().tolist() for name, matrix in rows.items()},
        check_contact=own.contact is not None,
    )
    config = own.insertion
    return replace(
        task,
        policy_rate=config.policy_rate,
        control_rate=config.control_rate,
        path=config.path,
        admittance=config.admittance,
        action=config.action,
        observation=config.observation,
        symmetry=config.symmetry,
        compliance=compliance,
    )


def engines_here(part: PegHole, task: TaskConfig) -> list[str]:
    """Return the engine of a task, and the other one if it is installed."""
    other = OTHER_ENGINE.get(task.physics.engine)
    if other is None:
        return [task.physics.engine]
    try:
        make_environment(part, _in_engine(task, other)).close()
    except InputError:
        return [task.physics.engine]
    return [task.physics.engine, other]


def _in_engine(task: TaskConfig, engine: str) -> TaskConfig:
    return replace(task, physics=task.physics.in_engine(engine))


def deploy(
    part: PegHole,
    task: TaskConfig,
    output: str | Path,
    *,
    source: str | Path = "generalist",
    episodes: int = 200,
    tool_mass: float = 0.0,
    centre_of_mass: Sequence[float] = (0.0, 0.0, 0.0),
    gravity: Sequence[float] = (0.0, 0.0, -9.81),
    soc: str = "Ascend310P3",
    processes: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> Deployment:
    """Try a controller on a part with a robot's response, and write its bundle, page and pictures.

    The trials are held-out episodes, in the engine of the task and in the other one if it is installed.

    Args:
        part: Part.
        task: Conditions of the trials: errors, friction, robot. The controller's own law, action, observation
            and rates take the place of the task's.
        output: New folder.
        source: Bundle of the controller: a file, or the name of one that comes with this package.
        episodes: Episodes in each engine.
        tool_mass: Mass of everything attached to the robot's sensor [kg]; 0 if the sensor compensates it.
        centre_of_mass: Centre of that mass in the flange frame [m].
        gravity: Gravity in the robot's base frame [m/s2].
        soc: Ascend chip in the command line of ``atc``.
        processes: Number of worker processes; by default one per core.
        progress: Function called with the number of episodes that are done since the call before.

    Raises:
        RunError: The output exists.
        ValueError: Bundle, part or task is refused.

    Warns:
        InputWarning: Lag or delay of the robot is beyond what the controller was trained with.
    """
    folder = Path(output)
    if os.path.lexists(folder):
        raise RunError(f"{folder} exists; nothing is overwritten: choose another output")
    bundle = read_bundle(source)
    task = task_of(bundle, task)
    policy = LearnedPolicy(bundle.policy)
    notes = _robot_notes(bundle, task)
    rows: dict[str, list[Row]] = {}
    with Evaluator(processes) as evaluator:
        for engine in engines_here(part, task):
            scenario = Scenario(part, _in_engine(task, engine))
            rows[engine] = []
            for chunk in evaluator.iterate(scenario, policy, episodes, HELD_OUT_SEED):
                rows[engine] += chunk
                if progress is not None:
                    progress(len(chunk))
    summaries = {engine: summarize(of) for engine, of in rows.items()}
    notes += _engine_notes(summaries)
    first = summaries[task.physics.engine]
    content = _content(bundle, part, task, notes, first)

    def described(mass: float) -> dict[str, Any]:
        tool = ToolConfig([0.0, 0.0, -part.peg_length], mass, list(centre_of_mass))
        return content | {"tool": asdict(tool), "gravity": list(gravity)}

    made = BundleController(Manifest.read(described(0.0)), bundle.policy)  # weightless as in simulation
    seeds = range(HELD_OUT_SEED, HELD_OUT_SEED + min(COMPARED, episodes))
    compare(part, task, policy, made, seeds)
    golden = make_golden(part, task, bundle.policy, made, HELD_OUT_SEED)
    final = described(tool_mass)
    golden = weighted(golden, Manifest.read(final), bundle.policy)
    name = folder_name(part.label)
    with writing(folder), new_folder(folder, "choose another output") as partial:
        written = write_controller(partial, name, final, bundle.policy, golden, task.observation, soc)
        write_rows(
            partial / "episodes.csv", [{"engine": engine} | row for engine, of in rows.items() for row in of]
        )
        pictures = _draw_worst(partial, part, task, policy, rows[task.physics.engine])
    return Deployment(
        folder=folder,
        bundle=folder / written.bundle.name,
        sha256=written.sha256,
        summaries=summaries,
        notes=notes,
        pictures=[folder / picture.name for picture in pictures],
    )


def _robot_notes(bundle: Bundle, task: TaskConfig) -> list[str]:
    """Warn of a robot that is slower than those of the training, and return that in words."""
    robot, known = response_of(task), bundle.manifest.response
    if known is None or (robot.lag[1] <= known.lag[1] and robot.delay[1] <= known.delay[1]):
        return []
    note = f"the robot's {robot.words()} is beyond what the controller was trained with, {known.words()}"
    warn(note, InputWarning, stacklevel=3)
    return [note]


def _engine_notes(summaries: dict[str, Summary]) -> list[str]:
    """Return the success in two engines in words."""
    if len(summaries) < 2:
        return []
    (one, first), (other, second) = summaries.items()
    leans = abs(first.success - second.success) > LEANS_ON_ENGINE
    return [
        f"{100 * first.success:.1f} % of {first.episodes} insertions succeed in {one}, "
        f"{100 * second.success:.1f} % in {other}{': this controller leans on the engine' if leans else ''}"
    ]


def _content(
    bundle: Bundle, part: PegHole, task: TaskConfig, notes: list[str], found: Summary
) -> dict[str, Any]:
    """Return the manifest of the bundle for the part, without tool and gravity."""
    successes = found.results.get("success", 0)
    evaluation = {
        "episodes": found.episodes, "successes": successes,
        "interval": list(wilson_interval(successes, found.episodes)),
        "task": "a part and seeds never seen in training", "first_seed": HELD_OUT_SEED,
        "response": asdict(response_of(task)), "notes": notes,
    }  # fmt: skip
    own = upgraded(bundle.content, bundle.manifest.format)
    return own | {
        "format": FORMAT,
        "name": folder_name(part.label),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "part": to_mapping({field.name: getattr(part, field.name) for field in fields(PegHole)}),
        "insertion": {**own["insertion"], "limits": to_mapping(asdict(task.limits))},
        "provenance": {
            **own["provenance"],
            "source": {"bundle": bundle.manifest.name, "sha256": bundle.sha256},
            "evaluation": evaluation,
        },
    }


def _draw_worst(
    folder: Path, part: PegHole, task: TaskConfig, policy: LearnedPolicy, rows: list[Row]
) -> list[Path]:
    """Draw the failures, then the successes with the largest forces, at most ``WORST`` of all."""
    worst = sorted(rows, key=lambda row: (row["success"], -row["peak_force"]))[:WORST]
    environment, drawn = make_environment(part, task), []
    try:
        for number, row in enumerate(worst, start=1):
            trace = record_episode(environment, policy, row["seed"], frames=False)
            drawn.append(folder / f"worst_{number}.png")
            plot_trace(trace, drawn[-1])
    finally:
        environment.close()
    return drawn
