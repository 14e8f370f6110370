"""Compare specialists distilled into one policy with one policy of all parts, at equal policy steps.

    python scripts/try_student.py --parts 4 --steps 80000 --seeds 0 1 --output rows.csv

A specialist is trained on each part; together they have four fifths of the steps. In the last fifth a student
acts on parts that are drawn at each reset, and learns from the specialist of the present part (WDPD, without
further reinforcement learning): with equal weights of the action's components, and with those by compliance.
The other policy is trained on all parts with all steps. Policies of the last step are judged on these parts
and on unseen ones, in both engines. Trainings are runs in a folder; the same command goes on with them.
"""

import argparse
import csv
import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from evaluate_parts import composed, in_conditions
from numpy.typing import NDArray

from assembly_rl.controllers.insertion.symmetry import symmetries
from assembly_rl.controllers.validation import AXES
from assembly_rl.envs import MultiPartEnv, PegHole
from assembly_rl.envs.probing import probe_contact
from assembly_rl.evaluation import HELD_OUT_SEED, Evaluator, LearnedPolicy, summarize, worst_tenth
from assembly_rl.learners.actor import ActorWeights
from assembly_rl.learners.config import OffPolicyConfig
from assembly_rl.methods.transfer.contact import contact_rates, stiffness_of
from assembly_rl.methods.transfer.distillation import divergence
from assembly_rl.methods.transfer.source import Source
from assembly_rl.methods.transfer.teacher import Teacher
from assembly_rl.methods.transfer.weights import by_compliance, normalised
from assembly_rl.runs import RunDirectory
from assembly_rl.training.config import EvaluationConfig, TrainConfig
from assembly_rl.training.create import create_run, prepare
from assembly_rl.training.loading import read_config
from assembly_rl.training.trainer import train_run

TASK = (
    "experiment=generalist", "task=hard", "task.physics.engine=mujoco", "parts.size=[0.014,0.030]",
    "parts.clearance=[1e-4,1e-4]", "parts.more_of=[]", "task.symmetry.after=null", "algo.network=[128,128]",
    "algo.update_every=2", "algo.averaged_over=2000", "parts.validation=1", "parts.held_out=1",
)  # fmt: skip
UPDATES, ROWS, RATE = 2, 256, 1e-3
"""Gradient steps for each policy step of a distillation, rows of a batch, and initial learning rate."""


def first_seed(config: TrainConfig, count: int, seed: int) -> int:
    """Return the first seed, from 1,000 times a seed on, of consecutive parts of different kinds."""

    def kinds(start: int) -> int:
        parts = replace(config.parts, seed=start, count=count).training_parts()
        return len({part.parameters["kind"] for part in parts})

    return next(start for start in itertools.count(1000 * seed) if kinds(start) == count)


def trained(config: TrainConfig, folder: Path, seed: int, count: int, steps: int) -> Source:
    """Train a policy on parts with consecutive seeds, or go on with it; that of the last step is kept."""
    assert isinstance(config.algo, OffPolicyConfig)
    config = replace(
        config, steps=steps, checkpoint_every=steps, pictures=False,
        parts=replace(config.parts, seed=seed, count=count),
        algo=replace(config.algo, learning_starts=min(config.algo.learning_starts, steps // 8)),
        evaluation=EvaluationConfig(every=steps, episodes=1, held_out=1),
    )  # fmt: skip
    resumed = folder.exists()
    run = RunDirectory.open(folder) if resumed else create_run(*prepare(config), folder)
    train_run(run, read_config(run), resume=resumed, processes=1)
    print(f"trained: {folder}", flush=True)
    return Source.open(folder)


def weights_by_compliance(parts: Sequence[PegHole], config: TrainConfig) -> tuple[list[NDArray[Any]], int]:
    """Return the weights (6,) of each part's teacher, and the policy steps of the probes.

    They are the mean of the weights with which the teacher would be transferred to each of the other parts: a
    component weighs less where the law is faster or slower in its part's contact than in theirs.
    """
    probes = [probe_contact(part, config.task) for part in parts]
    rates = [contact_rates(config.task.law(), stiffness_of(own).matrix) for own in probes]
    found = [[by_compliance(own, other, 1.0) for other in rates if other is not own] for own in rates]
    return [normalised(np.mean(own, axis=0)) for own in found], sum(own.steps for own in probes)


class Visits:
    """States that a student visited with several parts, and its teachers' distributions there.

    Args:
        steps: Largest number of states.
        names: Names of the components of an observation.
        parts: Number of parts.
    """

    def __init__(self, steps: int, names: Sequence[str], parts: int) -> None:
        self._turns = list(zip(symmetries(names), symmetries(AXES), strict=True))
        self._states = np.zeros((steps, len(names)), np.float32)
        self._means, self._log_stds = np.zeros((2, steps, len(AXES)), np.float32)
        self._steps, self.counts = np.zeros((parts, steps), np.int64), np.zeros(parts, np.int64)

    def add(self, part: int, state: torch.Tensor, teacher: Teacher) -> None:
        """Add a state (1, components) of a part, and what its teacher would do."""
        step = self.counts.sum()
        mean, log_std = gaussian(teacher, state)
        self._states[step], self._means[step], self._log_stds[step] = state[0], mean[0], log_std[0]
        self._steps[part, self.counts[part]] = step
        self.counts[part] += 1

    def draw(self, part: int, rows: int, rng: np.random.Generator) -> list[torch.Tensor]:
        """Return random states of a part, turned and reflected, and mean and log_std of its teacher."""
        steps = self._steps[part, rng.integers(self.counts[part], size=rows)]
        see, turn = self._turns[rng.integers(len(self._turns))]
        found = see(self._states[steps]), turn(self._means[steps]), self._log_stds[steps][:, turn.source]
        return [torch.from_numpy(own) for own in found]


def gaussian(actor: Teacher, states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and logarithm of the standard deviation of an actor of SAC (rows, 6), before tanh."""
    mean, log_std = actor(states)
    assert log_std is not None
    return mean, log_std


def distilled(
    actors: Sequence[ActorWeights], weights: Sequence[NDArray[np.float64]], parts: Sequence[PegHole],
    config: TrainConfig, steps: int,
) -> LearnedPolicy:  # fmt: skip
    """Distil the teachers of several parts into one policy, on states that it visits itself.

    The student begins as the first teacher, and samples its actions, as in a training. A batch has as many
    states of each part.

    Args:
        actors: Actor of each part's teacher.
        weights: Weights (6,) of the action's components for each teacher.
        parts: Part of each teacher.
        config: Configuration with task and seed.
        steps: Policy steps.
    """
    torch.manual_seed(config.seed)
    action = replace(config.task.action, dither=[0.0] * len(AXES))  # as in a training
    environment = MultiPartEnv(parts, replace(config.task, action=action))
    rng = np.random.default_rng(config.seed)
    teachers, student = [Teacher(actor) for actor in actors], Teacher(actors[0]).requires_grad_(True)
    factors = [torch.from_numpy(own.astype(np.float32))[None] for own in weights]
    optimizer = torch.optim.Adam(student.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, UPDATES * steps)
    visits = Visits(steps, environment.observation_names, len(parts))
    labels, ended = [part.label for part in parts], True
    for step in range(steps):
        if ended:
            observation, info = environment.reset(seed=config.seed if step == 0 else None)
            part = labels.index(info["part"])
        with torch.no_grad():
            state = torch.from_numpy(observation)[None]
            visits.add(part, state, teachers[part])
            mean, log_std = gaussian(student, state)
            sampled = torch.normal(mean, log_std.exp()).tanh()[0].numpy()
        observation, _, terminated, truncated, _ = environment.step(sampled)
        ended = terminated or truncated
        met = [int(number) for number in np.flatnonzero(visits.counts)]
        for _ in range(UPDATES):
            drawn = [visits.draw(number, ROWS // len(met), rng) for number in met]
            mean, log_std = gaussian(student, torch.cat([states for states, *_ in drawn]))
            said = zip(mean.chunk(len(met)), log_std.chunk(len(met)), drawn, met, strict=True)
            losses = [divergence(m, s, t, log_t, factors[own]) for m, s, (_, t, log_t), own in said]
            optimizer.zero_grad()
            torch.stack(losses).mean().backward()
            optimizer.step()
            schedule.step()
    environment.close()
    linear = [own for own in [*student.hidden, student.mean] if isinstance(own, torch.nn.Linear)]
    *hidden, last = [(own.weight.detach(), own.bias.detach()) for own in linear]
    return LearnedPolicy(ActorWeights(hidden, last, None, "relu", squashed=True).network())


def judged(
    policies: Sequence[LearnedPolicy], taught: Sequence[Sequence[PegHole]], config: TrainConfig,
    evaluator: Evaluator,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return a row for each engine, for the parts that each policy was taught, and for unseen ones."""
    rows, unseen = [], [replace(config.parts, held_out=40).held_out_parts()] * len(policies)
    for engine in ("mujoco", "bullet"):
        task = in_conditions(config.task, engine, None, None)
        for kind, known, episodes in (("taught", taught, 10), ("unseen", unseen, max(1, 5 // len(policies)))):
            found: list[dict[str, Any]] = []
            for policy, parts in zip(policies, known, strict=True):
                found += evaluator.evaluate_parts(parts, task, policy, episodes, HELD_OUT_SEED)
            summary = summarize(found)
            rows.append(
                {"parts": kind, "engine": engine, "episodes": len(found), "success": summary.success,
                 "worst_tenth": worst_tenth(found), "time": summary.time, "peak_force": summary.peak_force}
            )  # fmt: skip
    return rows


def compared(given: argparse.Namespace, seed: int, evaluator: Evaluator) -> list[dict[str, Any]]:
    """Train and judge all policies of a seed, and return their rows."""
    config, folder, count = replace(composed(*TASK), seed=seed), given.runs / f"seed{seed}", given.parts
    first, alone, rest = first_seed(config, count, seed), given.steps * 4 // 5 // count, given.steps // 5
    parts = replace(config.parts, seed=first, count=count).training_parts()
    sources = [trained(config, folder / f"part{own}", first + own, 1, alone) for own in range(count)]
    together = trained(config, folder / "together", first, count, given.steps)
    actors = [source.actor() for source in sources]
    weights, probed = weights_by_compliance(parts, config)
    for part, values in zip(parts, weights, strict=True):
        print(f"weights of {part.label}: {np.round(values, 2).tolist()}", flush=True)
    equal = distilled(actors, [np.ones(len(AXES))] * count, parts, config, rest)
    weighted = distilled(actors, weights, parts, config, rest - probed)
    policies = {
        "specialists": (count * alone, [LearnedPolicy(actor.network()) for actor in actors]),
        "student, equal weights": (given.steps, [equal]),
        "student, weights by compliance": (given.steps, [weighted]),
        "one policy from the start": (given.steps, [LearnedPolicy(together.actor().network())]),
    }
    rows = []
    for name, (steps, own) in policies.items():
        taught = [parts] if len(own) == 1 else [[part] for part in parts]
        for row in judged(own, taught, config, evaluator):
            rows.append({"policy": name, "seed": seed, "trained_parts": count, "steps": steps} | row)
            print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Compare the policies of each seed, and append their rows to the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--parts", type=int, choices=range(2, 9), default=4)
    parser.add_argument("--steps", type=int, default=80_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--runs", type=Path, default=Path("runs/student"))
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with Evaluator(1) as evaluator:
        for seed in given.seeds:
            rows = compared(given, seed, evaluator)
            with open(given.output, "a", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                if file.tell() == 0:
                    writer.writeheader()
                writer.writerows(rows)


if __name__ == "__main__":
    main()
