"""Quarter turns and reflections: their algebra, batches, and that the simulated physics agree."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from quick_task import QUICK_TASK

from assembly_rl.controllers.insertion import ActionKind, ObservationConfig, Observer
from assembly_rl.controllers.insertion.symmetry import SymmetryConfig, Views, symmetries
from assembly_rl.controllers.se3 import quat_exp, quat_log
from assembly_rl.controllers.validation import AXES
from assembly_rl.envs import PegHole, make_environment, simulation
from assembly_rl.envs.privileged import PRIVILEGED_NAMES, PrivilegedObservation
from assembly_rl.learners.symmetry import Augmentation

GROUPS = ["wrench", "pose", "last_action", "base_action", "wrench_history", "pose_history", "visits", "time"]
OBSERVATION = ObservationConfig(groups=GROUPS, history=2, pose_ages=[1, 3], visit_cells=4)
NAMES = (*Observer(OBSERVATION).names, *PRIVILEGED_NAMES)
MATRICES = [np.linalg.matrix_power(np.array([[0.0, -1.0], [1.0, 0.0]]), k) for k in range(4)]
MATRICES += [np.diag([1.0, -1.0]) @ matrix for matrix in MATRICES]
"""Turns and reflections of the plane, in the order of ``symmetries``."""
EIGHT = range(8)


def turned(matrix: np.ndarray, vector: Any, axial: bool = False) -> np.ndarray:
    whole = np.eye(3)
    whole[:2, :2] = matrix
    return (np.linalg.det(matrix) if axial else 1.0) * whole @ vector


def test_they_form_a_group_of_eight() -> None:
    values = np.random.default_rng(0).normal(size=len(NAMES)).astype(np.float32)
    maps = symmetries(NAMES)
    images = [own(values).tolist() for own in maps]
    assert len({tuple(image) for image in images}) == 8
    assert images[0] == values.tolist()
    for one in maps:
        for other in maps:
            assert one(other(values)).tolist() in images
            assert one.after(other)(values).tolist() == one(other(values)).tolist()


@pytest.mark.parametrize("number", EIGHT)
def test_forces_are_polar_and_moments_axial_vectors(number: int) -> None:
    wrench = np.arange(1.0, 7.0, dtype=np.float32)
    image = symmetries(("fx", "fy", "fz", "mx", "my", "mz"))[number](wrench)
    matrix = MATRICES[number]
    np.testing.assert_allclose(image[:3], turned(matrix, wrench[:3]))
    np.testing.assert_allclose(image[3:], turned(matrix, wrench[3:], axial=True))


@pytest.mark.parametrize("number", EIGHT)
def test_the_simulated_insertion_has_the_symmetry(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turned or reflected part with the same conditions and actions gives transformed observations."""
    matrix = MATRICES[number]
    task = replace(
        QUICK_TASK,
        observation=OBSERVATION,
        sensor=replace(QUICK_TASK.sensor, force_noise=0.0, moment_noise=0.0, force_bias=0.0, moment_bias=0.0),
        action=replace(QUICK_TASK.action, dither=[0.0] * 6),
    )
    vertices = np.array([[0.0, 0.0], [0.02, 0.0], [0.016, 0.012], [0.002, 0.01]])
    draw = simulation.draw_conditions

    def transformed(*arguments: Any) -> Any:
        drawn = draw(*arguments)
        position, rotation = drawn.estimate_position, quat_log(drawn.estimate_rotation)
        return replace(
            drawn,
            estimate_position=tuple(turned(matrix, position).tolist()),
            estimate_rotation=quat_exp(tuple(turned(matrix, rotation, axial=True).tolist())),
        )

    act, see = symmetries(AXES)[number], symmetries(NAMES)[number]
    seen = []
    for own in (None, transformed):
        if own is not None:
            monkeypatch.setattr(simulation, "draw_conditions", own)
            vertices = vertices @ matrix.T
            if np.linalg.det(matrix) < 0.0:
                vertices = vertices[::-1]
        part = PegHole("polygon", {"vertices": vertices.tolist()}, chamfer=0.0)
        env = PrivilegedObservation(make_environment(part, task))
        rng = np.random.default_rng(1)
        observations = [env.reset(seed=3)[0]]
        for _ in range(12):
            action = rng.uniform(-1.0, 1.0, 6).astype(np.float32)
            observations.append(env.step(action if own is None else act(action))[0])
        env.close()
        seen.append(np.array(observations))
    assert np.abs(seen[0][-1, :3]).max() > 0.05  # in contact
    np.testing.assert_allclose(seen[1], see(seen[0]), atol=0.02)


def test_a_batch_has_as_many_rows_of_each() -> None:
    width = len(NAMES)
    batch = torch.zeros(16, 2 * width + 6 + 3)
    augmentation = Augmentation(NAMES, batch)
    augmentation.drawn.normal_()
    drawn = augmentation.drawn.numpy().copy()
    augmentation()
    maps = list(zip(symmetries(NAMES), symmetries(AXES), strict=True))
    for row, (before, after) in enumerate(zip(drawn, batch.numpy(), strict=True)):
        see, act = maps[row // 2]
        assert after[:width].tolist() == see(before[:width]).tolist()
        assert after[width : width + 6].tolist() == act(before[width : width + 6]).tolist()
        assert after[width + 6 : -3].tolist() == see(before[width + 6 : -3]).tolist()
        assert after[-3:].tolist() == before[-3:].tolist()


@pytest.mark.parametrize("names, problem", [(["second_x#1"], "no symmetry is known"), (["fx"], "'fy'")])
def test_an_observation_without_the_symmetry_is_refused(names: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        symmetries(names)


def test_the_policy_sees_other_axes_after_a_time() -> None:
    """The insertion itself is unchanged if the actions are turned as the observations are."""
    config = SymmetryConfig(after=0.2, every=0.1)
    plain = replace(QUICK_TASK, observation=OBSERVATION)
    env, other = (
        PrivilegedObservation(make_environment("L", replace(plain, symmetry=own)))
        for own in (SymmetryConfig(), config)
    )
    views, see, act = Views(config, NAMES), symmetries(NAMES), symmetries(AXES)
    observation, seen = env.reset(seed=5)[0], other.reset(seed=5)[0]
    rng, numbers = np.random.default_rng(2), []
    for step in range(12):
        number = views.number(step / plain.policy_rate)
        np.testing.assert_array_equal(seen, see[number](observation))
        action = rng.uniform(-1.0, 1.0, 6).astype(np.float32)
        observation, *_, info = env.step(action)
        seen, *_, info_of_other = other.step(act[number](action))
        np.testing.assert_array_equal(info["pose"], info_of_other["pose"])
        numbers.append(number)
    assert numbers == [0, 0, 0, 0, 4, 4, 2, 2, 6, 6, 1, 1]
    env.close()
    other.close()


@pytest.mark.parametrize("number", EIGHT)
def test_the_inverse_leads_back(number: int) -> None:
    values = np.random.default_rng(0).normal(size=len(NAMES))
    own = symmetries(NAMES)[number]
    assert own.inverse()(own(values)).tolist() == values.tolist()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"after": -1.0}, "SymmetryConfig.after must be >= 0, got -1.0"),
        ({"after": 1.0, "every": 0.0}, "SymmetryConfig.every must be > 0"),
    ],
)
def test_impossible_times_are_refused(config: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SymmetryConfig(**config)


def test_actions_that_change_gains_have_no_other_axes() -> None:
    action = replace(QUICK_TASK.action, kind=ActionKind.damping)
    with pytest.raises(ValueError, match="symmetry.after goes with actions that are wrenches or twists"):
        replace(QUICK_TASK, action=action, symmetry=SymmetryConfig(after=1.0))
