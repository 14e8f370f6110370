"""assembly-rl-tune: random search over the parameters of a baseline controller."""

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import numpy as np
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.progress import track

from assembly_rl.cli import command, console
from assembly_rl.config import ControllerConfig, TuneConfig, plain
from assembly_rl.envs.config import ComplianceConfig
from assembly_rl.evaluation import Evaluator, Scenario, Summary, summarize
from assembly_rl.runs import RunError
from assembly_rl.subjects import guided

TUNING_SEED = 3_000_000
"""First seed of the episodes that parameters are chosen on; none is held out or for validation."""

FINAL_SHARE = 8
"""The best of this many parameter sets go to the final, with this many times the episodes."""

Log = tuple[float, float]

# Ranges (low, high), log-uniform, SI units. A pair of signs means: either sign, of that magnitude.
LAW: dict[str, Log] = {
    "lateral_damping": (50.0, 500.0),
    "axial_damping": (300.0, 1500.0),
    "angular_damping": (0.3, 3.0),
    "lateral_stiffness": (1.0, 1000.0),
    "axial_stiffness": (30.0, 1000.0),
    "angular_stiffness": (0.1, 10.0),
}
PARAMETERS: dict[str, dict[str, Log]] = {
    "fixed": {"force": (0.1, 8.0)},
    "dither": {
        "force": (0.1, 8.0),
        "lateral_force": (0.3, 5.0),
        "force_frequency": (0.2, 4.0),
        "moment": (0.003, 0.15),
        "moment_frequency": (0.2, 4.0),
        "yaw_moment": (0.003, 0.15),
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
        "largest_force": (1.0, 5.0),
    },
}
SIGNED = {"moment_per_moment", "yaw_per_moment", "moment_per_force"}
"""Parameters whose sign is not known beforehand."""


def draw(guidance: str, rng: np.random.Generator) -> ControllerConfig:
    """A random parameter set."""

    def sample(low: float, high: float) -> float:
        return float(f"{np.exp(rng.uniform(np.log(low), np.log(high))):.3g}")

    law = {name: sample(*bounds) for name, bounds in LAW.items()}
    parameters = {
        name: sample(*bounds) * (rng.choice((-1.0, 1.0)) if name in SIGNED else 1.0)
        for name, bounds in PARAMETERS[guidance].items()
    }
    lateral, angular = law["lateral_damping"], law["angular_damping"]
    compliance = ComplianceConfig(
        damping=[lateral, lateral, law["axial_damping"], *[angular] * 3],
        stiffness=[*[law["lateral_stiffness"]] * 2, law["axial_stiffness"], *[law["angular_stiffness"]] * 3],
        check_contact=False,  # outcomes decide
    )
    return ControllerConfig(guidance, {name: float(value) for name, value in parameters.items()}, compliance)


def tune(config: TuneConfig, console: Console) -> Path:
    """Search, print the best, write it as a file for conf/controller; returns the file."""
    part = config.geometry.part()
    name = config.name or config.guidance
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    output = Path(config.output or f"runs/tune-{name}-{stamp}.yaml")
    if output.exists():
        raise RunError(f"{output} exists; results are never overwritten: choose another output")
    rng = np.random.default_rng(config.seed)
    candidates = [draw(config.guidance, rng) for _ in range(config.trials)]

    with Evaluator(config.processes) as evaluator, ThreadPoolExecutor(evaluator.processes) as threads:

        def measure(candidate: ControllerConfig, episodes: int, seed: int) -> Summary:
            subject = guided(config.guidance, candidate, config.task)
            return summarize(evaluator.evaluate(Scenario(part, subject.task), subject.agent, episodes, seed))

        def rank(entries: list[ControllerConfig], episodes: int, seed: int, text: str) -> list[tuple]:
            results = threads.map(lambda entry: measure(entry, episodes, seed), entries)
            summaries = list(track(results, text, len(entries), console=console, transient=True))
            pairs = zip(summaries, entries, strict=True)
            return sorted(pairs, key=lambda pair: (pair[0].success, pair[0].reward), reverse=True)

        first = rank(candidates, config.episodes, TUNING_SEED, "random search")
        kept = [entry for _, entry in first[: max(1, config.trials // FINAL_SHARE)]]
        finals = rank(kept, FINAL_SHARE * config.episodes, TUNING_SEED + config.episodes, "final")
    summary, best = finals[0]
    episodes = config.trials * config.episodes + len(kept) * FINAL_SHARE * config.episodes
    content = {name: plain(best)}
    text = (
        f"# Tuned by: assembly-rl-tune {' '.join(sys.argv[1:])}\n"
        f"# {episodes} episodes; success of the best in the final: {summary.success:.0%} "
        f"of {summary.episodes} (chosen on them, so it flatters)\n"
        f"defaults:\n  - schema@{name}\n  - _self_\n\n{OmegaConf.to_yaml(OmegaConf.create(content))}"
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
    console.print(text)
    console.print(f"written: {output}; copy it to conf/controller/ to give it a name")
    return output


def _job(values: DictConfig) -> None:
    config: TuneConfig = OmegaConf.to_object(values)  # type: ignore[assignment]
    tune(config, console())


def main() -> None:
    """Entry point."""
    command("tune", _job)


if __name__ == "__main__":
    main()
