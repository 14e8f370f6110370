"""Try other ways to choose the phases of the supervisor, and who acts in them.

    python scripts/try_phases.py --output rows.csv

The entry "supervisor" of ``try_supervisor.py`` on the same parts and episodes, with one thing changed. Rows
that are there are kept: the same command goes on. The table at the end is of all rows.
"""

import argparse
import csv
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from evaluate_parts import baseline_config, composed  # isort: skip
from try_supervisor import ENTRIES, FIRST_PART, table  # isort: skip

from assembly_rl.controllers.insertion.limits import LimitConfig
from assembly_rl.controllers.insertion.phases import Phase, Reason
from assembly_rl.controllers.insertion.supervisor import Supervisor
from assembly_rl.controllers.insertion.supervisor_config import SupervisorConfig
from assembly_rl.controllers.recognition import load_recognizer
from assembly_rl.envs import PegInHoleEnv
from assembly_rl.evaluation import HELD_OUT_SEED, Policy
from assembly_rl.evaluation.episodes import Row, run_episode
from assembly_rl.evaluation.policies import GuidedPolicy
from assembly_rl.recognition.labels import INSIDE, PUSHED, STILL
from assembly_rl.recognition.truth import truth_of

Array = NDArray[np.float64]

STUCK = 0.5
"""Time [s] for which the peg has to be seen jammed."""


class Sense(Protocol):
    """Interface of a contact state: whether the peg is in the hole, and whether it is jammed there."""

    def reset(self) -> None:
        """Start an insertion."""

    def __call__(self) -> tuple[bool, bool]:
        """Return both; called once in each policy step of a search or in the hole."""


class SensingSupervisor(Supervisor):
    """Supervisor that is told whether the peg is in the hole, and whether it is jammed there.

    Args:
        config: Times, shares and distances.
        limits: Limits of the insertion.
        sense: Contact state.
    """

    def __init__(self, config: SupervisorConfig, limits: LimitConfig, sense: Sense) -> None:
        self._sense = sense
        super().__init__(config, limits)

    def reset(self) -> None:
        """Start an insertion."""
        super().reset()
        self._sense.reset()
        self._free_at = 0.0  # time at which the peg was last seen not jammed [s]
        self._inside, self._jammed = False, False

    def _reason(self, time: float, pose: Array, force: float, moment: float) -> Reason | None:
        self._inside, self._jammed = self._sense()
        if not self._jammed:
            self._free_at = time
        return super()._reason(time, pose, force, moment)

    def _is_inside(self, pose: Array) -> bool:
        return self._inside

    def _is_jammed(self, time: float) -> bool:
        return time - self._free_at >= STUCK


class Recognised:
    """Contact state that the shipped recogniser sees.

    Args:
        environment: Environment, which is watched.
    """

    def __init__(self, environment: PegInHoleEnv) -> None:
        self._recognizer = load_recognizer()
        environment.watch = self._recognizer.update

    def reset(self) -> None:
        """Start an insertion."""
        self._recognizer.reset()

    def __call__(self) -> tuple[bool, bool]:
        """Return whether the peg is more probably in the hole than not, and whether it is jammed."""
        found = self._recognizer.read()
        return found.in_hole > 0.5, found.state == "jammed"


class Truth:
    """Contact state that only the simulator knows.

    Args:
        environment: Environment, which is watched.
    """

    def __init__(self, environment: PegInHoleEnv) -> None:
        self._environment = environment
        environment.watch = self._watch
        self.reset()

    def reset(self) -> None:
        """Start an insertion."""
        self._forces: list[float] = []
        self._heights: list[float] = []

    def _watch(self, wrench: Any, pose: Array, command: Array) -> None:
        self._forces.append(wrench[2])

    def __call__(self) -> tuple[bool, bool]:
        """Return whether all corners of the peg are in the hole, and whether it stood still under a push."""
        own = self._environment
        truth = truth_of(own.part, own.scene(), np.zeros((0, 3)))
        inside = truth.highest < -own.part.chamfer - INSIDE
        pushed = np.mean(self._forces) > PUSHED
        self._heights = [*self._heights[-1:], truth.height] if inside and pushed else []
        self._forces = []
        still = len(self._heights) == 2 and abs(self._heights[1] - self._heights[0]) < STILL
        return inside, still


@dataclass
class ByPhase:
    """Policy of each phase.

    Attributes:
        policy: Policy of the search.
        inserting: Policy in the hole; None for that of the search.
        searching_axes: Components of an action that the search has.
        inserting_axes: Components of an action in the hole.
    """

    policy: Policy
    inserting: Policy | None = None
    searching_axes: tuple[int, ...] = (0, 1, 2, 3, 4, 5)
    inserting_axes: tuple[int, ...] = (0, 1, 2, 3, 4, 5)

    def act(
        self, observation: NDArray[np.float32], info: Mapping[str, Any] | None = None
    ) -> NDArray[np.float32]:
        """Return the action of the policy of the phase, with its components."""
        assert info is not None
        inside = info["phase"] == Phase.insert
        policy = self.inserting if inside and self.inserting is not None else self.policy
        axes = list(self.inserting_axes if inside else self.searching_axes)
        action = np.zeros(6, np.float32)
        action[axes] = policy.act(observation, info)[axes]
        return action


@dataclass(frozen=True)
class Way:
    """Change of the supervisor, or of who acts in its phases.

    Attributes:
        sense: Kind of contact state that its rules use; None for depth and time.
        inserting: Policy in the hole: ``policy``, ``reflex``, or ``nobody``.
        searching_axes: Components of an action that the search has.
    """

    sense: type[Recognised] | type[Truth] | None = None
    inserting: str = "policy"
    searching_axes: tuple[int, ...] = (0, 1, 2, 3, 4, 5)


WAYS = {
    "the recogniser's state": Way(Recognised),
    "the true state": Way(Truth),
    "nobody acts in the hole": Way(inserting="nobody"),
    "a reflex in the hole": Way(inserting="reflex"),
    "no yaw in the search": Way(searching_axes=(0, 1, 2, 3, 4)),
    "no moments in the search": Way(searching_axes=(0, 1, 2)),
}


def episodes_of(name: str, engine: str, number: int, count: int) -> list[Row]:
    """Run the episodes of a part, as ``try_supervisor.py`` does but for a way; return their rows.

    Args:
        name: Name of the way.
        engine: Engine.
        number: Number of the part.
        count: Episodes of each part.
    """
    way = WAYS[name]
    family = composed("experiment=generalist").parts.family()
    policy, task = ENTRIES[0].acting(family.part(FIRST_PART + number), engine)
    reflex = baseline_config("reflex_base").make_guidance()
    acting = ByPhase(
        policy,
        GuidedPolicy(reflex, list(task.action.wrench)) if way.inserting == "reflex" else None,
        way.searching_axes,
        () if way.inserting == "nobody" else (0, 1, 2, 3, 4, 5),
    )
    rows = []
    with closing(PegInHoleEnv(family.part(FIRST_PART + number), task)) as environment:
        if way.sense is not None:
            # The supervisor is the environment's own, so that a controller of another kind takes its place.
            environment._insertion.supervisor = SensingSupervisor(
                task.supervisor, task.limits, way.sense(environment)
            )
        for episode in range(count):
            seed = HELD_OUT_SEED + number * count + episode
            row = run_episode(environment, acting, seed)
            label = {"controller": name, "task": "far", "engine": engine, "part": environment.part.label}
            rows.append(label | row)
    return rows


def jobs(arguments: argparse.Namespace, done: set[tuple[str, ...]]) -> Iterator[tuple[str, str, int, int]]:
    """Yield what is still to be run: way, engine, number of the part, episodes."""
    family = composed("experiment=generalist").parts.family()
    for name, engine, number in product(arguments.ways, arguments.engines, range(arguments.parts)):
        if (name, engine, family.part(FIRST_PART + number).label) not in done:
            yield name, engine, number, arguments.episodes


def main() -> None:
    """Run the trials."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--parts", type=int, default=125)
    parser.add_argument("--episodes", type=int, default=4, help="of each part")
    parser.add_argument("--engines", nargs="+", default=["bullet", "mujoco"])
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS), metavar="WAY")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    done: set[tuple[str, ...]] = set()
    if arguments.output.exists():
        with open(arguments.output, newline="", encoding="utf-8") as file:
            done = {(row["controller"], row["engine"], row["part"]) for row in csv.DictReader(file)}
    todo = list(jobs(arguments, done))
    with ProcessPoolExecutor(arguments.processes) as pool, Progress(console=Console()) as progress:
        bar = progress.add_task("parts", total=len(todo))
        for rows in pool.map(episodes_of, *zip(*todo, strict=True)) if todo else ():
            progress.advance(bar)
            new = not arguments.output.exists()
            with open(arguments.output, "a", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, rows[0])
                if new:
                    writer.writeheader()
                writer.writerows(rows)
    with open(arguments.output, newline="", encoding="utf-8") as file:
        print(*table(list(csv.DictReader(file))), sep="\n")


if __name__ == "__main__":
    main()
