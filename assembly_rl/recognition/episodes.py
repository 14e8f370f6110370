"""Recordings of episodes with what only the simulator knows: contact points and true poses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assembly_rl.envs import PegHole, PegInHoleEnv, TaskConfig
from assembly_rl.evaluation.policies import Policy
from assembly_rl.recognition.behaviour import Disturbance
from assembly_rl.recognition.truth import Truth, truth_of

Array = NDArray[np.float64]

READING = 18
"""Numbers of a control step: wrench, pose and commanded pose of the tip, in nominal axes."""


@dataclass(frozen=True)
class Recording:
    """Control steps of episodes, and the truth at the end of each policy step.

    Attributes:
        readings: Wrench [N, Nm], pose [m, rad] and command [m, rad] of each control step (steps, 18).
        ends: Number of control steps up to the end of each policy step (n,).
        starts: Number of control steps before the episode of each policy step (n,).
        parts: Seed of the part of each policy step (n,).
        kinds: Kind of its section (n,), by number.
        geometry: Depth of the hole, its chamfer [m], and 1 for a blind one (n, 3).
        heights, highest, touching, spread, lowest, opposed, offsets, sides: Fields of ``Truth`` (n, ...).
    """

    readings: NDArray[np.float32]
    ends: NDArray[np.int64]
    starts: NDArray[np.int64]
    parts: NDArray[np.int64]
    kinds: NDArray[np.int64]
    geometry: Array
    heights: Array
    highest: Array
    touching: NDArray[np.bool_]
    spread: Array
    lowest: Array
    opposed: NDArray[np.bool_]
    offsets: Array
    sides: Array

    def save(self, path: Path) -> None:
        """Write the recording to a file (.npz)."""
        np.savez_compressed(path, **{own.name: getattr(self, own.name) for own in fields(self)})

    @classmethod
    def load(cls, path: Path) -> "Recording":
        """Read a recording from a file."""
        with np.load(path) as file:
            return cls(**{own.name: file[own.name] for own in fields(cls)})

    @classmethod
    def joined(cls, recordings: Sequence["Recording"]) -> "Recording":
        """Join recordings, one after the other."""
        moved, steps = [], 0
        for own in recordings:
            moved.append(replace(own, ends=own.ends + steps, starts=own.starts + steps))
            steps += len(own.readings)
        return cls(*(np.concatenate([getattr(own, field.name) for own in moved]) for field in fields(cls)))


class _Watch:
    """Collector of an episode's control steps and contacts.

    Args:
        environment: Environment, whose ``watch`` this becomes.
    """

    def __init__(self, environment: PegInHoleEnv) -> None:
        self._environment = environment
        self.readings: list[Array] = []
        self.begin()
        environment.watch = self

    def begin(self) -> None:
        """Begin a policy step."""
        self.contacts = np.zeros((0, 3))

    def __call__(self, wrench: Sequence[float], pose: Array, command: Array) -> None:
        """Collect a control step."""
        self.readings.append(np.array((*wrench, *pose, *command)))
        contacts = self._environment.scene().contacts
        if len(contacts):
            self.contacts = contacts


def record_episode(environment: PegInHoleEnv, policy: Policy, seed: int, part: tuple[int, int]) -> Recording:
    """Run an episode with disturbed actions, and record it.

    Args:
        environment: Environment.
        policy: Policy.
        seed: Seed of the episode and of the disturbance.
        part: Seed of the part, and number of its kind.
    """
    shape = environment.part
    disturbance = Disturbance(np.random.default_rng([seed, 3]))
    watch = _Watch(environment)
    observation, info = environment.reset(seed=seed)
    ends: list[int] = []
    truth: list[Truth] = []
    ended = False
    while not ended:
        watch.begin()
        action = disturbance(policy.act(observation, info).astype(np.float64), info["depth"])
        observation, _, terminated, truncated, info = environment.step(action.astype(np.float32))
        ended = terminated or truncated
        ends.append(len(watch.readings))
        truth.append(truth_of(shape, environment.scene(), watch.contacts))
    environment.watch = None
    count = len(truth)
    return Recording(
        readings=np.array(watch.readings, dtype=np.float32),
        ends=np.array(ends),
        starts=np.zeros(count, dtype=np.int64),
        parts=np.full(count, part[0]),
        kinds=np.full(count, part[1]),
        geometry=np.tile((shape.hole_depth, shape.chamfer, float(shape.blind)), (count, 1)),
        heights=np.array([own.height for own in truth]),
        highest=np.array([own.highest for own in truth]),
        touching=np.array([own.touching for own in truth]),
        spread=np.array([own.spread for own in truth]),
        lowest=np.array([own.lowest for own in truth]),
        opposed=np.array([own.opposed for own in truth]),
        offsets=np.array([own.offset for own in truth]),
        sides=np.array([own.side for own in truth]),
    )


def record(
    parts: Sequence[tuple[PegHole, TaskConfig, int, int]],
    policy: Policy,
    episodes: int,
    first: int,
    progress: Callable[[int], object] | None = None,
) -> Recording:
    """Record episodes of parts.

    Args:
        parts: Part, task, seed of the part and number of its kind.
        policy: Policy.
        episodes: Episodes of each part.
        first: Seed of the first episode; the others have the following seeds.
        progress: Function called with the policy steps of each episode.
    """
    found = []
    for number, (part, task, seed, kind) in enumerate(parts):
        environment = PegInHoleEnv(part, task)
        for episode in range(episodes):
            own = record_episode(environment, policy, first + number * episodes + episode, (seed, kind))
            found.append(own)
            if progress is not None:
                progress(len(own.ends))
        environment.close()
    return Recording.joined(found)
