"""A short training that others start from."""

import pytest

from assembly_rl.configuration.composition import train_config
from assembly_rl.runs import RunDirectory
from assembly_rl.training.create import create_run, prepare
from assembly_rl.training.trainer import train_run

TASK = ["task.limits.time=0.5", "task.compliance.damping=[820,820,800,11,11,11]"]


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run of TD3 with a law of its own, and with three gradient steps for each policy step."""
    config, methods = prepare(
        train_config(
            "algo=td3", "algo.network=[8]", "algo.batch_size=16", "algo.learning_starts=20",
            "algo.gradient_steps=3", "steps=40", "checkpoint_every=40", "evaluation.every=40",
            "evaluation.episodes=1", "evaluation.held_out=1", "pictures=false", *TASK,
        )
    )  # fmt: skip
    run = create_run(config, methods, tmp_path_factory.mktemp("source") / "source")
    train_run(run, config, processes=1)
    return run
