"""Episodes in Rerun: what is in the file is what happened, and watching changes nothing."""

import sys
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from assembly_rl.controllers.recognition import load_recognizer
from assembly_rl.envs import PegInHoleEnv
from assembly_rl.envs.library import make_part_and_task
from assembly_rl.evaluation import GuidedPolicy, Scenario
from assembly_rl.evaluation.episodes import Row, run_episode
from assembly_rl.reports.trace import phase, record_episode
from assembly_rl.reports.watching import Watcher, require_watchable

Column = dict[str, list]


def read(path: Path) -> dict[str, Column]:
    """Return entity -> component, or ``time``, -> values of the file, in the order of time."""
    from rerun.chunk import RrdReader

    found: dict[str, Column] = defaultdict(lambda: defaultdict(list))
    for chunk in RrdReader(path).stream():
        if not chunk.is_static:
            batch = chunk.to_record_batch()
            for name in batch.schema.names:
                if name == "time" or ":" in name:
                    found[chunk.entity_path][name.partition(":")[2] or name] += batch.column(name).to_pylist()
    return found


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    part, task = make_part_and_task("L", {"limits": {"time": 0.6}})
    return Scenario(part, task)


@pytest.fixture(scope="module")
def watched(
    scenario: Scenario, agent: GuidedPolicy, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[Row]]:
    path = tmp_path_factory.mktemp("watched") / "new" / "episodes.rrd"
    with Watcher(str(path)) as watcher:
        rows = [row for chunk in watcher.iterate(scenario, agent, 2, 5, "reflex, L") for row in chunk]
    return path, rows


def test_watching_changes_no_row(
    scenario: Scenario, agent: GuidedPolicy, watched: tuple[Path, list[Row]]
) -> None:
    environment = PegInHoleEnv(scenario.part, scenario.task)
    assert watched[1] == [run_episode(environment, agent, seed) for seed in (5, 6)]
    environment.close()


def test_the_file_has_the_values_of_the_episodes(
    scenario: Scenario, agent: GuidedPolicy, watched: tuple[Path, list[Row]]
) -> None:
    found = read(watched[0])
    environment = PegInHoleEnv(scenario.part, scenario.task)
    traces = [record_episode(environment, agent, seed, frames=False) for seed in (5, 6)]
    environment.close()
    starts = (0.0, traces[0].time[-1] + 0.5)
    blank = np.full((1, 1), np.nan)

    def together(name: str, scale: float = 1.0) -> np.ndarray:
        parts = [scale * getattr(trace, name).reshape(len(trace.time), -1) for trace in traces]
        width = parts[0].shape[1]
        return np.concatenate([row for part in parts for row in (part, np.repeat(blank, width, axis=1))])

    depth = np.array(found["/depth"]["scalars"])
    np.testing.assert_allclose(depth[:, :1], together("depth", 1e3))
    np.testing.assert_allclose(np.nanmax(depth[:, 1]), 24.0)
    force = np.array(found["/force"]["scalars"])
    np.testing.assert_allclose(force[:, :3], together("wrench")[:, :3])
    np.testing.assert_allclose(force[:, 3:], together("peak_force"))
    np.testing.assert_allclose(np.array(found["/moment"]["scalars"]), together("wrench")[:, 3:])
    actions = [found[f"/action/{kind}"]["scalars"] for kind in ("linear", "angular")]
    np.testing.assert_allclose(np.hstack(actions), together("action"), atol=1e-6)
    np.testing.assert_allclose(np.array(found["/pose/position"]["scalars"]), together("pose", 1e3)[:, :3])
    expected = [start + time for start, trace in zip(starts, traces, strict=True) for time in trace.time]
    times = [value / timedelta(seconds=1) for value in found["/scene/contacts"]["time"]]
    np.testing.assert_allclose(times, expected, atol=1e-6)


def test_the_file_has_scene_phases_and_episodes(watched: tuple[Path, list[Row]]) -> None:
    found = read(watched[0])
    depth, force = (np.array(found[name]["scalars"]) for name in ("/depth", "/force"))
    steps = np.isfinite(depth[:, 0])
    states = [state[0] for state in found["/phase"]["state"] if state]
    assert states == [phase(1e-3 * d, f) for d, f in zip(depth[steps, 0], force[steps, 3], strict=True)]
    assert {"no contact", "contact on the rim"} <= set(states)
    assert [state[0] for state in found["/episode"]["state"]] == [
        "episode 5: reflex, L", "timeout", "episode 6: reflex, L", "timeout",
    ]  # fmt: skip
    for name in ("plate", "peg"):
        (corners,) = (values for values in found[f"/scene/{name}"]["vertex_positions"] if values)
        assert np.ptp(np.array(corners)[:, 2]) == pytest.approx({"plate": 25.0, "peg": 40.0}[name], abs=1e-4)
    heights = [values[0][2] for values in found["/scene/peg"]["translation"] if values]
    np.testing.assert_allclose(heights, -depth[steps, 0], atol=0.5)  # the tip's centre, and its depth
    contacts = [values for values in found["/scene/contacts"]["positions"] if values]
    assert contacts and (np.ptp([*np.concatenate(contacts)[:, 2], 0.0]) < np.nanmax(depth[:, 0]) + 0.1)


def test_the_file_has_what_supervisor_and_recogniser_say(agent: GuidedPolicy, tmp_path: Path) -> None:
    """An early retreat: each step's phase, attempt and recognised state are those of the same episode."""
    part, task = make_part_and_task(
        "L", {"limits": {"time": 1.6}, "supervisor": {"attempts": 3, "patience": 0.2}}
    )
    with Watcher(str(tmp_path / "episodes.rrd")) as watcher:
        list(watcher.iterate(Scenario(part, task), agent, 2, 5, "reflex, L"))
    found = read(tmp_path / "episodes.rrd")
    phases, attempts, states = [], [], []
    environment, recognizer = PegInHoleEnv(part, task), load_recognizer()
    environment.watch = recognizer.update

    def watch(_: PegInHoleEnv, info: Row, action: np.ndarray) -> None:
        phases.append(info["phase"])
        attempts.append(len(info["attempts"]) + 1)
        if info["time"] > 0.0:
            states.append(recognizer.read().state)
        else:
            recognizer.reset()

    for seed in (5, 6):
        run_episode(environment, agent, seed, watch)
    environment.close()
    shown = {
        name: [state[0] for state in found[f"/{name}"]["state"] if state]
        for name in ("supervisor/phase", "supervisor/attempt", "recognised")
    }
    assert shown["supervisor/phase"] == phases
    assert {"search", "recover"} <= set(phases)
    assert [int(name.split(",")[0].split()[1]) for name in shown["supervisor/attempt"]] == attempts
    assert {"attempt 1", "attempt 2, after search"} <= set(shown["supervisor/attempt"])
    assert shown["recognised"] == states
    assert len(set(states)) > 1


def test_without_a_supervisor_the_file_has_no_attempts(watched: tuple[Path, list[Row]]) -> None:
    found = read(watched[0])
    assert found["/recognised"]["state"]
    assert "state" not in found["/supervisor/attempt"] or not any(found["/supervisor/attempt"]["state"])


def test_what_cannot_be_watched_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=r"watch must be window, viewer, or a file .*\.rrd, got 'true'"):
        require_watchable("true")
    (tmp_path / "a.rrd").write_text("kept")
    with pytest.raises(ValueError, match="nothing is overwritten: choose another file for watch="):
        Watcher(str(tmp_path / "a.rrd"))
    monkeypatch.delenv("DISPLAY", raising=False)
    for target in ("window", "viewer"):
        with pytest.raises(ValueError, match=r"needs a display, and there is none .*watch=episodes.rrd"):
            Watcher(target)
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(ValueError, match=r"pip install 'assembly_rl\[watch\]'"):
        Watcher(str(tmp_path / "b.rrd"))
