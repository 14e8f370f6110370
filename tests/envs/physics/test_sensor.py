import numpy as np
import pytest

from assembly_rl.envs.physics import SensorConfig, WrenchSensor

RATE = 200.0
ZERO = (0.0,) * 6
QUIET = {"force_noise": 0.0, "moment_noise": 0.0, "force_bias": 0.0, "moment_bias": 0.0}


def readings(config: SensorConfig, wrenches: list, seed: int = 0, factor: float = 1.0) -> np.ndarray:
    """After the tare that the configuration asks for."""
    sensor, rng = WrenchSensor(config, RATE), np.random.default_rng(seed)
    sensor.reset(rng, factor)
    bias = np.zeros(6)
    if config.tare_samples:
        bias = sensor.samples(config.tare_samples, rng).mean(axis=0)
    sensor.prepare(len(wrenches), rng)
    return np.array([sensor.read(wrench) for wrench in wrenches]) - bias


def biases(config: SensorConfig, count: int, factor: float = 1.0) -> np.ndarray:
    return np.array([readings(config, [ZERO], seed, factor)[0] for seed in range(count)])


@pytest.mark.parametrize("periods", [0, 1, 2, 7])
def test_the_delay_is_exact(periods: int) -> None:
    wrenches = [tuple(10.0 * k + axis for axis in range(6)) for k in range(1, 12)]
    read = readings(SensorConfig(delay=periods / RATE, **QUIET), wrenches)
    np.testing.assert_array_equal(read[:periods], 0.0)
    np.testing.assert_array_equal(read[periods:], wrenches[: len(wrenches) - periods])


def test_before_the_first_contact_arrives_the_sensor_reads_its_bias() -> None:
    config = SensorConfig(delay=2 / RATE, force_noise=0.0, moment_noise=0.0, tare_samples=0)
    read = readings(config, [(5.0,) * 6] * 4)
    assert np.abs(read[0]).min() > 0.0
    np.testing.assert_array_equal(read[1], read[0])
    np.testing.assert_allclose(read[2:], read[:2] + 5.0, rtol=1e-12)
    tared = readings(SensorConfig(delay=2 / RATE, force_noise=0.0, moment_noise=0.0), [ZERO] * 4)
    np.testing.assert_allclose(tared, 0.0, atol=1e-15)


def test_the_delay_starts_anew_with_an_episode() -> None:
    sensor, rng = WrenchSensor(SensorConfig(delay=2 / RATE, **QUIET), RATE), np.random.default_rng(0)
    for _ in range(2):
        sensor.reset(rng)
        sensor.prepare(3, rng)
        assert [sensor.read((5.0,) * 6)[0] for _ in range(3)] == [0.0, 0.0, 5.0]


def test_a_delay_between_two_periods_is_refused() -> None:
    with pytest.raises(ValueError, match="delay 0.007 s must be a multiple .* 0.005 s: 1.4 periods"):
        WrenchSensor(SensorConfig(delay=0.007), RATE)


@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_the_noise_has_its_standard_deviation(factor: float) -> None:
    config = SensorConfig(
        force_noise=0.05, moment_noise=0.001, force_bias=0.0, moment_bias=0.0, tare_samples=0
    )
    true = (1.0, -2.0, 3.0, 0.1, -0.2, 0.3)
    read = readings(config, [true] * 20000, factor=factor)
    sd = factor * np.repeat([0.05, 0.001], 3)
    np.testing.assert_allclose(read.std(axis=0), sd, rtol=0.03)
    np.testing.assert_array_less(np.abs(read.mean(axis=0) - true), 4.0 * sd / 20000**0.5)
    correlations = np.corrcoef(read, rowvar=False) - np.eye(6)
    assert np.abs(correlations).max() < 0.03
    successive = [np.corrcoef(column[1:], column[:-1])[0, 1] for column in read.T]
    assert np.abs(successive).max() < 0.03


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_without_tare_the_bias_is_uniform_and_constant(factor: float) -> None:
    quiet = SensorConfig(force_noise=0.0, moment_noise=0.0, tare_samples=0)
    read = readings(quiet, [ZERO] * 5)
    assert (read == read[0]).all() and np.abs(read[0]).min() > 0.0
    bound = factor * np.repeat([2.0, 0.05], 3)
    drawn = biases(quiet, 800, factor)
    assert (np.abs(drawn) <= bound).all()
    np.testing.assert_allclose(drawn.std(axis=0), bound / 3**0.5, rtol=0.06)
    np.testing.assert_array_less(np.abs(drawn.mean(axis=0)), 4.0 * bound / 3**0.5 / 800**0.5)


def test_tare_removes_the_bias_up_to_the_noise_of_its_mean() -> None:
    exact = SensorConfig(force_noise=0.0, moment_noise=0.0)
    np.testing.assert_allclose(biases(exact, 20), 0.0, atol=1e-15)
    noisy = SensorConfig(tare_samples=20)
    sd = np.repeat([0.05, 0.001], 3)
    # One reading holds the noise of its own and, with the other sign, that of the mean of 20.
    np.testing.assert_allclose(biases(noisy, 1500).std(axis=0), sd * (1.0 + 1.0 / 20.0) ** 0.5, rtol=0.08)
    residuals = [readings(noisy, [ZERO] * 400, seed).mean(axis=0) for seed in range(800)]
    expected = sd * (1.0 / 20.0 + 1.0 / 400.0) ** 0.5
    np.testing.assert_allclose(np.std(residuals, axis=0), expected, rtol=0.1)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="SensorConfig.cutoff must be > 0, got 0"):
        SensorConfig(cutoff=0)
    for name in ("delay", "force_noise", "moment_noise", "force_bias", "moment_bias", "tare_samples"):
        with pytest.raises(ValueError, match=f"SensorConfig.{name} must be >= 0, got -1"):
            SensorConfig(**{name: -1})
