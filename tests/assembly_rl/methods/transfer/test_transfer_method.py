"""A training that starts from another run: what it takes over, and what it refuses."""

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from assembly_rl.configuration.composition import train_config
from assembly_rl.runs import RunDirectory, RunError, read_rows
from assembly_rl.runs.checkpoint import read_policy
from assembly_rl.training.config import TrainConfig
from assembly_rl.training.create import create_run, prepare
from assembly_rl.training.trainer import train_run


def student(source: RunDirectory, *overrides: str) -> TrainConfig:
    return train_config(
        "algo=td3", "algo.network=[8]", "algo.batch_size=16", "steps=20", "checkpoint_every=20",
        "evaluation.every=20", "evaluation.episodes=1", "evaluation.held_out=1", "pictures=false",
        "task.limits.time=0.5", f"transfer.run={source.path}", "transfer.warm_up=5", "transfer.anneal=5",
        *overrides,
    )  # fmt: skip


def trained(config: TrainConfig, path: Path) -> tuple[RunDirectory, str]:
    """Train in a new directory; return the run and what was shown."""
    config, methods = prepare(config)
    run, shown = create_run(config, methods, path), io.StringIO()
    train_run(run, config, console=Console(file=shown, width=200), processes=1)
    return run, shown.getvalue()


def first_policy(run: RunDirectory) -> dict[str, np.ndarray]:
    """The networks of the first checkpoint, which is taken before anything is learned."""
    first = min(run.checkpoints.glob("step_*"))
    assert first.name == "step_0000000000"
    return {name: value.numpy() for name, value in read_policy(first).items()}


OTHER_NETWORKS = "the source has other networks: the student starts from random ones and is distilled"


def test_networks_of_the_same_shapes_are_taken_over(source: RunDirectory, tmp_path: Path) -> None:
    run, shown = trained(student(source), tmp_path / "run")
    assert OTHER_NETWORKS not in shown
    before, expected = first_policy(run), read_policy(source.best)
    assert before.keys() == expected.keys()
    for name, value in before.items():
        np.testing.assert_array_equal(value, expected[name].numpy(), err_msg=name)
    assert [row["step"] for row in read_rows(run.evaluations)] == [0, 20]


@pytest.mark.parametrize("change", ["algo.network=[6,6]", "method.actor=[9]"])
def test_other_networks_are_told_and_distilled(source: RunDirectory, tmp_path: Path, change: str) -> None:
    run, shown = trained(student(source, change), tmp_path / "run")
    assert OTHER_NETWORKS in shown
    before, expected = first_policy(run), read_policy(source.best)
    assert (before["actor.mu.0.bias"].shape) != expected["actor.mu.0.bias"].shape
    assert (run.path / "result.json").is_file()


@pytest.mark.parametrize("change", ["algo.network=[6,6]", "method.actor=[9]"])
def test_other_networks_without_distillation_would_take_over_nothing(
    source: RunDirectory, tmp_path: Path, change: str
) -> None:
    message = f"{source.path} has other networks than this training, and with transfer.weights=none nothing"
    with pytest.raises(RunError, match=message):
        trained(student(source, change, "transfer.weights=none"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_without_distillation_the_policy_is_fine_tuned(source: RunDirectory, tmp_path: Path) -> None:
    run, _ = trained(student(source, "transfer.weights=none"), tmp_path / "run")
    assert (run.path / "result.json").is_file()


def test_the_student_has_the_law_of_its_source_and_gradient_steps_of_its_own(source: RunDirectory) -> None:
    config, _ = prepare(student(source, "transfer.gradient_steps=2"))
    own = source.config["task"]
    assert config.task.compliance.damping == own["compliance"]["damping"] == [820, 820, 800, 11, 11, 11]
    assert (config.algo.gradient_steps, config.algo.learning_starts) == (2, 0)  # type: ignore[attr-defined]
    same = student(source, "task.compliance.damping=[820,820,800,11,11,11]")
    assert prepare(same)[0].task.compliance == config.task.compliance


def test_another_law_than_that_of_the_source_is_refused(source: RunDirectory) -> None:
    with pytest.raises(ValueError, match="task.compliance differs from the one that the policy was trained"):
        prepare(student(source, "task.compliance.damping=[830,830,800,11,11,11]"))
