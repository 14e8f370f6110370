"""Bundle, page and pictures of a trained controller for a new part, after its trials there."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assembly_rl.controllers.bundles import BundleController, Manifest
from assembly_rl.controllers.bundles.manifest import FORMAT
from assembly_rl.controllers.serialization import to_mapping
from assembly_rl.controllers.wrench import ToolConfig
from assembly_rl.deployment.manifest import insertion_of
from assembly_rl.deployment.parity import compare, make_golden, weighted
from assembly_rl.deployment.robustness import LAW, response_of
from assembly_rl.deployment.trials import Trials
from assembly_rl.deployment.writing import write_controller
from assembly_rl.envs import PegHole, make_environment
from assembly_rl.evaluation import HELD_OUT_SEED, LearnedPolicy, wilson_interval
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
    """Controller for a part.

    Attributes:
        folder: Folder with bundle, page, rows and pictures.
        bundle: Bundle for the part.
        sha256: Hash of the bundle (hex).
        trials: Trials of the controller.
        pictures: Traces of the worst episodes, the worst one first.
    """

    folder: Path
    bundle: Path
    sha256: str
    trials: Trials
    pictures: list[Path]


def require_new(output: str | Path) -> None:
    """Raise a RunError if an output exists."""
    if os.path.lexists(output):
        raise RunError(f"{output} exists; nothing is overwritten: choose another output")


def write_deployment(
    trials: Trials,
    output: str | Path,
    *,
    before: Trials | None = None,
    tool_mass: float = 0.0,
    centre_of_mass: Sequence[float] = (0.0, 0.0, 0.0),
    gravity: Sequence[float] = (0.0, 0.0, -9.81),
    soc: str = "Ascend310P3",
) -> Deployment:
    """Write bundle, page and pictures of a controller for the part on which it was tried.

    Args:
        trials: Trials of the controller.
        output: New folder.
        before: Trials before a fine-tuning or in another setting, whose rows are written, too.
        tool_mass: Mass of everything attached to the robot's sensor [kg]; 0 if the sensor compensates it.
        centre_of_mass: Centre of that mass in the flange frame [m].
        gravity: Gravity in the robot's base frame [m/s2].
        soc: Ascend chip in the command line of ``atc``.

    Raises:
        RunError: The output exists.
        ValueError: Tool or gravity is refused.
    """
    folder = Path(output)
    require_new(folder)
    part, task, network = trials.part, trials.task, trials.controller.policy
    policy = LearnedPolicy(network)
    content = _content(trials)

    def described(mass: float) -> dict[str, Any]:
        tool = ToolConfig([0.0, 0.0, -part.peg_length], mass, list(centre_of_mass))
        return content | {"tool": asdict(tool), "gravity": list(gravity)}

    rows = trials.rows[task.physics.engine]
    made = BundleController(Manifest.read(described(0.0)), network)  # weightless as in simulation
    seeds = range(HELD_OUT_SEED, HELD_OUT_SEED + min(COMPARED, len(rows)))
    compare(part, task, policy, made, seeds)
    golden = make_golden(part, task, network, made, HELD_OUT_SEED)
    final = described(tool_mass)
    golden = weighted(golden, Manifest.read(final), network)
    name = folder_name(part.label)
    with writing(folder), new_folder(folder, "choose another output") as partial:
        written = write_controller(partial, name, final, network, golden, task.observation, soc)
        for file, of in (("episodes.csv", trials), ("episodes_before.csv", before)):
            if of is not None:
                write_rows(
                    partial / file,
                    [{"engine": engine} | row for engine, those in of.rows.items() for row in those],
                )
        pictures = _draw_worst(partial, trials, policy)
    return Deployment(
        folder=folder,
        bundle=folder / written.bundle.name,
        sha256=written.sha256,
        trials=trials,
        pictures=[folder / picture.name for picture in pictures],
    )


def _content(trials: Trials) -> dict[str, Any]:
    """Return the manifest of the bundle for the part, without tool and gravity."""
    task, part, own = trials.task, trials.part, trials.controller.content
    found, law = trials.summaries[task.physics.engine], task.law()
    successes = found.results.get("success", 0)
    origin = trials.controller.origin
    seen = "seeds never seen in training" if "run" in origin else "a part and seeds never seen in training"
    evaluation = {
        "episodes": found.episodes, "successes": successes,
        "interval": list(wilson_interval(successes, found.episodes)),
        "task": seen, "first_seed": HELD_OUT_SEED,
        "response": asdict(response_of(task)), "notes": trials.notes,
    }  # fmt: skip
    return own | {
        "format": FORMAT,
        "name": folder_name(part.label),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "part": to_mapping({field.name: getattr(part, field.name) for field in fields(PegHole)}),
        "insertion": insertion_of(task),
        "law": {name: getattr(law, name).tolist() for name in LAW},
        "provenance": {**own["provenance"], "source": origin, "evaluation": evaluation},
    }


def _draw_worst(folder: Path, trials: Trials, policy: LearnedPolicy) -> list[Path]:
    """Draw the failures, then the successes with the largest forces, at most ``WORST`` of all."""
    rows = trials.rows[trials.task.physics.engine]
    worst = sorted(rows, key=lambda row: (row["success"], -row["peak_force"]))[:WORST]
    environment, drawn = make_environment(trials.part, trials.task), []
    try:
        for number, row in enumerate(worst, start=1):
            trace = record_episode(environment, policy, row["seed"], frames=False)
            drawn.append(folder / f"worst_{number}.png")
            plot_trace(trace, drawn[-1])
    finally:
        environment.close()
    return drawn
