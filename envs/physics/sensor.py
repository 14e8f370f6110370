"""Force-torque sensor between flange and tool."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.validation import InputError
from assembly_rl.controllers.wrench import Wrench
from assembly_rl.envs.physics.config import SensorConfig


class WrenchSensor:
    """Bias, noise and transport delay of the sensor, at the control rate.

    The low-pass filter of the sensor runs at the physics rate, in the ``World``.

    Args:
        config: Bias, noise and delay.
        control_rate: Samples per second [Hz].

    Raises:
        ValueError: The delay is not a multiple of the control period.
    """

    def __init__(self, config: SensorConfig, control_rate: float) -> None:
        periods = config.delay * control_rate
        self._delay = round(periods)
        if abs(periods - self._delay) > 1e-9:
            raise InputError(
                f"sensor delay {config.delay} s must be a multiple of the control period "
                f"{1.0 / control_rate} s: {periods:g} periods"
            )
        self._config = config
        self._scale = np.repeat([config.force_noise, config.moment_noise], 3)
        self._bias_range = np.repeat([config.force_bias, config.moment_bias], 3)
        self._pipe: deque[Wrench] = deque()
        self._disturbance: list[list[float]] = []

    def reset(self, rng: np.random.Generator, factor: float = 1.0) -> None:
        """Draw the bias of an episode; ``factor`` scales noise and bias."""
        self._noise = factor * self._scale
        self._bias = factor * rng.uniform(-self._bias_range, self._bias_range)
        a, b, c, d, e, f = self._bias.tolist()
        self._pipe = deque([(a, b, c, d, e, f)] * self._delay)  # readings in free space

    def samples(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return readings (count, 6) in free space [N, Nm], for a tare."""
        return self._bias + self._noise * rng.standard_normal((count, 6))

    def prepare(self, samples: int, rng: np.random.Generator) -> None:
        """Draw bias and noise for the next samples in one call, for speed."""
        self._disturbance = self.samples(samples, rng).tolist()

    def read(self, wrench: Wrench) -> Wrench:
        """Return the reading for the true filtered wrench [N, Nm] in sensor axes."""
        a, b, c, d, e, f = wrench
        p, q, r, s, t, u = self._disturbance.pop()
        reading = (a + p, b + q, c + r, d + s, e + t, f + u)
        if not self._delay:
            return reading
        self._pipe.append(reading)
        return self._pipe.popleft()
