"""The function that is called in each control step."""

from copy import deepcopy

import numpy as np

from assembly_rl.controllers.recognition import load_recognizer
from assembly_rl.envs import PegInHoleEnv

PUSH = np.array((0.1, 0.0, -0.5, 0.0, 0.0, 0.0), np.float32)


def test_it_gets_the_readings_of_each_control_step() -> None:
    rows = []
    environment = PegInHoleEnv()
    environment.watch = lambda *reading: rows.append(np.concatenate(reading))
    environment.reset(seed=1)
    assert not rows
    for step in range(1, 20):
        _, _, _, _, info = environment.step(PUSH)
        own = np.array(rows[-10:])
        assert len(rows) == 10 * step
        np.testing.assert_allclose(own[:, :6].mean(axis=0), info["wrench"], atol=1e-9)
        np.testing.assert_array_equal(own[-1, 6:12], info["pose"])
        np.testing.assert_allclose(np.linalg.norm(own[:, :3], axis=1), info["force"])
    commands = np.array(rows)[:, 12:]
    assert commands[-1, 2] < commands[0, 2] and np.abs(np.diff(commands, axis=0)).max() < 1e-3
    environment.close()


def test_it_changes_nothing_and_is_no_part_of_a_copy() -> None:
    plain, watched = PegInHoleEnv(), PegInHoleEnv()
    recognizer = load_recognizer()
    watched.watch = recognizer.update
    plain.reset(seed=2)
    watched.reset(seed=2)
    for _ in range(10):
        expected, *_ = plain.step(PUSH)
        found, *_ = watched.step(PUSH)
        np.testing.assert_array_equal(expected, found)
    copied, before = deepcopy(watched), recognizer.window
    assert copied.watch is None and watched.watch is not None
    np.testing.assert_array_equal(copied.step(PUSH)[0], watched.step(PUSH)[0])
    np.testing.assert_array_equal(recognizer.window[:-10], before[10:])
    for own in (plain, watched, copied):
        own.close()
