"""CS3 from the simulator, as the reference for the estimate from models.

The simulator returns to a state repeatedly, each time with the action of another coalition.
"""

import functools
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from numpy.typing import NDArray

from assembly_rl.accelerators.processes import START_METHOD
from assembly_rl.envs import make_environment
from assembly_rl.evaluation import Scenario
from assembly_rl.methods.cs3.estimate import DISCOUNT, coalitions

FIRST_SEED = 4_000_000
"""First seed of the episodes, which are used in neither training nor evaluation."""

STATES_OF_EPISODE = 4


def reference(
    scenario: Scenario,
    states: int,
    processes: int | None,
    progress: Callable[[int], None] = lambda done: None,
) -> NDArray[np.float64]:
    """Compute CS3 for uniformly random actions.

    Args:
        scenario: Part and task.
        states: Number of states in which the games are played, four per episode.
        processes: Number of worker processes; by default one per core.
        progress: Function called with the number of states done.

    Returns:
        (episodes, states, actions) CS3 from each episode; their mean is the estimate.
    """
    episodes = -(-states // STATES_OF_EPISODE)
    values, changes = [], []
    context = multiprocessing.get_context(START_METHOD)
    with ProcessPoolExecutor(processes or len(os.sched_getaffinity(0)), context) as pool:
        seeds = range(FIRST_SEED, FIRST_SEED + episodes)
        for done, (of_games, of_steps) in enumerate(
            pool.map(functools.partial(_of_episode, scenario), seeds), start=1
        ):
            values.append(of_games.mean(0))
            changes.append(of_steps)
            progress(min(states, done * STATES_OF_EPISODE))
    spread = np.concatenate(changes).std(0)
    return np.array(values) / np.where(spread > 1e-9, spread, np.inf)[:, None]


def _of_episode(scenario: Scenario, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return absolute Shapley values (games, states, actions) and changes of all steps (steps, states)."""
    rng = np.random.default_rng(seed)
    environment = make_environment(scenario.part, scenario.task)
    try:
        observed, actions = [environment.reset(seed=seed)[0]], []
        ended = False
        states = [environment.get_state()]
        while not ended:
            actions.append(rng.uniform(-1.0, 1.0, environment.action_space.shape).astype(np.float32))
            observation, _, terminated, truncated, _ = environment.step(actions[-1])
            observed.append(observation)
            states.append(environment.get_state())
            ended = terminated or truncated
        weights = DISCOUNT ** np.arange(len(actions))
        count = min(STATES_OF_EPISODE, len(actions))
        chosen = rng.choice(len(actions), size=count, replace=False, p=weights / weights.sum())
        game = coalitions(len(actions[0]), rng)
        found = []
        for step in chosen:
            after = []
            for members in game.members:
                environment.set_state(states[step])
                after.append(environment.step(actions[step] * members)[0])
            found.append(np.abs(game.values(np.array(after, dtype=np.float64).T)))
        return np.array(found), np.diff(np.array(observed, dtype=np.float64), axis=0)
    finally:
        environment.close()
