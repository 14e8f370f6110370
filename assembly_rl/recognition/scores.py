"""Scores of a recogniser on samples."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from assembly_rl.controllers.recognition import RIM, STATES
from assembly_rl.controllers.recognition.recognizer import OFFSET_SCALE
from assembly_rl.recognition.episodes import Recording
from assembly_rl.recognition.network import RecognizerNetwork
from assembly_rl.recognition.samples import Samples

Array = NDArray[np.float32]

FAR = 5e-4
"""Offset from the hole [m] from which on its direction is scored."""

COARSE = np.array([0, 1, 1, 2, 2, 3, 4])
"""Group of each state: free, rim, hole, jammed, bottom."""


def confusion(true: NDArray[np.int64], found: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Return the share of each found class (columns) of each true class (rows); nan where there is none."""
    table = np.zeros((count, count))
    np.add.at(table, (true, found), 1.0)
    with np.errstate(invalid="ignore"):
        return np.asarray(table / table.sum(axis=1, keepdims=True))


def balanced_accuracy(true: NDArray[np.int64], found: NDArray[np.int64], count: int) -> float:
    """Return the mean share of each class that was found, over the classes that occur."""
    return float(np.nanmean(confusion(true, found, count).diagonal()))


def scores(outputs: dict[str, Array], samples: Samples) -> dict[str, float]:
    """Compute the scores of a network's outputs.

    Returns:
        ``states``, ``groups`` and ``kinds``: balanced accuracy of the contact states, of their groups (see
        ``COARSE``) and of the kinds; ``recall_...`` of each state; on the rim ``offset_cosine`` and
        ``offset_angle`` [deg], mean and median, of offsets of ``FAR`` or more, ``offset_error`` [mm], median,
        and ``side_cosine`` and ``side_angle``.
    """
    found = outputs["state"].argmax(axis=1)
    rim = np.isin(samples.states, [STATES.index(name) for name in RIM])
    far = rim & (np.hypot(*samples.offsets.T) * OFFSET_SCALE >= FAR)
    table = confusion(samples.states, found, len(STATES))
    error = np.hypot(*(outputs["offset"] - samples.offsets)[rim].T) * OFFSET_SCALE * 1e3
    offset, side = (
        _cosines(outputs[name][rows], true[rows])
        for name, true, rows in (("offset", samples.offsets, far), ("side", samples.sides, rim))
    )
    return {
        "states": float(np.nanmean(table.diagonal())),
        "groups": balanced_accuracy(COARSE[samples.states], COARSE[found], 5),
        "kinds": balanced_accuracy(samples.kinds, outputs["kind"].argmax(axis=1), outputs["kind"].shape[1]),
        **{f"recall_{name}": float(table[number, number]) for number, name in enumerate(STATES)},
        "offset_cosine": float(offset.mean()),
        "offset_angle": float(np.degrees(np.arccos(np.median(offset)))),
        "offset_error": float(np.median(error)),
        "side_cosine": float(side.mean()),
        "side_angle": float(np.degrees(np.arccos(np.median(side)))),
    }


def episode_errors(
    outputs: dict[str, Array], recording: Recording, least: int = 20
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the error of the hole's estimate in each episode, found and true, each (episodes, 2) [m].

    Found is the mean of ``Recognition.error`` over the policy steps that are recognised as on the rim.

    Args:
        outputs: Outputs of the network for the recording.
        recording: Recording.
        least: Least number of such steps of an episode that counts.
    """
    named = np.isin(outputs["state"].argmax(axis=1), [STATES.index(name) for name in RIM])
    poses = recording.readings[recording.ends - 1, 6:8].astype(np.float64)
    found, true = OFFSET_SCALE * outputs["offset"] - poses, recording.offsets - poses
    episodes = [
        rows
        for start in np.unique(recording.starts)
        if (rows := named & (recording.starts == start)).sum() >= least
    ]
    means = [(found[rows].mean(axis=0), true[rows].mean(axis=0)) for rows in episodes]
    return np.array([own for own, _ in means]), np.array([own for _, own in means])


def angles(found: NDArray[np.float64], true: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the angles [deg] between vectors (n, 2)."""
    return np.asarray(np.degrees(np.arccos(_cosines(found, true))))


def _cosines(found: NDArray[np.floating], true: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the cosines between vectors (n, 2)."""
    lengths = np.maximum(np.hypot(*found.T) * np.hypot(*true.T), 1e-12)
    return np.clip((found * true).sum(axis=1) / lengths, -1.0, 1.0).astype(np.float64)


def said(
    network: RecognizerNetwork, samples: Samples, together: int = 4096
) -> dict[str, NDArray[np.float32]]:
    """Return the outputs of a network for all samples, by head."""
    found: list[dict[str, Tensor]] = []
    network.eval()
    with torch.no_grad():
        for first in range(0, len(samples), together):
            span = slice(first, first + together)
            found.append(
                network(torch.from_numpy(samples.channels[span]), torch.from_numpy(samples.present[span]))
            )
    return {head: torch.cat([own[head] for own in found]).numpy() for head in found[0]}
