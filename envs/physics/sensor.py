"""The force-torque sensor between flange and tool."""

from collections import deque

import numpy as np

from assembly_rl.envs.physics.config import SensorConfig

Wrench = tuple[float, float, float, float, float, float]
ZERO: Wrench = (0.0,) * 6


class WrenchSensor:
    """Bias, noise, transport delay and tare, sampled at the control rate.

    The low-pass filter of the sensor runs at the physics rate, in ``InsertionWorld``.

    Args:
        config: Bias, noise, delay and tare.
        control_rate: Samples per second [Hz].

    Raises:
        ValueError: The delay is not a multiple of the control period.
    """

    def __init__(self, config: SensorConfig, control_rate: float) -> None:
        periods = config.delay * control_rate
        self._delay = round(periods)
        if abs(periods - self._delay) > 1e-9:
            raise ValueError(
                f"sensor delay {config.delay} s must be a multiple of the control period "
                f"{1.0 / control_rate} s: {periods:g} periods"
            )
        self._config = config
        self._scale = np.repeat([config.force_noise, config.moment_noise], 3)
        self._bias_range = np.repeat([config.force_bias, config.moment_bias], 3)
        self._pipe: deque[Wrench] = deque()
        self._disturbance: list[list[float]] = []

    def reset(self, rng: np.random.Generator, factor: float = 1.0) -> None:
        """Draw the bias of an episode and tare in free space; factor scales noise and bias."""
        self._noise = factor * self._scale
        bias = factor * rng.uniform(-self._bias_range, self._bias_range)
        if self._config.tare_samples:
            count = self._config.tare_samples
            samples = bias + self._noise * rng.standard_normal((count, 6))
            bias = bias - samples.mean(axis=0)
        self._bias = bias
        self._pipe = deque([ZERO] * self._delay)

    def prepare(self, samples: int, rng: np.random.Generator) -> None:
        """Draw bias and noise for the next samples; one call for many is what makes noise cheap."""
        noise = self._bias + self._noise * rng.standard_normal((samples, 6))
        self._disturbance = noise.tolist()

    def read(self, wrench: Wrench) -> Wrench:
        """Put in the true filtered wrench [N, Nm] in sensor axes, take out a reading of it."""
        a, b, c, d, e, f = wrench
        p, q, r, s, t, u = self._disturbance.pop()
        reading = (a + p, b + q, c + r, d + s, e + t, f + u)
        if not self._delay:
            return reading
        self._pipe.append(reading)
        return self._pipe.popleft()
