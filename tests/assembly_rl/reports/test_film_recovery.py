"""The film of a recovery: its frames show the steps of the episode, its picture the right moments."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from assembly_rl.envs import PegInHoleEnv
from assembly_rl.envs.library import make_part_and_task
from assembly_rl.evaluation import GuidedPolicy
from assembly_rl.evaluation.episodes import run_episode

SCRIPTS = Path(__file__).parents[3] / "scripts"


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        yield importlib.import_module("film_recovery")


@pytest.fixture(scope="module")
def supervised() -> Iterator[PegInHoleEnv]:
    """An environment whose first attempt ends early."""
    task = {"limits": {"time": 3.5}, "supervisor": {"attempts": 3, "patience": 0.2, "level_time": 0.2}}
    environment = PegInHoleEnv(*make_part_and_task("L", task), render_mode="rgb_array")
    yield environment
    environment.close()


@pytest.fixture(scope="module")
def moments(script: ModuleType, supervised: PegInHoleEnv, agent: GuidedPolicy) -> list:
    return script.record(supervised, agent, 5)


def test_moments_are_those_of_the_episode(
    supervised: PegInHoleEnv, agent: GuidedPolicy, moments: list
) -> None:
    rows = []
    supervised.watch = None
    run_episode(supervised, agent, 5, lambda _, info, action: rows.append(info))
    assert [moment.phase for moment in moments] == [row["phase"] for row in rows]
    assert [list(moment.ended) for moment in moments] == [row["attempts"] for row in rows]
    assert [moment.depth for moment in moments] == [row["depth"] for row in rows]
    assert [moment.force for moment in moments[1:]] == [row["force"].max() for row in rows[1:]]
    assert moments[-1].result == rows[-1]["result"]
    assert all(sum(moment.states.values()) == pytest.approx(1.0) for moment in moments[1:])


def test_frames_differ_by_what_they_show(script: ModuleType, moments: list) -> None:
    height, width, _ = moments[0].picture.shape
    strip = script.Strip(moments, width + script.PANEL, script.STRIP)
    places = [place for _, place in script.key_moments(moments)]
    frames = [np.asarray(script.frame(moments[n], ["part", "episode"], strip.at(n))) for n in places]
    for place, picture in zip(places, frames, strict=True):
        assert picture.shape == (height + script.STRIP, width + script.PANEL, 3)
        np.testing.assert_array_equal(picture[:height, :width], moments[place].picture)
    for before, after in zip(frames, frames[1:], strict=False):
        assert (before[:height, width:] != after[:height, width:]).any()  # the panel
        assert (before[height:] != after[height:]).any()  # the strip


def test_picture_has_search_its_end_retreat_second_attempt_and_end(
    script: ModuleType, moments: list, tmp_path: Path
) -> None:
    labels, places = zip(*script.key_moments(moments), strict=True)
    assert places == tuple(sorted(set(places)))
    search, end, retreat, second, last = (moments[place] for place in places)
    assert search.phase.of_policy and end.phase.of_policy and not end.ended
    assert (retreat.phase, len(retreat.ended)) == ("recover", 1)
    assert second.phase.of_policy and len(second.ended) == 1 and second.result == ""
    assert labels[1] == "hole not found (search)"
    assert labels[-1] == last.result == "timeout"
    script.still(moments, ["part", "episode"]).save(tmp_path / "still.png")
    with pytest.raises(ValueError, match="no second attempt that touches"):
        script.key_moments(moments[: places[2]])


def test_film_has_the_last_moment(script: ModuleType, moments: list, tmp_path: Path) -> None:
    last = moments[-6:]
    script.write_film(last, ["part", "episode"], tmp_path / "film.gif", 20.0)
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 3
