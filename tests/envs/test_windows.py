"""render_mode="human": refused without a display, and a window that changes nothing where there is one."""

import os
import shutil
import subprocess
import sys

import pytest

from assembly_rl.envs import PegInHoleEnv
from assembly_rl.envs.physics import World

EPISODE = """
import copy, sys
import numpy as np
from assembly_rl.envs import PegInHoleEnv

task = {"physics": {"engine": sys.argv[1]}, "limits": {"time": 0.5}}
found = []
for mode in ("human", None):
    env = PegInHoleEnv("L", task, render_mode=mode)
    env.reset(seed=3)
    ended = False
    while not ended:
        _, _, ended, late, info = env.step(np.full(6, 0.1))
        ended |= late
    found.append((info["time"], info["depth"], info["force"].tolist()))
    if mode:
        assert env.render() is None
        twin = copy.deepcopy(env)
        assert twin.render_mode is None
        try:
            PegInHoleEnv("L", task, render_mode="human")
        except ValueError as error:
            assert "one window in a process" in str(error)
        else:
            raise AssertionError("a second window")
    env.close()
assert found[0] == found[1], found
"""


@pytest.mark.parametrize("engine", ["bullet", "mujoco"])
@pytest.mark.parametrize("display", [None, ":987"])
def test_a_window_without_a_display_is_refused_before_anything_starts(
    engine: str, display: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> World:
        raise AssertionError("a world was made")

    monkeypatch.delenv("DISPLAY", raising=False)
    if display:
        monkeypatch.setenv("DISPLAY", display)
    monkeypatch.setattr("assembly_rl.envs.simulation.make_workcell", never)
    with pytest.raises(
        ValueError, match=r"needs a display, and there is none .*rgb_array.*watch=episodes.rrd"
    ):
        PegInHoleEnv(task={"physics": {"engine": engine}}, render_mode="human")


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="needs Xvfb, a display without a screen")
@pytest.mark.parametrize("engine", ["bullet", "mujoco"])
def test_a_window_does_not_change_the_episode(engine: str) -> None:
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "320x240x24"],
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            display = f":{pipe.readline().strip()}"
        subprocess.run(
            [sys.executable, "-c", EPISODE, engine], env=os.environ | {"DISPLAY": display}, check=True
        )
    finally:
        server.terminate()
        server.wait()
