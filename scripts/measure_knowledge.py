"""Measure how well an observation tells where the hole is: networks are taught its direction.

    python scripts/measure_knowledge.py generalist --episodes 2500

A controller inserts the training parts of ``experiment=generalist`` in ``task=broad`` (MuJoCo), half of the
episodes with correlated noise on its actions. From steps in contact, each turned and reflected, a network of
128-128 learns the error of position and tilt; a recurrent one (GRU) learns it from all steps since the start.
Printed is, for the last fifth of the episodes, the mean cosine between the learned and the true direction of
the hole, where that is more than 0.5 mm away.
"""

import argparse
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from evaluate_parts import candidate_of, composed, in_conditions
from numpy.typing import NDArray
from rich.progress import track
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from assembly_rl.controllers.insertion.symmetry import SymmetryConfig, Transformation, symmetries
from assembly_rl.controllers.validation import AXES
from assembly_rl.envs import MultiPartEnv
from assembly_rl.envs.library import make_task
from assembly_rl.envs.privileged import PRIVILEGED_NAMES, PrivilegedObservation

Array = NDArray[np.float32]
WRENCH = ("fx", "fy", "fz", "mx", "my", "mz")
TARGET = ("x", "y", "rx", "ry")
SPANS = ((0.3, 1.0), (1.0, 2.0), (2.0, 4.0), (4.0, 10.0))
"""Times since the start that are told apart [s]."""
CELLS, EXTENT = 5, 4.0
"""Cells of the map of visits along an axis, and half its width [mm]."""
TOGETHER = 32
"""Episodes in a batch of the recurrent network."""


class Recording:
    """Steps of episodes, with what was observed in earlier ones.

    Args:
        observations: Observations with the privileged state (steps, components).
        names: Names of the components.
        episodes: Number of the episode of each step (steps,).
    """

    def __init__(self, observations: Array, names: list[str], episodes: NDArray[np.int64]) -> None:
        self.episodes, self._observations, self._names = episodes, observations, names
        first = np.r_[True, episodes[1:] != episodes[:-1]]
        self.start = np.maximum.accumulate(np.where(first, np.arange(len(episodes)), 0))
        self.step = np.arange(len(episodes)) - self.start

    def columns(self, names: tuple[str, ...], age: int = 0) -> Array:
        """Return components ``age`` steps ago; before the start those of the start."""
        rows = np.maximum(np.arange(len(self.step)) - age, self.start)
        return self._observations[rows][:, [self._names.index(name) for name in names]]

    def visits(self) -> Array:
        """Return the share of each cell of the map in which the tip has pressed so far."""
        place = np.clip((self.columns(("x", "y")) + EXTENT) / (2.0 * EXTENT) * CELLS, 0, CELLS - 1).astype(
            int
        )
        presses = self.columns(("fz",))[:, 0] > 0.1
        found = np.zeros((len(self.step), CELLS, CELLS), np.float32)
        for row, (x, y) in enumerate(place):
            if self.step[row]:
                found[row] = found[row - 1]
            found[row, x, y] += presses[row]
        return (-np.expm1(-found / 10.0)).reshape(len(found), -1)


def recorded(controller: str, episodes: int) -> Recording:
    """Run episodes of a controller with the training parts."""
    parts = composed("experiment=generalist").parts.training_parts()
    candidate = candidate_of(controller, in_conditions(make_task("broad")[0], "mujoco", None, None))
    task = replace(candidate.task, symmetry=SymmetryConfig())  # what was seen before is in the same axes
    environment = PrivilegedObservation(MultiPartEnv(parts, task))
    names = [*environment.get_wrapper_attr("observation_names"), *PRIVILEGED_NAMES]
    rng, rows, numbers = np.random.default_rng(0), [], []
    seen, info = environment.reset(seed=0)
    for episode in track(range(episodes), "episodes"):
        noise, deviation, ended = np.zeros(6), 0.15 * rng.integers(2), False
        while not ended:
            rows.append(seen)
            numbers.append(episode)
            noise = 0.9 * noise + deviation * rng.normal(size=6)
            action = np.clip(candidate.policy.act(seen[: environment.observed], info) + noise, -1.0, 1.0)
            seen, _, terminated, truncated, info = environment.step(action.astype(np.float32))
            ended = terminated or truncated
        seen, info = environment.reset()
    environment.close()
    return Recording(np.array(rows), names, np.array(numbers))


def scaled(
    inputs: Array, names: list[str], rows: NDArray[np.int64]
) -> tuple[Array, list[tuple[Transformation, Transformation]]]:
    """Divide inputs by their deviation in some rows; return also all symmetries of inputs and targets."""
    turns = list(zip(symmetries(names), symmetries(TARGET), strict=True))
    scale = inputs[rows].std(0) + 1e-3
    scale = np.max([scale[see.source] for see, _ in turns], axis=0)
    return (inputs / scale).astype(np.float32), turns


def taught(
    inputs: Array, names: list[str], targets: Array, rows: NDArray[np.int64], epochs: int = 8
) -> Array:
    """Teach a network the targets from some rows, and return what it says of all."""
    torch.manual_seed(0)
    inputs, turns = scaled(inputs, names, rows)
    sizes = (len(names), 128, 128, len(TARGET))
    layers = [torch.nn.Linear(*pair) for pair in zip(sizes, sizes[1:], strict=False)]
    network = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * (len(rows) // 256))
    rng = np.random.default_rng(0)
    for _ in range(epochs):
        order = rng.permutation(rows)
        for batch in np.split(order[: len(order) // 256 * 256], len(order) // 256):
            see, turn = turns[rng.integers(8)]
            said = network(torch.from_numpy(see(inputs[batch]).astype(np.float32)))
            loss = ((said - torch.from_numpy(turn(targets[batch]).astype(np.float32))) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        return np.asarray(network(torch.from_numpy(inputs)).numpy())


class Recurrent(torch.nn.Module):
    """GRU with a linear layer at each step.

    Args:
        inputs: Number of components of an input.
        width: Units of the GRU.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.memory, self.head = torch.nn.GRU(inputs, width), torch.nn.Linear(width, len(TARGET))

    def forward(self, sequences: PackedSequence) -> torch.Tensor:
        """Return the outputs of all steps, in the order of the packed data."""
        return torch.as_tensor(self.head(self.memory(sequences)[0].data))


def taught_in_order(
    found: Recording, inputs: Array, names: list[str], targets: Array, learned: NDArray[np.bool_],
    width: int, epochs: int = 30,
) -> Array:  # fmt: skip
    """Teach a recurrent network the targets from some rows, and return what it says of all.

    Args:
        found: Recording.
        inputs: Inputs of all its steps (steps, components).
        names: Names of the components.
        targets: Targets (steps, 4).
        learned: True for a step that is learned from; earlier ones of its episode are inputs, too.
        width: Units of the GRU.
        epochs: Passes over the episodes.
    """
    torch.manual_seed(0)
    inputs, turns = scaled(inputs, names, np.flatnonzero(learned))
    images = [(see(inputs), turn(targets)) for see, turn in turns]
    starts = np.unique(found.start)
    ends = np.r_[starts[1:], len(inputs)]
    used = np.unique(found.episodes[learned])

    def packed(values: NDArray[Any], episodes: NDArray[np.int64]) -> PackedSequence:
        own = [torch.from_numpy(values[starts[episode] : ends[episode]]) for episode in episodes]
        return pack_sequence(own, enforce_sorted=False)

    network = Recurrent(len(names), width)
    batches = len(used) // TOGETHER
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * batches)
    rng = np.random.default_rng(0)
    for _ in range(epochs):
        order = rng.permutation(used)
        for batch in np.split(order[: batches * TOGETHER], batches):
            seen, true = images[rng.integers(8)]
            error = network(packed(seen, batch)) - packed(true, batch).data
            loss = (error[packed(learned, batch).data] ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        said = [network(packed(inputs, np.array([episode]))).numpy() for episode in range(len(starts))]
    return np.concatenate(said)


def main() -> None:
    """Print a row for each observation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("controller")
    parser.add_argument("--episodes", type=int, default=2500)
    given = parser.parse_args()
    torch.set_num_threads(1)
    found = recorded(given.controller, given.episodes)
    present = (*WRENCH, *AXES, *(f"last_action_{axis}" for axis in AXES), "time")
    extents = tuple(name for name in PRIVILEGED_NAMES if name.startswith("extent_"))

    def past(names: tuple[str, ...], ages: range | tuple[int, ...]) -> dict[str, Array]:
        return {f"{name}[t-{age}]": found.columns((name,), age)[:, 0] for age in ages for name in names}

    now = {name: found.columns((name,))[:, 0] for name in present}
    wrenches, poses = past(WRENCH, range(1, 9)), past(AXES, (2, 4, 8, 16, 32, 64))
    cells = [f"visits_{i}_{j}" for i in range(CELLS) for j in range(CELLS)]
    section = (*extents, "clearance", "chamfer")
    variants = {
        "present wrench, pose, action, time": now,
        "and 8 past wrenches": now | wrenches,
        "and past poses": now | wrenches | poses,
        "and 16 past wrenches": now | past(WRENCH, range(1, 17)) | poses,
        "and a map of visits": now | wrenches | poses | dict(zip(cells, found.visits().T, strict=True)),
        "and the section": now | wrenches | poses
        | {name: found.columns((name,))[:, 0] for name in section},
    }  # fmt: skip
    targets = found.columns(tuple(f"true_{name}" for name in TARGET))
    touches = (found.columns(("true_z",))[:, 0] > -0.05) & (found.columns(("fz",))[:, 0] > 0.1)
    late = found.episodes >= 0.8 * given.episodes
    far = np.hypot(targets[:, 0], targets[:, 1]) > 0.5

    def show(label: str, said: Array) -> None:
        lengths = np.hypot(said[:, 0], said[:, 1]) * np.hypot(targets[:, 0], targets[:, 1])
        cosine = (said[:, :2] * targets[:, :2]).sum(axis=1) / np.maximum(lengths, 1e-9)
        time = found.step / 20.0
        means = [cosine[touches & late & far & (time >= a) & (time < b)].mean() for a, b in SPANS]
        print(f"{label}: {'  '.join(f'{mean:.2f}' for mean in means)}", flush=True)

    print("mean cosine by the time since the start:", ", ".join(f"{a:g} to {b:g} s" for a, b in SPANS))
    for label, variant in variants.items():
        inputs = np.stack(list(variant.values()), axis=1)
        show(label, taught(inputs, list(variant), targets, np.flatnonzero(touches & ~late)))
    inputs = np.stack(list(now.values()), axis=1)
    for width in (64, 128):
        said = taught_in_order(found, inputs, list(now), targets, touches & ~late, width)
        show(f"the first, and a GRU of {width} over all steps", said)


if __name__ == "__main__":
    main()
