from collections.abc import Iterator

import pytest

from assembly_rl.controllers.guidance import ReflexGuidance
from assembly_rl.envs import PegInHoleEnv
from assembly_rl.evaluation import GuidedPolicy
from assembly_rl.reports.trace import Trace, record_episode


@pytest.fixture(scope="session")
def environment() -> Iterator[PegInHoleEnv]:
    env = PegInHoleEnv(task={"limits": {"time": 0.6}}, render_mode="rgb_array")
    yield env
    env.close()


@pytest.fixture(scope="session")
def agent(environment: PegInHoleEnv) -> GuidedPolicy:
    return GuidedPolicy(ReflexGuidance(), environment.task.action.wrench)


@pytest.fixture(scope="session")
def trace(environment: PegInHoleEnv, agent: GuidedPolicy) -> Trace:
    return record_episode(environment, agent, seed=1, frames=True)
