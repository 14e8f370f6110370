"""Initialisation from another run: ETCL for the compliance law, WDPD for the policy."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm

from assembly_rl.controllers.etcl import reconfigure
from assembly_rl.controllers.validation import AXES, InputError
from assembly_rl.envs.probing import probe_contact
from assembly_rl.evaluation.candidates import as_trained, require_as_trained, require_same_interface
from assembly_rl.learners.config import HiddenLayers, OffPolicyConfig
from assembly_rl.learners.off_policy import Learner
from assembly_rl.learners.replay_buffer import PackedReplayBuffer
from assembly_rl.methods.transfer.config import TransferConfig
from assembly_rl.methods.transfer.contact import (
    FREE_RATE,
    contact_rates,
    contact_stiffness,
    is_stable,
    stiffness_of,
)
from assembly_rl.methods.transfer.distillation import DistillationPhases, require_weights
from assembly_rl.methods.transfer.source import Source
from assembly_rl.methods.transfer.teacher import Teacher
from assembly_rl.methods.transfer.weights import by_compliance, normalised
from assembly_rl.runs import RunDirectory, RunError
from assembly_rl.runs.checkpoint import load_replay
from assembly_rl.runs.checks import require_count
from assembly_rl.runs.files import read_json, write_json
from assembly_rl.runs.parts import Tensors
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.method import Method, Phases, TrainingContext

FORMAT = 1
FILE = "transfer.json"
"""File in a run directory with probed contacts, the resulting law, and the weights of the distillation."""
TEACHER = "teacher"
"""Folder in a run directory with the files of the source that its policy needs."""


def create(config: TransferConfig) -> Method:
    """Create the method; without a source it does nothing."""
    return Method(config) if config.run is None else Transfer(config)


class Transfer(Method):
    """Start of a training from the best policy of another run.

    Args:
        config: Configuration; its ``run`` is the source.

    Attributes:
        content: Content of ``transfer.json``, available after ``configure``.
    """

    def __init__(self, config: TransferConfig) -> None:
        self._config = config
        self.content: dict[str, Any] = {}

    def configure(self, config: TrainConfig) -> TrainConfig:
        """Return the configuration of the student.

        The task keeps its conditions and adopts law, action, observation and rates of the source. With ETCL
        the contacts of both parts are probed, and the law is reconfigured for the new part.

        Raises:
            ValueError: The source has another algorithm, the task requests another law than the source's,
                the networks differ without a distillation, or no law is stable.
            RunError: The source is not a run.
        """
        own, algo = self._config, config.algo
        assert own.run is not None
        source = Source.open(own.run)
        if source.config.algo.name != algo.name:
            raise InputError(
                f"{source.run.path} learned with algo={source.config.algo.name}, not with {algo.name}: a "
                "student learns with its teacher's algorithm"
            )
        if own.reconfigured:
            require_same_interface(source.config.task, config.task)
        else:
            require_as_trained(
                source.config.task,
                config.task,
                or_else="or give transfer.reconfigured=true transfer.etcl=false",
            )
        if own.weights == "none" and _hidden_layers(config) != _hidden_layers(source.config):
            raise RunError(
                f"{source.run.path} has other networks than this training, and with "
                "transfer.weights=none nothing of its policy would be used: give algo.network and "
                "method as the source has them"
            )
        if source.several_parts and own != for_several_parts(own):
            raise InputError(
                f"{own.run} learned several parts and has no contact or transitions of one: give "
                "transfer.etcl=false transfer.weights=uniform (or none) transfer.replay=false"
            )
        if isinstance(algo, OffPolicyConfig):
            # No random actions are needed.
            algo = replace(algo, learning_starts=0, gradient_steps=own.gradient_steps)
        part = config.geometry.part()
        task = config.task if own.reconfigured else as_trained(source.config.task, config.task)
        if source.several_parts:
            weights = distillation_weights(own, config.seed, np.ones(6), np.ones(6))
            self.content = {
                "format": FORMAT, "source": str(source.run.path), "probing_steps": 0,
                "weights": weights.tolist(),
            }  # fmt: skip
            return replace(config, algo=algo, task=task)
        old_part, old_task = source.config.geometry.part(), source.config.task
        probes = probe_contact(part, task)
        old, new = contact_stiffness(old_part, old_task), stiffness_of(probes)
        law = old_task.law()
        content: dict[str, Any] = {
            "format": FORMAT,
            "source": str(source.run.path),
            "probing_steps": probes.steps,
            "stiffness": {"old": old.matrix.tolist(), "new": new.matrix.tolist()},
        }
        before = contact_rates(law, old.matrix)
        if own.etcl:
            found = reconfigure(
                law,
                old.matrix,
                new.matrix,
                stable=lambda candidate: is_stable(candidate, task),
                floor=FREE_RATE,
            )
            before_it = np.eye(6) if task.coordinates is None else np.array(task.coordinates)
            task = replace(task, coordinates=(before_it @ found.coordinates).tolist())
            content["etcl"] = found.content()
            law = found.law
        weights = distillation_weights(own, config.seed, before, contact_rates(law, new.matrix))
        content["weights"] = weights.tolist()
        self.content = content
        return replace(config, algo=algo, task=task)

    def created(self, run: RunDirectory) -> None:
        """Write the probed contacts and the weights, and copy the policy of the source."""
        write_json(run.path / FILE, self.content)
        Source.open(self.content["source"]).copy_to(run.path / TEACHER)

    def build(self, model: BaseAlgorithm) -> None:
        """Set the actor's learning rate and the average of its weights from the configuration."""
        if isinstance(model, Learner):
            model.actor_rate = self._config.actor_rate
            model.average_over(self._config.averaged_over)

    def first_kept_step(self, config: TrainConfig) -> int:
        """Return -1: the initial policy is validated and can be kept."""
        return -1

    def phases(self, context: TrainingContext) -> Phases:
        """Return the actions of the method during a training."""
        return TransferPhases(self._config, context)


class TransferPhases(Phases):
    """Transfer of the source's networks and transitions to a new model, and distillation of its policy.

    Args:
        config: Configuration.
        context: Training.
    """

    def __init__(self, config: TransferConfig, context: TrainingContext) -> None:
        self._config, self._context = config, context
        self._content = read_transfer(context.run.path / FILE)
        self._source = Source.open(context.run.path / TEACHER)
        self._distillation: DistillationPhases | None = None

    def begin(self) -> None:
        """Initialise the model, and start the distillation."""
        model = self._context.model
        if not _copy_networks(model, self._source.weights()):
            self._context.show(
                "  the source has other networks: the student starts from random ones and is distilled"
            )
        if self._config.replay and self._context.config.algo.off_policy:
            load_replay(model, RunDirectory.open(self._content["source"]).latest_checkpoint())
            buffer = getattr(model, "replay_buffer", None)
            assert isinstance(buffer, PackedReplayBuffer)
            buffer.keep_as_prior_data()
        self._start_distillation()

    def after_load(self) -> None:
        """Resume the distillation."""
        self._start_distillation()

    def before_rollout(self) -> None:
        """Update the weights and the loss of the distillation."""
        if self._distillation is not None:
            self._distillation.before_rollout()

    def after_rollout(self) -> None:
        """Distil on a rollout of PPO."""
        if self._distillation is not None:
            self._distillation.after_rollout()

    def _start_distillation(self) -> None:
        if self._config.weights == "none":
            return
        weights, teacher = np.array(self._content["weights"]), Teacher(self._source.actor())
        self._distillation = DistillationPhases(self._context.model, teacher, weights, self._config)


def for_several_parts(config: TransferConfig) -> TransferConfig:
    """Return the configuration for a source that learned several parts.

    It has no contact to reconfigure a law from, nor transitions of one part.
    """
    weights = config.weights if config.weights in ("uniform", "none") else "uniform"
    return replace(config, etcl=False, weights=weights, replay=False)


def read_transfer(path: Path) -> dict[str, Any]:
    """Read ``transfer.json``.

    Raises:
        RunError: The file is missing or damaged.
    """
    content = read_json(path, FORMAT, {"source": str, "probing_steps": int, "weights": list})
    require_weights(f"{path}: weights", content["weights"])
    require_count(f"{path}: probing_steps", content["probing_steps"])
    return content


def _hidden_layers(config: TrainConfig) -> HiddenLayers:
    """Return the hidden layers of a training's networks."""
    layers = HiddenLayers(list(config.algo.network), list(config.algo.network))
    found = config.method.create().hidden_layers(layers, len(AXES))
    return HiddenLayers(list(found.actor), list(found.critic))


def _copy_networks(model: BaseAlgorithm, weights: Tensors) -> bool:
    """Copy networks into a model if all their shapes are equal; masks and groups of the model are kept.

    Returns:
        True if the networks were copied.
    """
    own = dict(model.policy.named_parameters())
    fitting = {name: weights[name] for name in own if name in weights}
    if {name: value.shape for name, value in fitting.items()} != {
        name: value.shape for name, value in own.items()
    }:
        return False
    with torch.no_grad():
        model.policy.load_state_dict(fitting, strict=False)
    return True


def distillation_weights(
    config: TransferConfig, seed: int, before: NDArray[np.float64], after: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the weights of the distillation.

    Args:
        config: Rule of the weights.
        seed: Seed of shuffled weights.
        before: (6,) rates of the source's law in its contact [1/s].
        after: (6,) rates of the new law in the new contact [1/s].
    """
    if config.weights in ("uniform", "none"):
        return np.ones(6)
    weights = by_compliance(before, after, config.beta)
    if config.weights == "shuffled":
        weights = np.random.default_rng(seed).permutation(weights)
    return normalised(weights)
