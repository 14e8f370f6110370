"""Stiffness of contact, found by moving a part about in its hole."""

from dataclasses import replace

import numpy as np
import pytest

from assembly_rl.controllers.etcl import identify_contact_stiffness
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.probing import OVERTRAVEL, probe_contact


def stiffness(part: PegHole, task: TaskConfig) -> np.ndarray:
    probes = probe_contact(part, task)
    return identify_contact_stiffness(probes.offsets, probes.wrenches).matrix


def test_what_gives_way_is_the_servo() -> None:
    """The walls are rigid: beyond the gap the force is that of the servo's two springs in series."""
    task, part = TaskConfig(), PegHole()
    probes = probe_contact(part, task)
    whole = probes.wrenches[1]  # the whole way along x
    physics = task.physics
    give = 1.0 / physics.servo_stiffness + part.peg_length**2 / physics.servo_rotational_stiffness
    assert -whole[0] == pytest.approx(OVERTRAVEL / give, rel=0.05)
    assert probes.steps == 50


def test_a_softer_robot_is_felt() -> None:
    task = TaskConfig()
    soft = replace(task, physics=replace(task.physics, servo_stiffness=0.5 * task.physics.servo_stiffness))
    ratio = np.diag(stiffness(PegHole(), soft)) / np.diag(stiffness(PegHole(), task))
    np.testing.assert_allclose(ratio[:2], 0.5, rtol=0.05)


def test_only_a_round_part_turns_freely() -> None:
    task = TaskConfig()
    square, round_one = (stiffness(PegHole(section=name), task) for name in ("square", "circle"))
    assert round_one[5, 5] < 0.02 * square[5, 5]
    np.testing.assert_allclose(np.diag(round_one)[:2], np.diag(square)[:2], rtol=0.05)


def test_the_same_seed_records_the_same() -> None:
    one, other = (probe_contact(PegHole(), TaskConfig(), seed=4).wrenches for _ in range(2))
    np.testing.assert_array_equal(one, other)
