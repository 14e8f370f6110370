"""Loading of trained policies from run directories, without a simulation or seeding."""

from pathlib import Path

from assembly_rl.evaluation import LearnedPolicy
from assembly_rl.learners.actor import ActorWeights
from assembly_rl.runs import RunDirectory, RunError
from assembly_rl.runs.checkpoint import read_policy
from assembly_rl.training.config import TrainConfig


def read_config(run: RunDirectory) -> TrainConfig:
    """Return the configuration of a run.

    Raises:
        RunError: This version refuses the run's configuration; the message names the value.
    """
    try:
        return TrainConfig.from_mapping(run.config)
    except (TypeError, KeyError) as error:
        raise RunError(f"{run.path / 'run.json'} holds no configuration of a training: {error}") from error


def load_actor(run: RunDirectory) -> ActorWeights:
    """Read the actor of a run's best policy.

    Raises:
        RunError: There is no best policy yet, or its file is damaged.
    """
    if not run.best.is_dir():
        raise RunError(f"{run.path} has no best policy yet: let its training come to a validation")
    return ActorWeights.from_state(read_policy(run.best))


def load_policy(run: RunDirectory | str | Path) -> LearnedPolicy:
    """Load the best policy of a run.

    Args:
        run: Run or its folder.

    Raises:
        RunError: There is no such run, it has no best policy yet, or a file is damaged.
    """
    own = run if isinstance(run, RunDirectory) else RunDirectory.open(run)
    return LearnedPolicy(load_actor(own).network())
