"""Nonlinear least squares over several channels, with intervals that hold for correlated residuals."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.identification.estimate import Estimate

Array = NDArray[np.float64]
Model = Callable[[Array], list[Array]]
"""Parameters (k,) -> for each channel (1 + k, n): response and its derivatives by the parameters."""

NORMAL = 1.96
"""Quantile of the normal distribution for a two-sided 95 % interval."""
ITERATIONS = 40


@dataclass(frozen=True)
class Fit:
    """Least squares of ``y = offset + gain * response(parameters)`` over channels.

    Attributes:
        values: (k + 2 c,) parameters, then offset and gain of each channel.
        covariance: Covariance of these.
        residuals: c residuals (n,).
        motions: Root mean square of the explained part of each channel (c,).
        cost: Concentrated log-likelihood, smaller is better.
    """

    values: Array
    covariance: Array
    residuals: list[Array]
    motions: Array
    cost: float

    def estimate(self, function: Callable[[Array], float], low: float = -np.inf) -> Estimate:
        """Return a function of the values with an interval, linearised about the best ones.

        Args:
            function: Function of ``values``, finite near them.
            low: Smallest value that is possible, at which the interval is cut.
        """
        value = function(self.values)
        deviations = np.sqrt(np.maximum(np.diag(self.covariance), 0.0))
        gradient = np.zeros(len(self.values))
        for number, deviation in enumerate(deviations):
            if deviation > 0.0:
                shifted = self.values.copy()
                shifted[number] += 1e-3 * deviation
                gradient[number] = (function(shifted) - value) / (1e-3 * deviation)
        half = NORMAL * float(np.sqrt(max(0.0, gradient @ self.covariance @ gradient)))
        return Estimate(max(value, low), max(value - half, low), max(value + half, low))


def concentrated_cost(model_values: list[Array], measured: list[Array]) -> float:
    """Compute the cost of responses, with the best offset, gain and variance of each channel.

    Args:
        model_values: Response (n,) of each channel.
        measured: Measured values (n,) of each channel.
    """
    cost = 0.0
    for x, y in zip(model_values, measured, strict=True):
        x0, y0 = x - x.mean(), y - y.mean()
        power = x0 @ x0
        gain = x0 @ y0 / power if power > 0.0 else 0.0
        residual = y0 - gain * x0
        cost += len(y) * np.log(residual @ residual / len(y) + 1e-24)
    return float(cost)


def fit(model: Model, measured: list[Array], start: Array, low: Array, high: Array) -> Fit:
    """Fit parameters by Levenberg and Marquardt's method, offset and gain of each channel by projection.

    The variance of each channel is that of its residuals. The covariance is ``H^-1 M H^-1`` with the
    residuals' spectrum in M (Ljung, System Identification, 2nd edition, section 9.4), so that it also
    holds where the residuals are correlated.

    Args:
        model: Responses of the channels, and their derivatives.
        measured: Measured values (n,) of each channel.
        start: Parameters (k,) to begin at.
        low: Lower bounds (k,).
        high: Upper bounds (k,).
    """
    parameters, damping = np.clip(start, low, high), 1e-3
    state = _State(model(parameters), measured)
    for _ in range(ITERATIONS):
        hessian, gradient = state.normal()
        free = ~(((parameters <= low) & (gradient < 0.0)) | ((parameters >= high) & (gradient > 0.0)))
        improved = False
        while not improved and damping < 1e9 and free.any():
            system = hessian[np.ix_(free, free)]
            system = system + np.diag(damping * np.diag(system) + 1e-300)
            step = np.zeros_like(parameters)
            step[free] = np.linalg.lstsq(system, gradient[free], rcond=None)[0]
            trial = np.clip(parameters + step, low, high)
            candidate = _State(model(trial), measured)
            improved = candidate.cost < state.cost
            damping = damping / 5.0 if improved else damping * 8.0
        if not improved:
            break
        moved, gained = np.abs(trial - parameters), state.cost - candidate.cost
        parameters, state, damping = trial, candidate, max(damping, 1e-9)
        if gained < 1e-4 or (moved <= 1e-9).all():
            break
    return state.result(parameters)


class _State:
    """Linear part of the fit at given parameters."""

    def __init__(self, responses: list[Array], measured: list[Array]) -> None:
        self._jacobians, self._offsets, self._gains, self._residuals = [], [], [], []
        self.cost = 0.0
        for rows, y in zip(responses, measured, strict=True):
            x, mean = rows[0], rows[0].mean()
            centred, level = x - mean, y.mean()
            power = centred @ centred
            gain = float(centred @ y / power) if power > 0.0 else 0.0
            residual = y - level - gain * centred
            self._jacobians.append(np.concatenate([gain * rows[1:], np.ones((1, len(x))), rows[:1]]))
            self._offsets.append(level - gain * mean)
            self._gains.append(gain)
            self._residuals.append(residual)
            self.cost += len(y) * np.log(residual @ residual / len(y) + 1e-24)

    def _variance(self, residual: Array) -> float:
        return float(residual @ residual / len(residual)) + 1e-24

    def normal(self) -> tuple[Array, Array]:
        """Return the normal equations of the parameters, with offsets and gains eliminated."""
        count = len(self._jacobians[0]) - 2
        hessian, gradient = np.zeros((count, count)), np.zeros(count)
        for jacobian, residual in zip(self._jacobians, self._residuals, strict=True):
            own, linear = jacobian[:count], jacobian[count:]
            own = own - np.linalg.lstsq(linear @ linear.T, linear @ own.T, rcond=None)[0].T @ linear
            variance = self._variance(residual)
            hessian += own @ own.T / variance
            gradient += own @ residual / variance
        return hessian, gradient

    def result(self, parameters: Array) -> Fit:
        count, channels = len(parameters), len(self._residuals)
        size = count + 2 * channels
        hessian, meat = np.zeros((size, size)), np.zeros((size, size))
        for number, (jacobian, residual) in enumerate(zip(self._jacobians, self._residuals, strict=True)):
            own = [*range(count), count + 2 * number, count + 2 * number + 1]
            variance = self._variance(residual)
            hessian[np.ix_(own, own)] += jacobian @ jacobian.T / variance
            meat[np.ix_(own, own)] += spectral_meat(jacobian, residual) / variance**2
        scale = np.sqrt(np.maximum(np.diag(hessian), 1e-300))
        inverse = np.linalg.pinv(hessian / np.outer(scale, scale), rcond=1e-13) / np.outer(scale, scale)
        linear = [part for pair in zip(self._offsets, self._gains, strict=True) for part in pair]
        motions = [
            abs(gain) * float(jacobian[-1].std())
            for gain, jacobian in zip(self._gains, self._jacobians, strict=True)
        ]
        return Fit(
            np.concatenate([parameters, linear]),
            inverse @ meat @ inverse,
            self._residuals,
            np.array(motions),
            self.cost,
        )


def spectral_meat(jacobian: Array, residual: Array) -> Array:
    """Compute the covariance of ``jacobian @ residual`` for stationary residuals, from their spectrum.

    Args:
        jacobian: (k, n) derivatives.
        residual: (n,) residuals.

    Returns:
        (k, k) covariance.
    """
    count = len(residual)
    power = np.abs(np.fft.rfft(residual)) ** 2 / count
    width = max(5, len(power) // 100) | 1
    padded = (
        np.pad(power, width // 2, mode="reflect")
        if len(power) > width
        else np.full(len(power) + width - 1, power.mean())
    )
    smooth = np.convolve(padded, np.ones(width) / width, mode="valid")
    transformed = np.fft.rfft(jacobian, axis=1)
    weight = np.full(len(power), 2.0)
    weight[0] = 1.0
    if count % 2 == 0:
        weight[-1] = 1.0
    weighted = transformed * (weight * smooth)
    return np.real(weighted @ transformed.conj().T) / count
