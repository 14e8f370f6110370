"""Execution of fixed episodes in worker processes, with one row per episode."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assembly_rl.accelerators.processes import START_METHOD, exit_with_parent
from assembly_rl.envs import PegHole, PegInHoleEnv, TaskConfig, make_environment
from assembly_rl.evaluation.policies import Policy

VALIDATION_SEED = 1_000_000
"""First seed of the episodes on which a checkpoint is chosen."""

COMPARISON_SEED = 1_500_000
"""First seed of the episodes on which controllers are compared; no checkpoint was chosen on them."""

FORECAST_SEED = 1_750_000
"""First seed of the episodes of a forecast, in which a setting is chosen."""

HELD_OUT_SEED = 2_000_000
"""First seed of the episodes of reported results; nothing is chosen on them."""

HIGH_FORCE = 20.0
"""Force [N] whose share of control steps above it is ``high_force``."""

JAM_TIME, JAM_ADVANCE = 1.0, 1e-4
"""Time [s] and advance [m]: a failed episode that moves less than this in the hole at its end is jammed."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Scenario:
    """Conditions of an evaluation.

    Attributes:
        part: Part and hole.
        task: Task.
    """

    part: PegHole
    task: TaskConfig


Watch = Callable[[PegInHoleEnv, Row, NDArray[np.float32]], object]
"""Function of an environment, the info of its present step and the action before, zero at the reset."""


def run_episode(environment: PegInHoleEnv, policy: Policy, seed: int, watch: Watch | None = None) -> Row:
    """Run one episode; return seed, result, success, steps, reward, time, depth, forces and certificate.

    Forces are magnitudes of the filtered wrench at the tip, sampled at the control rate. An episode is
    ``jammed`` if it fails with the tip below the rim and its depth changed by less than ``JAM_ADVANCE`` in
    the last ``JAM_TIME``.

    Args:
        environment: Environment.
        policy: Policy that chooses the actions.
        seed: Seed of the episode.
        watch: Function called after the reset and after each step.
    """
    observation, info = environment.reset(seed=seed)
    if watch is not None:
        watch(environment, info, np.zeros(6, np.float32))
    forces, moments, depths = [], [], [info["depth"]]
    reward, steps, ended = 0.0, 0, False
    while not ended:
        action = policy.act(observation, info)
        observation, gain, terminated, truncated, info = environment.step(action)
        if watch is not None:
            watch(environment, info, action)
        forces.append(info["force"])
        moments.append(info["moment"])
        depths.append(info["depth"])
        reward += gain
        steps += 1
        ended = terminated or truncated
    force, moment = np.concatenate(forces), np.concatenate(moments)
    window = depths[-1 - round(JAM_TIME * environment.task.policy_rate) :]
    stands = min(window) > 0.0 and float(np.ptp(window)) < JAM_ADVANCE
    certificate = info["certificate"]
    return {
        "seed": seed,
        "result": info["result"],
        "success": info["is_success"],
        "steps": steps,
        "reward": reward,
        "time": info["time"],
        "depth": info["depth"],
        "peak_force": float(force.max()),
        "force_p95": float(np.percentile(force, 95)),
        "high_force": float((force > HIGH_FORCE).mean()),
        "peak_moment": float(moment.max()),
        "moment_p95": float(np.percentile(moment, 95)),
        "impulse": float(force.sum()) / environment.task.control_rate,
        "jammed": not info["is_success"] and stands,
        **_attempts(info),
        "penetration": certificate["penetration"],
        "certificate_valid": certificate["valid"],
        "physics_hash": certificate["physics_hash"],
    }


def _attempts(info: Row) -> Row:
    """Return the number of attempts and why those before the last one ended; nothing without supervisor."""
    if "attempts" not in info:
        return {}
    ended = info["attempts"]
    return {"attempts": len(ended) + 1, "reasons": " ".join(own.reason.value for own in ended)}


KEPT = 40
"""Number of environments that a worker process keeps."""

_kept: list[tuple[Scenario, PegInHoleEnv]] = []  # of this worker process, the latest one first


def _environment(scenario: Scenario) -> PegInHoleEnv:
    """Return the environment of a scenario, made at its first use."""
    place = next((number for number, (known, _) in enumerate(_kept) if known == scenario), None)
    if place is None:
        while len(_kept) >= KEPT:
            _kept.pop()[1].close()
        entry = (scenario, make_environment(scenario.part, scenario.task))
    else:
        entry = _kept.pop(place)
    _kept.insert(0, entry)
    return entry[1]


def _run_episodes(scenario: Scenario, policy: Policy, seeds: list[int]) -> list[Row]:
    environment = _environment(scenario)
    return [run_episode(environment, policy, seed) for seed in seeds]


def _prepare_worker(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    exit_with_parent(parent)


class Evaluator:
    """Worker processes that run episodes; the rows do not depend on their number.

    Args:
        processes: Number of worker processes; by default one per core.
    """

    def __init__(self, processes: int | None = None) -> None:
        self.processes = processes or len(os.sched_getaffinity(0))
        context = multiprocessing.get_context(START_METHOD)
        self._pool = ProcessPoolExecutor(
            self.processes, context, initializer=_prepare_worker, initargs=(os.getpid(),)
        )
        self._pool.submit(os.getpid).result()  # all start now, before there are threads to fork

    def evaluate(self, scenario: Scenario, policy: Policy, episodes: int, first_seed: int) -> list[Row]:
        """Return the rows of episodes with the seeds ``first_seed``, ``first_seed + 1``, ..., in order."""
        return [row for rows in self.iterate(scenario, policy, episodes, first_seed) for row in rows]

    def evaluate_parts(
        self, parts: Sequence[PegHole], task: TaskConfig, policy: Policy, episodes: int, first_seed: int
    ) -> list[Row]:
        """Return the rows of episodes on several parts, with the label of each part as ``part``.

        Args:
            parts: Parts.
            task: Task.
            policy: Policy.
            episodes: Episodes of each part.
            first_seed: Seed of the first episode of the first part; all further ones follow it.
        """
        jobs = []
        for number, part in enumerate(parts):
            first = first_seed + number * episodes
            jobs.append((Scenario(part, task), policy, list(range(first, first + episodes))))
        found = zip(parts, self._results(jobs), strict=True)
        return [{"part": part.label, **row} for part, rows in found for row in rows]

    def iterate(
        self, scenario: Scenario, policy: Policy, episodes: int, first_seed: int
    ) -> Iterator[list[Row]]:
        """Yield the rows of ``evaluate`` in chunks, as soon as they are done."""
        seeds = range(first_seed, first_seed + episodes)
        chunk = max(1, min(10, episodes // (8 * self.processes)))  # small, so that all end together
        chunks = [list(seeds[start : start + chunk]) for start in range(0, episodes, chunk)]
        yield from self._results([(scenario, policy, part) for part in chunks])

    def _results(self, jobs: Sequence[tuple[Scenario, Policy, list[int]]]) -> Iterator[list[Row]]:
        """Yield the rows of each job, in order; the jobs that are left are cancelled with the iteration."""
        futures = [self._pool.submit(_run_episodes, *job) for job in jobs]
        try:
            for future in futures:
                yield future.result()
        finally:
            for future in futures:
                future.cancel()

    def close(self) -> None:
        """Stop the workers."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Evaluator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
