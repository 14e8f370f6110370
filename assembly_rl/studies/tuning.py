"""Tuning of a baseline: random search over its parameters and its compliance law, in rounds.

Every candidate of a round runs the same episodes; the best enter the next round, which has other episodes.
"""

import json
from pathlib import Path

import numpy as np
from omegaconf import OmegaConf

from assembly_rl.controllers.serialization import to_mapping
from assembly_rl.envs.config import ComplianceConfig
from assembly_rl.evaluation import Evaluator, Scenario, summarize
from assembly_rl.evaluation.candidates import ControllerConfig, baseline
from assembly_rl.methods.transfer.contact import is_stable
from assembly_rl.runs import RowLog, RunError

TUNING_SEED = 3_000_000
"""First seed of the episodes on which parameters are chosen; none is used for validation or held out."""

Range = tuple[float, float]

# Ranges (low, high), log-uniform, SI units.
LAW: dict[str, Range] = {
    "lateral_damping": (100.0, 2000.0),
    "axial_damping": (300.0, 2000.0),
    "angular_damping": (0.5, 20.0),
    "lateral_stiffness": (1.0, 1000.0),
    "axial_stiffness": (30.0, 1000.0),
    "angular_stiffness": (0.1, 10.0),
}
PARAMETERS: dict[str, dict[str, Range]] = {
    "fixed": {"force": (0.1, 8.0)},
    "dither": {
        "force": (0.1, 8.0),
        "lateral_force": (0.3, 12.0),
        "force_frequency": (0.2, 4.0),
        "moment": (0.003, 0.5),
        "moment_frequency": (0.2, 4.0),
        "yaw_moment": (0.003, 0.5),
        "yaw_frequency": (0.2, 4.0),
        "ratio": (0.6, 1.7),
    },
    "reflex": {
        "force": (0.5, 8.0),
        "force_per_moment": (10.0, 500.0),
        "moment_per_moment": (0.01, 2.0),
        "yaw_per_moment": (0.01, 2.0),
        "moment_per_force": (0.0003, 0.03),
        "centring": (1.0, 2000.0),
        "upright": (0.01, 5.0),
        "largest_force": (1.0, 12.0),
    },
}
SIGNED = {"moment_per_moment", "yaw_per_moment", "moment_per_force"}
"""Parameters that are drawn with either sign."""

TRIALS = "trials.csv"
"""File in a cell's folder with a row for each candidate of each round."""
COLUMNS = ("round", "candidate", "success", "reward", "controller")


def draw(guidance: str, scenarios: list[Scenario], rng: np.random.Generator) -> ControllerConfig:
    """Draw parameters whose compliance law is stable in contact, as required for a training.

    Args:
        guidance: Name of the guidance, a key of ``PARAMETERS``.
        scenarios: Parts and tasks in which the law has to be stable.
        rng: Random generator of the draw.

    Raises:
        ValueError: Rates or filters of a task are not compatible.
    """

    def sample(low: float, high: float) -> float:
        return float(f"{np.exp(rng.uniform(np.log(low), np.log(high))):.3g}")

    while True:
        law = {name: sample(*bounds) for name, bounds in LAW.items()}
        parameters = {
            name: float(sample(*bounds) * (rng.choice((-1.0, 1.0)) if name in SIGNED else 1.0))
            for name, bounds in PARAMETERS[guidance].items()
        }
        lateral, angular = law["lateral_damping"], law["angular_damping"]
        soft, upright = law["lateral_stiffness"], law["angular_stiffness"]
        compliance = ComplianceConfig(
            damping=[lateral, lateral, law["axial_damping"], *[angular] * 3],
            stiffness=[soft, soft, law["axial_stiffness"], *[upright] * 3],
        )
        candidate = ControllerConfig(guidance, parameters, compliance)
        tasks = [baseline("", candidate, scenario.task).task for scenario in scenarios]
        if all(is_stable(task.law(), task) for task in tasks):
            return candidate


def tune(
    home: Path, guidance: str, scenarios: list[Scenario], rounds: list[list[int]], evaluator: Evaluator
) -> ControllerConfig:
    """Search for the best parameters, or resume the search.

    Args:
        home: Folder for ``TRIALS``.
        guidance: Name of the guidance, a key of ``PARAMETERS``.
        scenarios: Parts and tasks; each gets the same number of episodes.
        rounds: Number of candidates, and number of episodes of each, for every round.
        evaluator: Evaluator that runs the episodes.

    Returns:
        Controller with the most successes in the last round, then with the largest mean reward.

    Raises:
        RunError: ``TRIALS`` belongs to another search.
    """
    rng = np.random.default_rng(0)
    candidates = [draw(guidance, scenarios, rng) for _ in range(rounds[0][0])]
    log = RowLog(home / TRIALS, COLUMNS)
    known = {int(row["step"]): row for row in log}
    order, count, seed = list(range(len(candidates))), 0, TUNING_SEED
    for number, (kept, episodes) in enumerate(rounds):
        scores: dict[int, tuple[float, float]] = {}
        each = episodes // len(scenarios)
        for index in order[:kept]:
            candidate, text = candidates[index], json.dumps(to_mapping(candidates[index]))
            if count not in known:
                rows = []
                for scenario in scenarios:
                    entry = baseline("", candidate, scenario.task)
                    rows += evaluator.evaluate(Scenario(scenario.part, entry.task), entry.policy, each, seed)
                summary = summarize(rows)
                row = {"round": number, "candidate": index, "controller": text}
                log.append(count, row | {"success": summary.success, "reward": summary.reward})
                scores[index] = (summary.success, summary.reward)
            elif known[count]["controller"] == text:
                scores[index] = (known[count]["success"], known[count]["reward"])
            else:
                raise RunError(f"{log.path} is of another search: choose another output")
            count += 1
        order = sorted(scores, key=lambda index: scores[index], reverse=True)
        seed += each
    return candidates[order[0]]


def controller_yaml(name: str, controller: ControllerConfig, head: list[str]) -> str:
    """Return a controller as the text of a file for conf/controller.

    Args:
        name: Name of the controller.
        controller: Controller that is written.
        head: Lines of the comment at the top.
    """
    content = OmegaConf.to_yaml(OmegaConf.create({name: to_mapping(controller)}))
    comment = "".join(f"# {line}\n" for line in head)
    return f"{comment}defaults:\n  - schema@{name}\n  - _self_\n\n{content}"
