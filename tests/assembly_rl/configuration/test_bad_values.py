"""Every field of every configuration with bad values: each works, or is refused in one line."""

import copy
import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, get_args, get_type_hints

import gymnasium
import numpy as np
import pytest
from omegaconf import OmegaConf
from stable_baselines3.common.vec_env import DummyVecEnv

from assembly_rl.cli.config import EvalConfig, ExportConfig, GraphConfig, PartConfig, PlanConfig, ReplayConfig
from assembly_rl.configuration.composition import converted
from assembly_rl.configuration.keys import assign
from assembly_rl.controllers.validation import InputError
from assembly_rl.learners.config import (
    ALGORITHMS,
    AlgorithmConfig,
    DDPGConfig,
    HiddenLayers,
    PPOConfig,
    SACConfig,
    TD3Config,
)
from assembly_rl.methods.transfer.workflow_config import TransferWorkflowConfig
from assembly_rl.planner.profile import KINDS, Profile
from assembly_rl.studies.config import BenchmarkConfig, ComparedMethodConfig, StudyConfig
from assembly_rl.training.config import EvaluationConfig, TrainConfig
from assembly_rl.training.method import METHODS

VALUES = [
    0, -1, 1, 2.5, math.nan, math.inf, -math.inf, 1e308, -1e308, 2**40, 10**300, True, None, "", "abc", "1e4",
    [], [0], [-1], [1.5], [math.nan] * 3, [1e308] * 6, [10**30], [[]], ["a"], [None], {}, {"a": 1},
]  # fmt: skip
OFF = {"network": [4], "batch_size": 4, "learning_starts": 4, "buffer_size": 50}
STUDY = StudyConfig("Why?", {"m": ComparedMethodConfig()})
PROFILE = Profile("one", "cuda", kernels=dict.fromkeys(KINDS, [1e-6] * 3), peak=1e12)
EXAMPLES: dict[type, Any] = {
    TrainConfig: TrainConfig(algo=SACConfig()),
    PartConfig: PartConfig(),
    PlanConfig: PlanConfig(algo=SACConfig()),
    TransferWorkflowConfig: TransferWorkflowConfig(source=["run"]),
    GraphConfig: GraphConfig(run="run"),
    ExportConfig: ExportConfig(run="run"),
    ReplayConfig: ReplayConfig("bundle", "recording"),
    StudyConfig: STUDY,
    BenchmarkConfig: BenchmarkConfig(STUDY),
    Profile: PROFILE,
    SACConfig: SACConfig(**OFF),
    TD3Config: TD3Config(**OFF),
    DDPGConfig: DDPGConfig(**OFF),
    PPOConfig: PPOConfig(network=[4], batch_size=4, rollout=8, epochs=1),
}
"""Configurations that have no defaults, or that learn in a moment."""


def reachable(kind: type) -> Iterator[type]:
    yield kind
    for hint in get_type_hints(kind).values():
        for inner in (hint, *get_args(hint)):
            if isinstance(inner, type) and is_dataclass(inner):
                yield from reachable(inner)


def kinds() -> list[type]:
    """All dataclasses of configurations that a command takes."""
    roots = [
        TrainConfig,
        TransferWorkflowConfig,
        EvalConfig,
        PartConfig,
        PlanConfig,
        GraphConfig,
        ExportConfig,
        ReplayConfig,
    ]
    roots += [BenchmarkConfig, *map(ALGORITHMS.get, ALGORITHMS.names()), *map(METHODS.get, METHODS.names())]
    found = dict.fromkeys(kind for root in roots for kind in reachable(root))
    return [kind for kind in found if kind is not AlgorithmConfig]


def accepted(kind: type) -> Iterator[tuple[str, Any, Any]]:
    """Field, value and configuration of each value that is not refused in one line."""
    example = EXAMPLES.get(kind) or kind()
    values = OmegaConf.structured(example)
    for field in fields(kind):
        before = copy.deepcopy(values._get_node(field.name))
        if OmegaConf.is_dict(before) and is_dataclass(OmegaConf.get_type(before)):
            continue  # has its own test
        for value in VALUES:
            try:
                assign(values, field.name, value)
                yield field.name, value, replace(example, **{field.name: converted(values, field.name)})
            except InputError as error:
                assert "\n" not in str(error)
            values[field.name] = before


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_no_value_of_a_field_ends_in_a_traceback(kind: type) -> None:
    assert list(accepted(kind))


class Still(gymnasium.Env[np.ndarray, np.ndarray]):
    observation_space = action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,))

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        return np.zeros(2, np.float32), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        return np.zeros(2, np.float32), 1.0, False, False, {}


@pytest.mark.parametrize(
    "kind", [SACConfig, TD3Config, DDPGConfig, PPOConfig], ids=lambda kind: kind.__name__
)
def test_every_accepted_hyperparameter_learns(kind: type[AlgorithmConfig]) -> None:
    for name, value, config in accepted(kind):
        if name in (
            "name",
            "symmetric",
            "symmetrized",
            "asymmetric",
        ):  # the latter ask more of an environment
            continue
        count = getattr(config, "update_every", 1)
        if count > 8:
            continue
        model = config.create(
            DummyVecEnv([Still] * count), HiddenLayers(config.network, config.network), seed=0
        )
        model.learn(16)
        weights = np.concatenate([part.detach().numpy().ravel() for part in model.policy.parameters()])
        assert np.isfinite(weights).all(), (name, value)


@pytest.mark.parametrize(
    ("kind", "changes", "told"),
    [
        (PPOConfig, {"batch_size": 1}, "batch_size must be >= 2, got 1"),
        (PPOConfig, {"rollout": 1}, "rollout must be >= 2, got 1"),
        (SACConfig, {"batch_size": 2.5}, "batch_size must be > 0 and <= 1000000, a whole number, got 2.5"),
        (SACConfig, {"network": [10**6]}, "network must be one or more widths >= 1 and <= 16384"),
        (SACConfig, {"tau": 2.0}, "tau must be <= 1, got 2.0"),
        (SACConfig, {"learning_rate": 1e308}, "learning_rate must be <= 1, got 1e"),
        (TrainConfig, {"seed": -1}, "seed must be >= 0, got -1"),
        (
            TrainConfig,
            {"seed": 2**40},
            "seed must be >= 0 and <= 2147483647, a whole number, got 1099511627776",
        ),
        (TrainConfig, {"steps": -5}, "steps must be > 0, got -5"),
        (TrainConfig, {"environments": 0}, "environments must be > 0, got 0"),
        (TrainConfig, {"environments": 10**6}, "environments must be > 0 and <= 1024"),
        (TrainConfig, {"device": "gpu"}, "unknown device 'gpu'"),
        (TrainConfig, {"run_dir": ""}, "run_dir must not be empty"),
        (
            TrainConfig,
            {"algo": SACConfig(name="td3")},
            "algo.name=td3 is the name of TD3Config, not of SACConfig",
        ),
        (EvaluationConfig, {"held_out": 0}, "held_out must be > 0, got 0"),
        (EvalConfig, {"processes": 0}, "processes must be > 0, got 0"),
        (EvalConfig, {"clearance": [math.nan]}, "clearance must be finite"),
        (ExportConfig, {"soc": "a; rm b"}, "soc must be the name of a chip"),
        (ExportConfig, {"gravity": [0.0]}, "gravity must be three finite numbers"),
        (PlanConfig, {"batches": [0]}, "batch_size must be > 0, got 0"),
        (StudyConfig, {"seeds": [-1]}, "seeds must be 0 to"),
        (StudyConfig, {"thresholds": {"success": math.nan}}, "threshold on success must be finite"),
        (Profile, {"peak": 0.0}, "peak must be > 0"),
        (Profile, {"kernels": {}}, "has no kernels.matrix"),
    ],
)
def test_the_refusal_names_the_bound(kind: type, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        replace(EXAMPLES.get(kind) or kind(), **changes)
