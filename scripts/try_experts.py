"""Compare sparse experts with dense networks at equal steps, on parts that are drawn at each reset.

    python scripts/try_experts.py dense-128 dense-304 experts-8x88 --output rows.csv

``experts-8x88`` has eight experts of two layers of 88 in actor and critics, of which a router chooses two for
each state; it is as large as dense-304, and two of its experts are as large as dense-128. All learn by SAC of
stable-baselines3 with automatic differentiation, with symmetric batches and critics that see the simulator's
state, as ``experiment=generalist`` does. A bias of each expert keeps the load even (L. Wang et al.,
"Auxiliary-loss-free load balancing strategy for mixture-of-experts", 2024). A row of the file is a
validation; at the end the script prints what the actor's router tells of contact and part.
"""

import argparse
import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import stable_baselines3
import torch
from evaluate_parts import composed
from numpy.typing import NDArray
from scipy.stats import entropy
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from torch import Tensor, nn

from assembly_rl.envs import PegInHoleEnv
from assembly_rl.envs.privileged import PRIVILEGED_NAMES
from assembly_rl.evaluation import VALIDATION_SEED, Evaluator, worst_tenth
from assembly_rl.learners.asymmetric import AsymmetricSACPolicy
from assembly_rl.learners.environments import make_environments
from assembly_rl.learners.replay_buffer import PackedReplayBuffer
from assembly_rl.learners.symmetry import Augmentation

CHOSEN, BIAS_RATE = 2, 1e-3
"""Experts for each state, and step of the biases that keep the load even."""

TASK = (
    "experiment=generalist", "task=hard", "parts.size=[0.014,0.030]", "parts.clearance=[1e-4,1e-4]",
    "parts.more_of=[]", "parts.count=256", "task.symmetry.after=null", "task.physics.engine=mujoco",
)  # fmt: skip


class Experts(nn.Module):
    """Mixture of experts of two layers, of which a router chooses some for each input."""

    def __init__(self, inputs: int, count: int, width: int) -> None:
        super().__init__()
        self.router = nn.Linear(inputs, count)
        layers = [(inputs, width), (width, width)]
        self.weights = nn.ParameterList(
            [nn.Parameter(torch.empty(count, *size).uniform_(-1.0, 1.0) / size[0] ** 0.5) for size in layers]
        )
        self.biases = nn.ParameterList([nn.Parameter(torch.zeros(count, 1, width)) for _ in layers])
        self.running_bias: Tensor
        self.register_buffer("running_bias", torch.zeros(count))  # SB3 copies what is called so to the target

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the outputs of the chosen experts, added with the router's weights."""
        scores = self.router(inputs)
        chosen = (scores + self.running_bias).topk(CHOSEN, dim=1).indices
        shares = torch.zeros_like(scores).scatter(1, chosen, scores.gather(1, chosen).softmax(1))
        hidden = inputs[None].expand(len(self.running_bias), -1, -1)
        for weight, bias in zip(self.weights, self.biases, strict=True):
            hidden = torch.baddbmm(bias, hidden, weight).relu()
        if self.training and torch.is_grad_enabled():
            load = torch.zeros_like(self.running_bias)
            load.index_add_(0, chosen.flatten(), torch.ones(chosen.numel()))
            self.running_bias -= BIAS_RATE * torch.sign(load - load.mean())
        return torch.einsum("be,ebw->bw", shares, hidden)


class ExpertsPolicy(AsymmetricSACPolicy):
    """Policy of SAC with experts in place of the hidden layers."""

    def __init__(self, *arguments: Any, experts: int, **options: Any) -> None:
        self._experts = experts
        super().__init__(*arguments, **options)

    def make_actor(self, features_extractor: Any = None) -> Any:
        """Create the actor."""
        actor = super().make_actor(features_extractor)
        actor.latent_pi = Experts(actor.features_dim, self._experts, actor.mu.in_features)
        return actor

    def make_critic(self, features_extractor: Any = None) -> Any:
        """Create the critics."""
        critic = super().make_critic(features_extractor)
        dense: Any
        for number, dense in enumerate(critic.q_networks):
            own = nn.Sequential(
                Experts(dense[0].in_features, self._experts, dense[0].out_features), dense[-1]
            )
            setattr(critic, f"qf{number}", own)
            critic.q_networks[number] = own
        return critic


class SymmetricReplayBuffer(PackedReplayBuffer):
    """Replay buffer whose batches are turned and reflected."""

    augmentation: Augmentation
    batch: Tensor

    def sample(self, batch_size: int, env: Any = None) -> ReplayBufferSamples:
        """Return a batch; its size is that of the memory."""
        self.gather(self.augmentation.drawn)
        self.augmentation()
        first, second, third = self.columns
        whole = self.batch
        done = whole[:, third + 1] * (1.0 - whole[:, third + 2])
        return ReplayBufferSamples(
            whole[:, :first],
            whole[:, first:second],
            whole[:, second:third],
            done[:, None],
            whole[:, third, None],
        )


@dataclass
class ModulePolicy:
    """Deterministic policy of a torch actor."""

    actor: Any

    def act(
        self, observation: NDArray[np.float32], info: Mapping[str, Any] | None = None
    ) -> NDArray[np.float32]:
        """Return the action for an observation."""
        with torch.no_grad():
            mean = self.actor.mu(self.actor.latent_pi(torch.from_numpy(observation)[None]))
        return np.clip(mean.tanh()[0].numpy(), -1.0, 1.0)


def train(name: str, given: argparse.Namespace) -> list[dict[str, Any]]:
    """Train one kind of network, and return the rows of its validations."""
    config = composed(*TASK)
    kind, _, size = name.partition("-")
    count, _, width = size.rpartition("x")
    parts, algo = config.training_parts(), config.algo
    environments = make_environments(parts, config.task, 4, privileged=True)
    environment = PegInHoleEnv(parts[0], config.task)
    names = environment.observation_names
    options: dict[str, Any] = {"net_arch": [int(width)] * 2, "observed": len(names)}
    if kind == "experts":
        options["experts"] = int(count)
    model = stable_baselines3.SAC(
        ExpertsPolicy if kind == "experts" else AsymmetricSACPolicy, environments,
        learning_rate=algo.learning_rate, buffer_size=given.steps, learning_starts=algo.learning_starts,
        batch_size=algo.batch_size, tau=algo.tau, gamma=algo.gamma, train_freq=1, gradient_steps=2,
        ent_coef=algo.entropy, policy_kwargs=options, replay_buffer_class=SymmetricReplayBuffer,
        seed=given.seed, device="cpu",
    )  # fmt: skip
    buffer = model.replay_buffer
    assert isinstance(buffer, SymmetricReplayBuffer)
    buffer.batch = torch.zeros(algo.batch_size, buffer.columns[2] + 3)
    buffer.augmentation = Augmentation((*names, *PRIVILEGED_NAMES), buffer.batch)
    rows = []
    with Evaluator(1) as evaluator:
        for step in range(given.every, given.steps + 1, given.every):
            model.learn(given.every, reset_num_timesteps=False)
            policy = ModulePolicy(model.actor.eval())
            found = evaluator.evaluate_parts(
                config.validation_parts(), config.task, policy, 5, VALIDATION_SEED
            )
            success = float(np.mean([row["success"] for row in found]))
            size_of = [sum(own.numel() for own in part.parameters()) for part in (model.actor, model.critic)]
            rows.append(
                {"network": name, "seed": given.seed, "step": step, "success": success,
                 "worst_tenth": worst_tenth(found), "episodes": len(found),
                 "actor_parameters": size_of[0], "critic_parameters": size_of[1]}
            )  # fmt: skip
            print(rows[-1], flush=True)
    environments.close()
    if kind == "experts":
        tell(model.actor, config)
    return rows


def tell(actor: Any, config: Any) -> None:
    """Print how much the first choice of the router tells of contact and part: mutual information in bits."""
    seen: list[tuple[int, str, str]] = []
    for part in config.validation_parts():
        environment = PegInHoleEnv(part, config.task)
        observation, info = environment.reset(seed=VALIDATION_SEED)
        ended = False
        while not ended:
            with torch.no_grad():
                first = int(actor.latent_pi.router(torch.from_numpy(observation)[None]).argmax())
            force = float(np.linalg.norm(info["wrench"][:3]))
            state = "in the hole" if info["depth"] > 5e-4 else "on the rim" if force > 2.0 else "free"
            seen.append((first, state, part.label))
            observation, _, terminated, truncated, info = environment.step(
                ModulePolicy(actor).act(observation)
            )
            ended = terminated or truncated
        environment.close()
    for index, what in ((1, "contact"), (2, "part")):
        own = [row[index] for row in seen]
        keys = sorted(set(own))
        table = np.zeros((len(actor.latent_pi.running_bias), len(keys)))
        for row in seen:
            table[row[0], keys.index(row[index])] += 1.0
        table /= table.sum()
        told = entropy(table.sum(1), base=2) + entropy(table.sum(0), base=2) - entropy(table.ravel(), base=2)
        print(f"router tells {told:.2f} of {entropy(table.sum(0), base=2):.2f} bits of the {what}")
        if index == 1:
            for expert, line in enumerate(table):
                print(
                    f"  expert {expert}: "
                    + ", ".join(f"{k} {v:.3f}" for k, v in zip(keys, line, strict=True))
                )


def main() -> None:
    """Train the networks one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("networks", nargs="+")
    parser.add_argument("--steps", type=int, default=40_000)
    parser.add_argument("--every", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for name in given.networks:
        rows = train(name, given)
        new = not given.output.exists()
        with open(given.output, "a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            if new:
                writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
