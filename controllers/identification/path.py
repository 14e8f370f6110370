"""Path of the commands on a uniform grid, and responses of linear filters to it, by Fourier transform."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Spectrum = NDArray[np.complexfloating]

MOVING = 2e-3
"""Share of the largest velocity from which a motion has a direction."""
PADDING = 4.0
"""Time [s] behind the recording in which the path returns and the response decays."""


class CommandPath:
    """Path of commands, from which responses at the times of the rows are computed.

    The path is replaced by its means over cells of a uniform grid, which keep its area, also with rows that
    come irregularly. Rows that are missing are filled by
    cubics. A response is a product in the frequency
    domain, so delays are exact to any fraction of a period; between the grid's points it is interpolated by
    a cubic through four of them.

    Args:
        times: (n,) times of the rows [s].
        commands: (n,) commanded coordinate.
        period: Control period [s].
        interpolated: True if a command is reached linearly one period after its time, false if it acts at
            once and is held.
        spacing: Spacing of the grid [s].
    """

    def __init__(
        self, times: Array, commands: Array, period: float, interpolated: bool, spacing: float
    ) -> None:
        times, values = _filled(times, commands[None], period)
        begin = times[0] - 0.1
        cells = int(np.ceil((times[-1] + 2.0 * period - begin) / spacing)) + 3
        edges = begin + spacing * np.arange(cells + 1)
        knots = times + period if interpolated else times
        means = _cell_means(knots, values - values[:, :1], edges, interpolated)[0]
        padding = int(np.ceil(PADDING / spacing))
        size = _fast_size(cells + padding)
        ramp = 0.5 + 0.5 * np.cos(np.pi * np.minimum(1.0, np.arange(size - cells) / (0.5 * padding)))
        self._spectrum: Spectrum = np.fft.rfft(np.concatenate([means, means[-1] * ramp]))
        self._size, self._first, self._spacing = size, begin + 0.5 * spacing, spacing
        self._return = np.concatenate([np.ones(cells), ramp])
        self.laplace: Spectrum = 2j * np.pi * np.fft.rfftfreq(size, spacing)
        """Laplace variable s of the transfer functions [rad/s]."""

    def rows(self, times: Array) -> tuple[NDArray[np.intp], Array]:
        """Return indices and weights for ``responses`` at times (n,) [s]."""
        position = (times - self._first) / self._spacing
        index = np.floor(position).astype(np.intp)
        f = position - index
        weights = np.stack(
            [
                -f * (f - 1.0) * (f - 2.0) / 6.0,
                (f + 1.0) * (f - 1.0) * (f - 2.0) / 2.0,
                -(f + 1.0) * f * (f - 2.0) / 2.0,
                (f + 1.0) * f * (f - 1.0) / 6.0,
            ]
        )
        return index, weights

    def responses(self, filters: Spectrum, rows: tuple[NDArray[np.intp], Array]) -> Array:
        """Compute the responses of transfer functions.

        Args:
            filters: (filters, frequencies) transfer functions at ``laplace``.
            rows: Rows from ``rows``.

        Returns:
            (filters, n) responses, relative to that to the first command.
        """
        return self._at(np.fft.irfft(self._spectrum * filters, self._size, axis=1), rows)

    def frictions(self, motion: Spectrum, filters: Spectrum, rows: tuple[NDArray[np.intp], Array]) -> Array:
        """Compute responses to dry friction, to the sign of the velocity or, at rest, of the one before.

        Args:
            motion: (frequencies,) transfer function from command to motion.
            filters: (filters, frequencies) transfer functions from friction to what is measured.
            rows: Rows from ``rows``.

        Returns:
            (filters, n) responses.
        """
        velocity = np.fft.irfft(self._spectrum * motion * self.laplace, self._size)
        moves = np.abs(velocity) > MOVING * np.abs(velocity).max()
        latest = np.maximum.accumulate(np.where(moves, np.arange(self._size), 0))
        sign = np.where(moves[latest], np.sign(velocity[latest]), 0.0) * self._return
        return self._at(np.fft.irfft(np.fft.rfft(sign) * filters, self._size, axis=1), rows)

    def _at(self, values: Array, rows: tuple[NDArray[np.intp], Array]) -> Array:
        index, weights = rows
        return sum(
            weight * values.take(index + shift, axis=1)
            for weight, shift in zip(weights, range(-1, 3), strict=True)
        )


def _filled(times: Array, commands: Array, period: float) -> tuple[Array, Array]:
    """Return times and commands with missing rows filled by cubics."""
    steps = np.diff(times)
    missing = np.round(steps / period).astype(int) - 1
    more = [
        start + step * np.arange(1, count + 1) / (count + 1)
        for start, step, count in zip(times[:-1], steps, missing, strict=True)
        if count > 0
    ]
    if not more:
        return times, commands
    lost = np.concatenate(more)
    filled = np.concatenate([times, lost])
    order = np.argsort(filled)
    both = np.concatenate([commands, _cubic(times, commands, lost)], axis=1)
    return filled[order], both[:, order]


def _cubic(times: Array, values: Array, moments: Array) -> Array:
    """Interpolate by the cubic through the four neighbours."""
    first = np.clip(np.searchsorted(times, moments) - 2, 0, len(times) - 4)
    index = first + np.arange(4)[:, None]
    knots = times[index]
    result = np.zeros((len(values), len(moments)))
    for own in range(4):
        weight = np.ones(len(moments))
        for other in range(4):
            if other != own:
                weight *= (moments - knots[other]) / (knots[own] - knots[other])
        result += weight * values[:, index[own]]
    return result


def _cell_means(knots: Array, values: Array, edges: Array, linear: bool) -> Array:
    """Compute the means of a path over the cells between edges, (channels, cells)."""
    before, after = min(edges[0], knots[0]) - 1.0, max(edges[-1], knots[-1]) + 1.0
    knots = np.concatenate([[before], knots, [after]])
    values = np.concatenate([values[:, :1], values, values[:, -1:]], axis=1)
    steps = np.diff(knots)
    slopes = np.diff(values, axis=1) / steps if linear else np.zeros_like(values[:, 1:])
    area = np.cumsum(steps * (values[:, :-1] + 0.5 * steps * slopes), axis=1)
    area = np.concatenate([np.zeros((len(values), 1)), area], axis=1)
    index = np.searchsorted(knots, edges, side="right") - 1
    rest = edges - knots[index]
    integral = area[:, index] + rest * (values[:, index] + 0.5 * rest * slopes[:, index])
    return np.diff(integral, axis=1) / np.diff(edges)


def _fast_size(least: int) -> int:
    """Return the smallest even number of at least some size with small prime factors only."""
    sizes = [
        2 ** (a + 1) * 3**b * 5**c for a in range(int(np.log2(least)) + 2) for b in range(4) for c in range(4)
    ]
    return min(size for size in sizes if size >= least)
