"""Insertions with a supervisor, in the simulation."""

from dataclasses import replace

import numpy as np
import pytest

from assembly_rl.controllers.insertion.supervisor_config import SupervisorConfig
from assembly_rl.envs import PegInHoleEnv
from assembly_rl.envs.library import make_task


def far(engine: str = "bullet", part: str = "square", **values: object) -> PegInHoleEnv:
    task, _ = make_task("far")
    own = SupervisorConfig(**{"attempts": 3, "patience": 0.4, "level_time": 0.5, **values})  # type: ignore[arg-type]
    return PegInHoleEnv(part, replace(task, supervisor=own, physics=task.physics.in_engine(engine)))


def run(env: PegInHoleEnv, seed: int, seconds: float) -> list[dict]:
    _, info = env.reset(seed=seed)
    infos = [info]
    for _ in range(round(20 * seconds)):
        _, _, terminated, truncated, info = env.step(np.zeros(6, np.float32))
        infos.append(info)
        if terminated or truncated:
            break
    return infos


@pytest.mark.parametrize("engine", ["bullet", "mujoco"])
def test_a_search_that_finds_nothing_is_begun_again_from_elsewhere(engine: str) -> None:
    if engine == "mujoco":
        pytest.importorskip("mujoco")
    infos = run(far(engine), 3, 6.0)
    phases = [info["phase"] for info in infos]
    order = [phase for number, phase in enumerate(phases) if number == 0 or phases[number - 1] != phase]
    assert order[:6] == ["approach", "level", "search", "recover", "align", "approach"]
    assert [own.reason.value for own in infos[-1]["attempts"]] == ["search", "search"]
    heights = np.array([info["pose"][2] for info in infos])
    searching = heights[[phase == "search" for phase in phases]]
    aligning = heights[[phase == "align" for phase in phases]]
    assert aligning.max() - searching.max() > 0.002  # it has left the surface
    assert max(info["force"].max() for info in infos[1:]) < 25.0


@pytest.mark.parametrize("engine", ["bullet", "mujoco"])
def test_levelling_finds_the_tilt_of_the_surface(engine: str) -> None:
    if engine == "mujoco":
        pytest.importorskip("mujoco")
    env = far(engine, "cross", level_time=2.0)
    scale = np.array(env.task.observation.pose_scale)[3:5]
    before, after = [], []
    for seed in range(6):
        _, info = env.reset(seed=seed)
        tilts = {}
        while info["phase"] not in ("search", "insert"):
            *_, info = env.step(np.zeros(6, np.float32))
            tilts.setdefault(info["phase"], np.hypot(*(env.privileged_state()[3:5] * scale)))
        before.append(tilts["level"])
        after.append(tilts["search"])
    assert np.median(before) > 0.04 and np.median(after) < 0.3 * np.median(before)


def test_a_state_restores_the_supervisor() -> None:
    env = far()
    run(env, 3, 2.0)
    copy = far()
    copy.set_state(env.get_state())
    for _ in range(20):
        first, second = (own.step(np.zeros(6, np.float32)) for own in (env, copy))
        np.testing.assert_array_equal(first[0], second[0])
        assert first[4]["phase"] == second[4]["phase"] and first[4]["attempts"] == second[4]["attempts"]


def test_without_a_supervisor_there_are_no_phases() -> None:
    env = far(attempts=1)
    _, info = env.reset(seed=3)
    assert "phase" not in info and "attempts" not in info
