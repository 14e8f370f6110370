"""Observation terms one by one, and terms of strangers."""

import numpy as np
import pytest

from assembly_rl.controllers import ObservationTerm, Signals, register_observation_term
from assembly_rl.controllers.insertion import ObservationConfig, Observer
from assembly_rl.controllers.insertion.observation_terms import OBSERVATION_TERMS
from assembly_rl.controllers.insertion.telemetry_term import CHANNELS, SCALES

CONFIG = ObservationConfig(history=3, second_copies=2, pose_ages=[1, 4], visit_cells=3)
RNG = np.random.default_rng(0)
PAST = [RNG.normal(size=6) for _ in range(3)]
SIGNALS = Signals(
    *RNG.normal(size=(4, 6)),
    past_wrenches=PAST,
    past_poses=PAST[:2],
    time=2.0,
    visits=np.ones((3, 3)),
    telemetry=RNG.normal(size=len(CHANNELS)),
)


@pytest.mark.parametrize("name", OBSERVATION_TERMS.names())
def test_names_bounds_scale_and_value_have_one_width(name: str) -> None:
    term = OBSERVATION_TERMS.get(name)
    components = term.components(CONFIG)
    names, bounds = zip(*components, strict=True)
    assert len(set(names)) == len(names)
    assert all(bound > 0.0 for bound in bounds)
    value = term.value(CONFIG, SIGNALS, np.random.default_rng(0))
    assert value.shape == term.scale(CONFIG).shape == (len(names),)
    assert set(term.inputs) <= set(Signals._fields)


def test_what_a_robot_measures() -> None:
    measured = [name for name in OBSERVATION_TERMS.names() if OBSERVATION_TERMS.get(name).measurable]
    assert measured[:5] == ["wrench", "pose", "last_action", "base_action", "wrench_history"]
    for name in ("twist", "second_wrench", "second_pose", "telemetry"):
        assert not OBSERVATION_TERMS.get(name).measurable


def compressed(wrench: np.ndarray) -> np.ndarray:
    return 3.0 * np.tanh(wrench / (3.0 * np.array(CONFIG.wrench_scale)))


def test_values() -> None:
    def value(name: str) -> np.ndarray:
        return OBSERVATION_TERMS.get(name).value(CONFIG, SIGNALS, np.random.default_rng(1))

    np.testing.assert_array_equal(value("wrench"), compressed(SIGNALS.wrench))
    np.testing.assert_array_equal(value("pose"), SIGNALS.pose / CONFIG.pose_scale)
    np.testing.assert_array_equal(value("twist"), SIGNALS.twist / CONFIG.twist_scale)
    np.testing.assert_array_equal(value("last_action"), SIGNALS.last_action)
    np.testing.assert_array_equal(value("wrench_history"), np.concatenate([compressed(w) for w in PAST]))
    np.testing.assert_array_equal(value("telemetry"), SIGNALS.telemetry / SCALES)
    noise = CONFIG.second_noise * np.random.default_rng(1).standard_normal(12)
    np.testing.assert_array_equal(value("second_pose"), np.tile(value("pose"), 2) + noise)


@pytest.mark.parametrize("name", [n for n in OBSERVATION_TERMS.names() if not n.startswith("second_")])
def test_only_noisy_terms_draw(name: str) -> None:
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    OBSERVATION_TERMS.get(name).value(CONFIG, SIGNALS, rng)
    assert rng.bit_generator.state == before


def test_past_wrenches_are_forgotten_and_not_shared() -> None:
    observer = Observer(ObservationConfig(groups=["wrench_history"], history=2))
    wrench, rest = np.ones(6), np.zeros(6)
    for _ in range(2):
        observer.reset()
        first = observer.observe(wrench, rest, rest, rest, RNG)
        np.testing.assert_array_equal(first, 0.0)
        wrench[:] = 1.0
        second = observer.observe(2.0 * wrench, rest, rest, rest, RNG)
        assert (second[:6] > 0.0).all() and (second[6:] == 0.0).all()
        wrench[:] = 7.0  # the caller's array is the caller's
        third = observer.observe(rest, rest, rest, rest, RNG)
        np.testing.assert_array_equal(third[6:], second[:6])
        wrench[:] = 1.0


class ForceMagnitude(ObservationTerm):
    """A term with another width and a parameter of its own."""

    inputs = ("wrench",)

    def __init__(self, newton: float) -> None:
        self.newton = newton

    def components(self, config: ObservationConfig) -> list[tuple[str, float]]:
        return [("force", 2.0)]

    def scale(self, config: ObservationConfig) -> np.ndarray:
        return np.array([self.newton])

    def value(self, config: ObservationConfig, signals: Signals, rng: np.random.Generator) -> np.ndarray:
        return np.linalg.norm(signals.wrench[:3], keepdims=True) / self.newton


register_observation_term("test_force_magnitude", ForceMagnitude(10.0))


def test_a_term_of_a_stranger() -> None:
    observer = Observer(ObservationConfig(groups=["last_action", "test_force_magnitude"]))
    observer.reset()
    assert observer.names[-1] == "force" and observer.bounds[-1] == 2.0
    assert observer.inputs == {"last_action", "wrench"}
    rest = np.zeros(6)
    for force, seen in ((10.0, 1.0), (100.0, 2.0)):  # clipped to its bound
        wrench = np.array([0.0, 0.6 * force, -0.8 * force, 9.0, 9.0, 9.0])
        observation = observer.observe(wrench, rest, rest, rest, RNG)
        assert observation.shape == (7,) and observation[-1] == pytest.approx(seen)
    with pytest.raises(ValueError, match="observation group 'test_force_magnitude' exists already"):
        register_observation_term("test_force_magnitude", ForceMagnitude(1.0))


def test_past_poses_are_those_of_their_ages_and_before_the_start_that_of_the_start() -> None:
    config = ObservationConfig(groups=["pose_history"], pose_ages=[1, 3])
    observer, rng = Observer(config), np.random.default_rng(0)
    poses = [np.full(6, 1e-4 * (1 + step)) for step in range(5)]
    for _ in range(2):  # the second time after a reset
        observer.reset()
        seen = [observer.observe(np.zeros(6), pose, np.zeros(6), np.zeros(6), rng) for pose in poses]
        for step, observation in enumerate(seen):
            expected = [poses[max(0, step - age)] / config.pose_scale for age in (1, 3)]
            np.testing.assert_allclose(observation, np.concatenate(expected), rtol=1e-6)


def test_time_is_that_since_the_start_in_its_scale() -> None:
    observer = Observer(ObservationConfig(groups=["time"], time_scale=4.0))
    observer.reset()
    zeros = np.zeros(6)
    assert observer.observe(*[zeros] * 4, np.random.default_rng(0), time=2.0).tolist() == [0.5]


@pytest.mark.parametrize("ages", [[0], [4, 2], [2, 2], [1.5], [10**6]])
def test_ages_that_are_no_rising_steps_are_refused(ages: list[int]) -> None:
    with pytest.raises(ValueError, match="pose_ages"):
        ObservationConfig(pose_ages=ages)


def test_the_map_of_visits_counts_where_the_tip_has_pressed() -> None:
    config = ObservationConfig(groups=["visits"], visit_cells=4, visit_extent=0.004)
    observer, rng, zeros = Observer(config), np.random.default_rng(0), np.zeros(6)
    pressing = np.array([0.0, 0.0, 2.0, 0.0, 0.0, 0.0])
    for _ in range(2):  # the second time after a reset
        observer.reset()
        observer.observe(zeros, zeros, zeros, zeros, rng)  # in the air
        for place in ([0.001, -0.0035], [0.001, -0.0039], [-0.009, 0.009]):
            pose = np.array([*place, 0.0, 0.0, 0.0, 0.0])
            seen = observer.observe(pressing, pose, zeros, zeros, rng)
        cells = seen.reshape(4, 4)
        assert cells[2, 0] == pytest.approx(1.0 - np.exp(-0.2))
        assert cells[0, 3] == pytest.approx(1.0 - np.exp(-0.1))
        assert np.count_nonzero(cells) == 2
