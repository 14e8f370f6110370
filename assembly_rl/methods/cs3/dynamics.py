"""Ensemble of one-step dynamics models, learned from transitions."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from assembly_rl.controllers.validation import InputError

Array = NDArray[np.float32]

MEMBERS = 5
"""Models of an ensemble, each fitted to a bootstrap sample of the transitions."""
WIDTHS = (64, 64)
STEPS = 1500
BATCH = 256
LEARNING_RATE = 2e-3


class Ensemble:
    """Ensemble of multilayer perceptrons that predict the change of a state, in batched products.

    Args:
        states: (transitions, states) states.
        actions: (transitions, actions) actions.
        changes: (transitions, states) changes to the next state.
        seed: Seed of weights and samples.

    Raises:
        ValueError: There are too few transitions, or the arrays differ in length.
    """

    def __init__(self, states: Array, actions: Array, changes: Array, seed: int) -> None:
        if not len(states) == len(actions) == len(changes) or len(states) < 2 * BATCH:
            raise InputError(
                f"a model needs at least {2 * BATCH} transitions, as many states, actions and changes, got "
                f"{len(states)}, {len(actions)} and {len(changes)}"
            )
        self._states, self._changes = _Scale(states), _Scale(changes)
        generator = torch.Generator().manual_seed(seed)
        sizes = (states.shape[1] + actions.shape[1], *WIDTHS, changes.shape[1])
        self._layers = [_layer(*pair, generator) for pair in zip(sizes, sizes[1:], strict=False)]
        inputs = self._inputs(states, actions)
        targets = torch.from_numpy(self._changes.scaled(changes))
        self._fit(inputs, targets, generator)

    def _inputs(self, states: Array, actions: Array) -> Tensor:
        return torch.from_numpy(np.concatenate([self._states.scaled(states), actions], axis=1))

    def _fit(self, inputs: Tensor, targets: Tensor, generator: torch.Generator) -> None:
        count = len(inputs)
        own = torch.randint(count, (MEMBERS, count), generator=generator)
        parameters = [tensor.requires_grad_() for layer in self._layers for tensor in layer]
        adam = torch.optim.Adam(parameters, lr=LEARNING_RATE, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(adam, LEARNING_RATE, total_steps=STEPS)
        for _ in range(STEPS):
            columns = torch.randint(count, (MEMBERS, BATCH), generator=generator)
            rows = own.gather(1, columns)
            loss = (self._forward(inputs[rows]) - targets[rows]).square().mean((1, 2)).sum()
            adam.zero_grad()
            loss.backward()
            adam.step()
            schedule.step()
        for tensor in parameters:
            tensor.requires_grad_(False)

    def _forward(self, values: Tensor) -> Tensor:
        last = len(self._layers) - 1
        for number, (weight, bias) in enumerate(self._layers):
            values = torch.baddbmm(bias, values, weight)
            values = torch.nn.functional.silu(values) if number < last else values
        return values

    def predict(self, states: Array, actions: Array) -> Array:
        """Return the predicted changes (members, rows, states)."""
        inputs = self._inputs(states, actions)
        with torch.no_grad():
            scaled = self._forward(inputs.expand(MEMBERS, -1, -1)).numpy()
        return self._changes.unscaled(scaled)


class _Scale:
    """Standardisation of each column to mean 0 and standard deviation 1; a constant column becomes 0."""

    def __init__(self, values: Array) -> None:
        self._mean = values.mean(0)
        self._spread = np.where(values.std(0) > 1e-9, values.std(0), 1.0).astype(np.float32)

    def scaled(self, values: Array) -> Array:
        return ((values - self._mean) / self._spread).astype(np.float32)

    def unscaled(self, values: Array) -> Array:
        return (values * self._spread + self._mean).astype(np.float32)


def _layer(inputs: int, outputs: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    bound = inputs**-0.5
    weight = torch.empty(MEMBERS, inputs, outputs).uniform_(-bound, bound, generator=generator)
    return weight, torch.zeros(MEMBERS, 1, outputs)
