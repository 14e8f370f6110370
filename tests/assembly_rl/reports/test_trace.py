from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assembly_rl.envs import PegInHoleEnv
from assembly_rl.evaluation import GuidedPolicy
from assembly_rl.evaluation.episodes import run_episode
from assembly_rl.reports.trace import FREE, INSIDE, RIM, Trace, phase_patches, plot_trace, record_episode


def test_trace_has_a_row_for_the_reset_and_for_each_step(trace: Trace) -> None:
    assert trace.result == "timeout"
    assert trace.time == pytest.approx(np.arange(13) / 20.0)
    assert trace.wrench.shape == trace.pose.shape == trace.action.shape == (13, 6)
    assert trace.depth.shape == trace.lateral.shape == trace.angle.shape == trace.peak_force.shape == (13,)
    assert not trace.wrench[0].any() and not trace.action[0].any()
    assert (trace.goal_depth, trace.hole_depth) == (0.024, 0.025)
    assert (trace.title, trace.part, trace.seed) == ("timeout after 0.60 s", "square", 1)


def test_frames_follow_the_episode(trace: Trace) -> None:
    assert len(trace.frames) == 13
    assert all(frame.shape == (480, 640, 3) and frame.dtype == np.uint8 for frame in trace.frames)
    assert (trace.frames[0] != trace.frames[-1]).any()


def test_rendering_does_not_change_the_episode(
    trace: Trace, environment: PegInHoleEnv, agent: GuidedPolicy
) -> None:
    blind = PegInHoleEnv(environment.part, environment.task)
    row = run_episode(blind, agent, seed=1)
    assert (row["depth"], row["peak_force"]) == (trace.depth[-1], trace.peak_force.max())
    with pytest.raises(ValueError, match="render_mode='rgb_array'"):
        record_episode(blind, agent, seed=1, frames=True)
    blind.close()


def test_phases_are_those_of_force_and_depth(trace: Trace) -> None:
    time = np.arange(6) / 10.0
    depth = np.array([-0.002, -0.001, 0.0, 0.0005, 0.004, 0.010])
    force = np.array([0.0, 0.1, 4.0, 4.0, 2.0, 0.0])
    whole = replace(trace, time=time, depth=depth, peak_force=force)
    assert whole.phases == [(FREE, 0.0, 0.1), (RIM, 0.1, 0.3), (INSIDE, 0.3, 0.5)]
    hovering = replace(whole, depth=np.full(6, -5e-4), peak_force=np.array([0.0, 4.0, 0.1, 0.1, 3.0, 0.0]))
    assert [name for name, _, _ in hovering.phases] == [RIM, FREE, RIM, FREE]
    assert [patch.get_label() for patch in phase_patches(hovering)] == [FREE, RIM]
    lifted = replace(whole, depth=np.array([0.0, 0.004, 0.004, 0.0, 0.0, 0.0]), peak_force=np.zeros(6))
    assert lifted.phases == [(INSIDE, 0.0, 0.2), (FREE, 0.2, 0.5)]


def test_plot(trace: Trace, tmp_path: Path) -> None:
    plot_trace(trace, tmp_path / "new" / "episode.png")
    with Image.open(tmp_path / "new" / "episode.png") as picture:
        assert picture.size == (1500, 1140)
