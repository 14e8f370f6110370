"""Training of the recogniser's network, plain or with one of several kinds of regularisation."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from assembly_rl.controllers.insertion.symmetry import Transformation, symmetries
from assembly_rl.controllers.recognition import STATES
from assembly_rl.controllers.validation import AXES, InputError, unknown
from assembly_rl.recognition.network import Pretext, RecognizerNetwork
from assembly_rl.recognition.samples import Samples

BATCH, RATE, DECAY = 256, 2e-3, 1e-2
"""Samples of a batch, first learning rate, and weight decay."""

BIAS = 0.05
"""Deviation of the constant error of each wrench channel in the augmentation, in the channel's scale."""


@dataclass(frozen=True)
class Variant:
    """Regularisation of a training.

    Attributes:
        dropout: Probability with which a value of a hidden feature map is dropped.
        augmented: True to turn and reflect each batch, and to add constant errors to its wrenches.
        tasks: Pretext tasks; see ``Pretext``.
    """

    dropout: float = 0.0
    augmented: bool = False
    tasks: tuple[str, ...] = ()


VARIANTS = {
    "plain": Variant(),
    "dropout": Variant(dropout=0.2),
    "augmentation": Variant(augmented=True),
    "segments": Variant(tasks=("segments",)),
    "channels": Variant(tasks=("channels",)),
    "both": Variant(tasks=("segments", "channels")),
    "augmentation_both": Variant(augmented=True, tasks=("segments", "channels")),
}
"""Variants by name."""


def channel_symmetries() -> list[tuple[Transformation, Transformation, Transformation]]:
    """Return the eight symmetries of channels, present pose and planar vectors, identity first."""
    wrench = ("fx", "fy", "fz", "mx", "my", "mz")
    found = []
    for own, pose, plane in zip(symmetries(wrench), symmetries(AXES), symmetries(("x", "y")), strict=True):
        sources = np.concatenate((own.source, pose.source + 6, pose.source + 12))
        signs = np.concatenate((own.signs, pose.signs, pose.signs))
        present = Transformation(np.append(pose.source, 6), np.append(pose.signs, np.float32(1.0)))
        found.append((Transformation(sources, signs), present, plane))
    return found


class Batches:
    """Random batches in which all contact states are equally frequent.

    Args:
        samples: Samples.
        variant: Variant, of which the augmentation is used.
        seed: Seed of the draws.

    Raises:
        ValueError: A contact state does not occur.
    """

    def __init__(self, samples: Samples, variant: Variant, seed: int) -> None:
        self._samples, self._augmented = samples, variant.augmented
        self._rng = np.random.default_rng([seed, 5])
        self._rows = [np.flatnonzero(samples.states == number) for number in range(len(STATES))]
        missing = [name for name, rows in zip(STATES, self._rows, strict=True) if not len(rows)]
        if missing:
            raise InputError(f"no sample has the contact state {missing[0]!r}: record more episodes")
        self._symmetries = channel_symmetries()

    def draw(self) -> dict[str, Tensor]:
        """Draw a batch."""
        rng, data = self._rng, self._samples
        chosen = rng.integers(len(STATES), size=BATCH)
        share = rng.random(BATCH)
        rows = np.array(
            [
                self._rows[state][int(at * len(self._rows[state]))]
                for state, at in zip(chosen, share, strict=True)
            ]
        )
        channels, present = data.channels[rows], data.present[rows]
        offsets, sides = data.offsets[rows], data.sides[rows]
        if self._augmented:
            number = int(rng.integers(len(self._symmetries)))
            turn, turn_present, turn_plane = self._symmetries[number]
            channels = turn.signs[:, None] * channels[:, turn.source]
            channels[:, :6] += BIAS * rng.normal(size=(BATCH, 6, 1)).astype(np.float32)
            present, offsets, sides = turn_present(present), turn_plane(offsets), turn_plane(sides)
        return {
            "channels": torch.from_numpy(channels),
            "present": torch.from_numpy(present),
            "states": torch.from_numpy(data.states[rows]),
            "kinds": torch.from_numpy(data.kinds[rows]),
            "offsets": torch.from_numpy(offsets),
            "sides": torch.from_numpy(sides),
        }


class RecognizerTraining:
    """Training of a network, step by step; all randomness is a function of the seed.

    Args:
        samples: Samples.
        variant: Name of a variant, of ``VARIANTS``.
        kinds: Number of kinds of sections.
        steps: Steps of the whole training, over which the learning rate falls to zero.
        seed: Seed.

    Raises:
        ValueError: The variant is unknown, or a contact state does not occur.
    """

    def __init__(self, samples: Samples, variant: str, kinds: int, steps: int, seed: int) -> None:
        if variant not in VARIANTS:
            raise InputError(unknown("variant", variant, list(VARIANTS)))
        own = VARIANTS[variant]
        torch.manual_seed(seed)
        self.network = RecognizerNetwork(kinds, own.dropout)
        self._pretext = Pretext(own.tasks) if own.tasks else None
        parameters = list(self.network.parameters())
        if self._pretext is not None:
            parameters += list(self._pretext.parameters())
        self._optimizer = torch.optim.AdamW(parameters, RATE, weight_decay=DECAY, fused=True)
        self._schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self._optimizer, steps)
        self._batches = Batches(samples, own, seed)

    def step(self) -> float:
        """Take a step on a new batch, and return its loss."""
        batch = self._batches.draw()
        if self._pretext is None:
            hidden = self.network.hidden(batch["channels"], batch["present"])
            loss = main_loss(self.network.outputs(hidden), batch)
        else:
            drop = self._pretext.draw(len(batch["states"]))
            hidden = self.network.hidden(batch["channels"], batch["present"], drop)
            intact = slice(len(drop.parts), None)
            loss = main_loss(
                self.network.outputs(hidden[intact]), {name: values[intact] for name, values in batch.items()}
            )
            loss = loss + self._pretext.loss(hidden, batch["states"], drop)
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        self._schedule.step()
        return float(loss.detach())


def main_loss(outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
    """Return the loss of the recogniser's own outputs.

    It is the cross-entropy of the states, a tenth of that of the kinds, and twice the Huber losses of the
    offset and of the side, of the latter where there is a contact.
    """
    touching = (batch["sides"] != 0.0).any(dim=1, keepdim=True)
    side = functional.smooth_l1_loss(outputs["side"] * touching, batch["sides"])
    return (
        functional.cross_entropy(outputs["state"], batch["states"])
        + 0.1 * functional.cross_entropy(outputs["kind"], batch["kinds"])
        + 2.0 * functional.smooth_l1_loss(outputs["offset"], batch["offsets"])
        + 2.0 * side
    )


def train(
    samples: Samples,
    variant: str,
    kinds: int,
    steps: int,
    seed: int,
    progress: Callable[[int], object] | None = None,
) -> RecognizerNetwork:
    """Train a network; arguments as in ``RecognizerTraining``.

    Args:
        samples: Samples.
        variant: Name of a variant.
        kinds: Number of kinds of sections.
        steps: Steps.
        seed: Seed.
        progress: Function called with 1 after each step.
    """
    training = RecognizerTraining(samples, variant, kinds, steps, seed)
    training.network.train()
    for _ in range(steps):
        training.step()
        if progress is not None:
            progress(1)
    return training.network.eval()
