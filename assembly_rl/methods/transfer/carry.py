"""What a training on a new part takes over from a run on another one."""

import hashlib
import shutil
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigvalsh
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy

from assembly_rl.configuration.schema import TrainConfig, train_config
from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.etcl import (
    ContactStiffness,
    floored,
    identify_contact_stiffness,
    reconfigure,
)
from assembly_rl.controllers.stability import ContactLoop
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.probing import Probes, probe_contact
from assembly_rl.evaluation.subjects import as_trained, load_best
from assembly_rl.learners.config import OffPolicyConfig
from assembly_rl.learners.off_policy import Learner
from assembly_rl.learners.replay import PackedReplayBuffer
from assembly_rl.methods.lcrl.builder import GRAPH
from assembly_rl.methods.lcrl.config import LCRLConfig
from assembly_rl.methods.transfer.config import TransferConfig
from assembly_rl.methods.transfer.evidence import require_evidence
from assembly_rl.methods.transfer.weights import by_compliance, normalised
from assembly_rl.runs import RunDirectory
from assembly_rl.runs.checkpoint import load_replay
from assembly_rl.runs.files import RunError, read_json, write_json
from assembly_rl.training.method import DenseConfig, LearningMethod

FORMAT = 1
FILE = "transfer.json"
"""In a run directory: what was probed, the law that followed, and the weights."""
TEACHER = "teacher"
"""In a run directory: the run that was carried over, as far as its policy needs it."""
CONTACT = 5.0
"""Rate [1/s] of a law in contact below which the contact counts as none."""


@dataclass(frozen=True)
class Carried:
    """A run that another one starts from.

    Attributes:
        run: Its folder.
        config: Its configuration.
    """

    run: RunDirectory
    config: TrainConfig

    @classmethod
    def open(cls, path: str | Path) -> "Carried":
        """Read it; a RunError or a ValueError where it is no finished run."""
        run = RunDirectory.open(path)
        if not run.best.is_dir():
            raise RunError(f"{path} has no best policy yet: let its training come to a validation")
        return cls(run, train_config(run.config))

    def policy(self) -> BasePolicy:
        """Its best policy."""
        return load_best(self.run)

    def student(self) -> LearningMethod:
        """How a student learns: with the same connections; in all dimensions."""
        own = self.config.method
        if isinstance(own, LCRLConfig):
            graph = self.run.path / GRAPH
            shared = {f.name: getattr(own, f.name) for f in fields(LCRLConfig) if f.name != "name"}
            return LCRLConfig(**shared | {"graph": str(graph), "relearn_every": None})
        return DenseConfig(actor=own.actor) if isinstance(own, DenseConfig) else DenseConfig()


def carry_over(config: TrainConfig) -> tuple[TrainConfig, dict[str, Any]]:
    """The configuration of a training that starts from another run, and what it rests on.

    The task keeps its conditions and takes law, action, observation and rates from the source. With ETCL the
    contacts of both parts are probed, and the law is reconfigured by what is found.

    Raises:
        ValueError: Another algorithm than the source's, or a law that is not stable.
        RunError: The source is no run.
    """
    assert config.transfer.run is not None
    source = Carried.open(config.transfer.run)
    if source.config.algo.name != config.algo.name:
        raise ValueError(
            f"{source.run.path} learned with algo={source.config.algo.name}, not with {config.algo.name}: a "
            "student learns with its teacher's algorithm"
        )
    own, algo = config.transfer, config.algo
    require_evidence(own.weights, own.warm_up, own.replay, isinstance(algo, OffPolicyConfig))
    if isinstance(algo, OffPolicyConfig):
        # It need not begin at random.
        algo = replace(algo, learning_starts=0, gradient_steps=own.gradient_steps)
    part, task = config.geometry.part(), as_trained(source.config.task, config.task)
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
    before = gains(law, old.matrix)
    if config.transfer.etcl:
        found = reconfigure(
            law, old.matrix, new.matrix, stable=lambda candidate: holds(candidate, task), floor=CONTACT
        )
        before_it = np.eye(6) if task.coordinates is None else np.array(task.coordinates)
        task = replace(task, coordinates=(before_it @ found.coordinates).tolist())
        content["etcl"] = found.content()
        law = found.law
    weights = first_weights(config, before, gains(law, new.matrix))
    content["weights"] = weights.tolist()
    return replace(config, algo=algo, task=task), content


def contact_stiffness(part: PegHole, task: TaskConfig) -> ContactStiffness:
    """What probing finds of a part in its hole."""
    return stiffness_of(probe_contact(part, task))


def stiffness_of(probes: Probes) -> ContactStiffness:
    """K_e of what probing recorded."""
    return identify_contact_stiffness(probes.offsets, probes.wrenches)


def contact_distance(source: Carried, new: ContactStiffness) -> float:
    """How far a new contact is from that of a source's part, as its law feels them.

    The affine-invariant distance of positive definite matrices: root of the sum of squared logarithms of the
    generalised eigenvalues of one and the other. Directions in which a contact is too soft to count are
    alike.
    """
    law = source.config.task.law()
    old = contact_stiffness(source.config.geometry.part(), source.config.task)
    one, other = (floored(of.matrix, law.damping, CONTACT) for of in (old, new))
    return float(np.linalg.norm(np.log(eigvalsh(one, other))))


@lru_cache
def source_digest(path: str) -> str:
    """SHA-256 (hex) of the policy that a run would be carried over with; a RunError where it has none."""
    best = Carried.open(path).run.best
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(best.iterdir()))).hexdigest()


def holds(law: ComplianceLaw, task: TaskConfig) -> bool:
    """Whether the environment accepts a law: also its softest, against the robot's own stiffness."""
    if not task.compliance.check_contact:
        return True
    softest = replace(law, damping=law.damping * task.randomization.gains[0])
    own, contact = task.admittance, task.stiffest_contact()
    return ContactLoop(
        softest, task.control_rate, contact, own.cutoff, own.discretization, own.selected_axes
    ).is_stable()


def gains(law: ComplianceLaw, stiffness: NDArray[np.float64]) -> NDArray[np.float64]:
    """``diag(C K_e)`` (6,) with C the inverse of the damping [1/s]."""
    return np.array(np.diag(np.linalg.solve(law.damping, stiffness)))


def first_weights(
    config: TrainConfig, before: NDArray[np.float64], after: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Of the distillation, as far as they are known before the first step."""
    rule = config.transfer.weights
    if rule not in ("compliance", "shuffled"):
        return np.ones(6)
    weights = by_compliance(before, after, config.transfer.beta)
    if rule == "shuffled":
        weights = np.random.default_rng(config.seed).permutation(weights)
    return normalised(weights)


def keep(run: RunDirectory, content: dict[str, Any]) -> None:
    """Write what a training rests on into its folder, with the policy that it starts from."""
    write_json(run.path / FILE, content)
    source, own = Path(content["source"]), run.path / TEACHER
    best = RunDirectory.open(source).best
    (own / "checkpoints").mkdir(parents=True)
    shutil.copyfile(source / "run.json", own / "run.json")
    shutil.copytree(best, own / "checkpoints" / best.name)


@dataclass(frozen=True)
class Kept:
    """What ``keep`` wrote.

    Attributes:
        content: Of the file.
        policy: The source's best one.
    """

    content: dict[str, Any]
    policy: BasePolicy


def kept(run: RunDirectory) -> Kept:
    """Read it; this makes a model, which seeds everything random."""
    return Kept(read_json(run.path / FILE, FORMAT), Carried.open(run.path / TEACHER).policy())


def steady(model: BaseAlgorithm, config: TransferConfig) -> None:
    """Let a new model's actor move as slowly as the configuration says, and average it."""
    if isinstance(model, Learner):
        model.actor_rate = config.actor_rate
        if config.averaged_over:
            model.average_over(config.averaged_over)


def begin(model: BaseAlgorithm, source: Kept, config: TrainConfig) -> None:
    """Give a new model the networks of the source, where they fit, and what the source visited."""
    own, other = (dict(policy.named_parameters()) for policy in (model.policy, source.policy))
    if {name: value.shape for name, value in own.items()} == {
        name: value.shape for name, value in other.items()
    }:
        model.policy.load_state_dict(other, strict=False)  # masks and ties stay the model's own
    if config.transfer.replay and isinstance(config.algo, OffPolicyConfig):
        load_replay(model, RunDirectory.open(source.content["source"]).latest_checkpoint())
        buffer = cast(OffPolicyAlgorithm, model).replay_buffer
        assert isinstance(buffer, PackedReplayBuffer)
        buffer.set_apart()
