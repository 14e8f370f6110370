"""Nonlinear least squares over several channels, with intervals that hold for correlated residuals."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.identification.estimate import Estimate

Array = NDArray[np.float64]
Model = Callable[[Array], list[tuple[Array, Array]]]
"""Parameters (k,) -> for each channel (1 + k, n), the response and its derivatives by the parameters, and
(e, n), other signals that may be in the measurement."""

NORMAL = 1.96
"""Quantile of the normal distribution for a two-sided 95 % interval."""
ITERATIONS = 40
ENOUGH = 1e-2
"""Gain of log-likelihood below which the fit has converged."""


@dataclass(frozen=True)
class Fit:
    """Least squares of ``y = offset + gain * response(parameters) + ...`` over channels.

    Attributes:
        values: Parameters (k,), then offset, gain and factors of the other signals of each channel.
        covariance: Covariance of these.
        gains: c numbers of the gains in ``values``.
        residuals: c residuals (n,).
        cost: Concentrated log-likelihood, smaller is better.
    """

    values: Array
    covariance: Array
    gains: list[int]
    residuals: list[Array]
    cost: float

    def estimate(self, function: Callable[[Array], float], low: float = -np.inf) -> Estimate:
        """Return a function of the values with an interval, linearised about the best ones.

        Args:
            function: Function of ``values``, finite near them.
            low: Smallest value that is possible, at which the interval is cut.
        """
        value = float(function(self.values))
        deviations = np.sqrt(np.maximum(np.diag(self.covariance), 0.0))
        gradient = np.zeros(len(self.values))
        for number, deviation in enumerate(deviations):
            if deviation > 0.0:
                shifted = self.values.copy()
                shifted[number] += 1e-3 * deviation
                gradient[number] = (function(shifted) - value) / (1e-3 * deviation)
        half = NORMAL * max(0.0, float(gradient @ self.covariance @ gradient)) ** 0.5
        return Estimate(max(value, low), max(value - half, low), max(value + half, low))


def concentrated_cost(responses: list[Array], measured: list[Array]) -> float:
    """Compute the cost of responses, with the best offset, gain and variance of each channel.

    Args:
        responses: Response (n,) of each channel.
        measured: Measured values (n,) of each channel.
    """
    rows: list[tuple[Array, Array]] = [(own[None], np.zeros((0, len(own)))) for own in responses]
    return _State(rows, measured).cost


def fit(
    model: Model, measured: list[Array], start: Array, low: Array, high: Array, separation: int = 1
) -> Fit:
    """Fit parameters by Levenberg and Marquardt's method, offset and gain of each channel by projection.

    The variance of each channel is that of its residuals. The covariance is ``H^-1 M H^-1`` with the
    residuals' spectrum in M (Ljung, System Identification, 2nd edition, section 9.4), so that it also holds
    where the residuals are correlated. What rows in some distance have in common is taken for a misfit of the
    model, by which a parameter may be wrong as far as if all of it were along its derivative.

    Args:
        model: Responses of the channels, and their derivatives.
        measured: Measured values (n,) of each channel.
        start: Parameters (k,) to begin at.
        low: Lower bounds (k,).
        high: Upper bounds (k,).
        separation: Rows after which noise of the sensor is forgotten.
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
            # A bound is approached, not reached: at a vanishing second pole the cost is stationary.
            trial = np.clip(
                parameters + step,
                parameters - 0.9 * (parameters - low),
                parameters + 0.9 * (high - parameters),
            )
            candidate = _State(model(trial), measured)
            improved = candidate.cost < state.cost
            damping = damping / 5.0 if improved else damping * 8.0
        if not improved:
            break
        moved, gained = np.abs(trial - parameters), state.cost - candidate.cost
        parameters, state, damping = trial, candidate, max(damping, 1e-9)
        if gained < ENOUGH or (moved <= 1e-9).all():
            break
    return state.result(parameters, separation)


class _State:
    """Linear part of the fit at given parameters."""

    def __init__(self, responses: list[tuple[Array, Array]], measured: list[Array]) -> None:
        self._jacobians, self._factors, self._residuals = [], [], []
        self._count = len(responses[0][0]) - 1
        self.cost = 0.0
        for (rows, others), y in zip(responses, measured, strict=True):
            linear = np.concatenate([np.ones((1, len(y))), rows[:1], others])
            factors = _solved(linear @ linear.T, linear @ y)
            residual = y - factors @ linear
            self._jacobians.append(np.concatenate([factors[1] * rows[1:], linear]))
            self._factors.append(factors)
            self._residuals.append(residual)
            self.cost += float(len(y) * np.log(_variance(residual)))

    def normal(self) -> tuple[Array, Array]:
        """Return the normal equations of the parameters, with the linear factors eliminated."""
        count = self._count
        hessian, gradient = np.zeros((count, count)), np.zeros(count)
        for jacobian, residual in zip(self._jacobians, self._residuals, strict=True):
            own, linear = jacobian[:count], jacobian[count:]
            own = own - _solved(linear @ linear.T, linear @ own.T).T @ linear
            hessian += own @ own.T / _variance(residual)
            gradient += own @ residual / _variance(residual)
        return hessian, gradient

    def result(self, parameters: Array, separation: int) -> Fit:
        """Return the fit with its covariance."""
        count, gains = self._count, []
        size = count + sum(map(len, self._factors))
        hessian, meat = np.zeros((size, size)), np.zeros((size, size))
        begin = count
        for factors, jacobian, residual in zip(self._factors, self._jacobians, self._residuals, strict=True):
            gains.append(begin + 1)
            own = [*range(count), *range(begin, begin + len(factors))]
            begin += len(factors)
            hessian[np.ix_(own, own)] += jacobian @ jacobian.T / _variance(residual)
            noise = spectral_meat(jacobian, residual)
            misfit = len(residual) * common_part(residual, separation) / NORMAL**2
            meat[np.ix_(own, own)] += (noise + misfit * jacobian @ jacobian.T) / _variance(residual) ** 2
        inverse = _solved(hessian, np.eye(size))
        covariance = inverse @ meat @ inverse
        values = np.concatenate([parameters, *self._factors])
        return Fit(values, covariance, gains, self._residuals, self.cost)


def _variance(residual: Array) -> float:
    return float(residual @ residual / len(residual)) + 1e-24


def _solved(matrix: Array, right: Array) -> Array:
    """Solve a system with a positive semidefinite matrix whose unknowns have different units."""
    scale = 1.0 / np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    inverse = np.linalg.pinv(matrix * np.outer(scale, scale), rcond=1e-12, hermitian=True)
    return (scale[:, None] * inverse * scale) @ right


def root_interval(result: Fit, root: int, function: Callable[[Array], float], floor: float = 0.0) -> Estimate:
    """Return a function of the parameters with its interval, where one of them enters by its root.

    The function is evaluated along the whole interval of that parameter, with the others as they are expected
    there, and is linearised in the others only. The parameter is shrunk by ``variance / value``, to zero if
    it cannot be told from zero.

    Args:
        result: Fit.
        root: Number of the parameter, which follows all others.
        function: Function of the parameters up to that, not negative.
        floor: Smallest half width of the interval.
    """
    values, covariance = result.values[: root + 1], result.covariance[: root + 1, : root + 1]
    variance = max(float(covariance[root, root]), 1e-30)
    slopes = covariance[:root, root] / variance
    rest = covariance[:root, :root] - np.outer(slopes, slopes) * variance

    def along(square: float) -> Array:
        return np.append(values[:root] + slopes * (square - values[root]), square)

    square, reach = float(values[root]), NORMAL * variance**0.5
    low, high = max(0.0, square - reach), square + reach
    best = along(max(0.0, square - variance / max(square, 1e-30)))
    value = function(best)
    found = [function(along(own)) for own in np.linspace(low**0.5, high**0.5, 5) ** 2]
    steps = 1e-3 * np.sqrt(np.maximum(np.diag(rest), 1e-30))
    shifts = np.eye(root + 1)[:root] * steps[:, None]
    gradient = np.array([function(best + shift) - value for shift in shifts]) / steps
    other = NORMAL**2 * max(0.0, float(gradient @ rest @ gradient)) + floor**2
    below, above = max(0.0, value - min(found)), max(0.0, max(found) - value)
    return Estimate(value, max(0.0, value - (below**2 + other) ** 0.5), value + (above**2 + other) ** 0.5)


def common_part(residual: Array, separation: int) -> float:
    """Return the mean square of what rows at a distance have in common; zero for white noise.

    Args:
        residual: (n,) residuals.
        separation: Distance of the rows.
    """
    covariance = float(np.mean(residual[separation:] * residual[:-separation]))
    return max(0.0, covariance - 2.5 * _variance(residual) / len(residual) ** 0.5)


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
