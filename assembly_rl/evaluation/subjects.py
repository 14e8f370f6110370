"""What commands evaluate: runs and baselines, and the conditions they meet."""

from dataclasses import dataclass, replace
from pathlib import Path

from stable_baselines3.common.policies import BasePolicy

from assembly_rl.configuration.schema import ControllerConfig, composed, names, train_config, unknown
from assembly_rl.controllers.insertion.action import ActionConfig
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.geometry.files import SUFFIXES, read_part
from assembly_rl.evaluation import Agent, GuidedAgent, LearnedAgent
from assembly_rl.learners import extract_actor, make_model
from assembly_rl.learners.config import OffPolicyConfig
from assembly_rl.runs import RunDirectory, load_policy
from assembly_rl.training.environments import make_environments


@dataclass
class Subject:
    """A controller to be evaluated: its agent and the task as it plays it."""

    name: str
    agent: Agent
    task: TaskConfig


def load_geometry(name: str) -> PegHole:
    """A part of conf/geometry by name, or from a file; a ValueError lists the known ones and the closest."""
    if name.endswith(SUFFIXES):
        return PegHole(**read_part(Path(name)))
    if name not in names("geometry"):
        raise ValueError(unknown("geometry", name, names("geometry")))
    return train_config(composed("train", f"geometry={name}")).geometry.part()


def guided(name: str, controller: ControllerConfig, task: TaskConfig) -> Subject:
    """A baseline: its own compliance law, and wrench set-points within the default scale."""
    action = ActionConfig()
    task = replace(task, compliance=controller.compliance, action=action)
    return Subject(name, GuidedAgent(controller.make_guidance(), list(action.wrench)), task)


def load_agent(run: RunDirectory) -> LearnedAgent:
    """The best policy of a run."""
    return LearnedAgent(extract_actor(load_best(run)))


def load_best(run: RunDirectory) -> BasePolicy:
    """The same with its critics, as stable-baselines3 has it; this seeds everything random."""
    config = train_config(run.config)
    small = config.algo
    if isinstance(small, OffPolicyConfig):
        small = replace(small, buffer_size=1)  # nothing is going to be learned
    environments = make_environments(config.geometry.part(), config.task, 1)
    model = make_model(small, environments, config.seed, method=config.method)
    environments.close()
    load_policy(model.policy, run.best)
    return model.policy


def learned(run: RunDirectory, agent: LearnedAgent, task: TaskConfig) -> Subject:
    """A run's agent, with the law, action, observation and rates that it was trained with."""
    return Subject(run.path.name, agent, as_trained(train_config(run.config).task, task))


def as_trained(own: TaskConfig, task: TaskConfig) -> TaskConfig:
    """The conditions of a task, met with the law, action, observation and rates of another one."""
    return replace(
        task,
        compliance=own.compliance,
        admittance=own.admittance,
        action=own.action,
        observation=own.observation,
        policy_rate=own.policy_rate,
        control_rate=own.control_rate,
        coordinates=own.coordinates,
    )
