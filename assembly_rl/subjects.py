"""What commands evaluate: runs and baselines, and the conditions they meet."""

from __future__ import annotations

from dataclasses import dataclass, replace

from assembly_rl.cli import names
from assembly_rl.config import ControllerConfig, composed, train_config, unknown
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.config import ActionConfig
from assembly_rl.evaluation import Agent, GuidedAgent
from assembly_rl.runs import RunDirectory


@dataclass
class Subject:
    """A controller to be evaluated: its agent and the task as it plays it."""

    name: str
    agent: Agent
    task: TaskConfig


def load_geometry(name: str) -> PegHole:
    """A part of conf/geometry by name; a ValueError lists the known ones and the closest."""
    if name not in names("geometry"):
        raise ValueError(unknown("geometry", name, names("geometry")))
    return train_config(composed("train", f"geometry={name}")).geometry.part()


def guided(name: str, controller: ControllerConfig, task: TaskConfig) -> Subject:
    """A baseline: its own compliance law, and wrench set-points within the default scale."""
    action = ActionConfig()
    task = replace(task, compliance=controller.compliance, action=action)
    return Subject(name, GuidedAgent(controller.make_guidance(), list(action.wrench)), task)


def learned(run: RunDirectory, task: TaskConfig) -> Subject:
    """The best policy of a run, with the law, action and observation that it was trained with."""
    from assembly_rl.train import load_agent  # torch is not needed for baselines

    own = train_config(run.config).task
    task = replace(
        task,
        compliance=own.compliance,
        action=own.action,
        observation=own.observation,
        policy_rate=own.policy_rate,
        control_rate=own.control_rate,
    )
    return Subject(run.path.name, load_agent(run), task)
