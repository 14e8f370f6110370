"""Closed loop of a controller in contact with a stiff environment, and its stability."""

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import replace
from math import ceil, exp, floor, log10, pi

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers import bounds
from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.contact_config import ContactConfig
from assembly_rl.controllers.discretization import Discretization, expm, step_matrix
from assembly_rl.controllers.serialization import copied
from assembly_rl.controllers.validation import (
    AXES,
    InputError,
    require_cutoff,
)

Matrix = NDArray[np.float64]

LARGEST_STIFFNESS = 1e12
"""Stiffness at which the search for the bound ends [N/m, Nm/rad]."""
SHARES = np.geomspace(1.0, 1e-3, 24).tolist()
"""Shares of the stated stiffness in which coupled axes are tested."""
DAMPING_STEP = 1.1
"""Factor by which the search for a damping that holds goes on."""
TOLERANCE = 1e-9
"""Tolerance above 1 of a stable spectral radius: free axes without a spring are at 1."""


def _eigenvalue_time(states: int) -> float:
    """Return the time [s] in which the eigenvalues of a matrix (states, states) are computed, measured."""
    return 12e-6 + 0.08e-6 * states**2 + 1.2e-9 * states**3


class ContactLoop:
    """Closed loop of controller, robot, environment and sensor, linear and in discrete time.

    In control period n the command x_n is held, or reached linearly from x_n-1 if ``contact.lead`` is given;
    the robot follows it with a first-order lag, the environment reacts with ``-K_e`` times the displacement
    (and ``lead`` times its velocity), and the sensor filters in continuous time. At the end of the period the
    reading is sampled, delayed, filtered by the controller and used in step n + 1. Even without delay, lag or
    filter, a command affects the wrench one period later.

    Args:
        law: Compliance law.
        rate: Control rate [Hz].
        contact: Contact with the environment.
        cutoff: Cutoff of the controller's filter [Hz]; None for none.
        discretization: Integration method of the law.
        selected_axes: Axes that move.

    Raises:
        ValueError: The rate is not positive, or a cutoff is not below the Nyquist frequency.
    """

    def __init__(
        self,
        law: ComplianceLaw,
        rate: float,
        contact: ContactConfig,
        cutoff: float | None = None,
        discretization: Discretization = Discretization.implicit_euler,
        selected_axes: Sequence[bool] = (True,) * 6,
    ) -> None:
        if not 0.0 < rate < float("inf"):
            raise InputError(f"rate must be > 0 Hz, got {rate}")
        require_cutoff("cutoff", cutoff, rate)
        self.contact = copied(contact)
        self._rate, self._cutoff = rate, cutoff
        self._discretization, self._selected_axes = discretization, tuple(selected_axes)
        dt = 1.0 / rate
        self._delay = ceil(contact.delay * rate - 1e-9)
        if self._delay > bounds.DELAY_PERIODS:
            raise InputError(
                f"ContactConfig.delay must be <= {bounds.DELAY_PERIODS} control periods, "
                f"got {contact.delay} s at {rate:g} Hz"
            )
        self._keep = exp(-2.0 * pi * cutoff * dt) if cutoff is not None else 0.0
        self._chain, self._output = self._reaction(contact, dt)
        self._stated = np.diag(np.array(contact.stiffness, dtype=np.float64))
        self._put(law)

    def _put(self, law: ComplianceLaw) -> None:
        self._law = law
        self._step = step_matrix(
            law.mass, law.damping, law.stiffness, 1.0 / self._rate, self._discretization, self._selected_axes
        )
        self._links = (law.mass != 0.0) | (law.damping != 0.0) | (law.stiffness != 0.0)
        self._links |= self._links.T
        self._coupled = bool(self._links[~np.eye(6, dtype=bool)].any())

    def of(self, law: ComplianceLaw) -> "ContactLoop":
        """Return the loop of another law with the same rate, contact and filters."""
        loop = copy(self)
        loop._put(law)
        return loop

    @staticmethod
    def _reaction(contact: ContactConfig, dt: float) -> tuple[Matrix, Matrix]:
        """Return the step matrix (n, n + 2) of robot and sensor, and their output (n + 2,) after the step.

        The last two columns are those of the previous and of the new command.
        """
        lags = [contact.lag] if contact.lag > 0.0 else []
        if contact.sensor_cutoff is not None:
            lags.append(1.0 / (2.0 * pi * contact.sensor_cutoff))
        size, led = len(lags), contact.lead is not None
        lead = contact.lead or 0.0
        # Of the lags, the command and, if it moves, its change in the period.
        flow = np.zeros((size + 1 + led, size + 1 + led))
        if led:
            flow[size, size + 1] = 1.0
        signal = np.eye(len(flow))[size]  # what the next lag follows: first the command
        for row, lag in enumerate(lags):
            flow[row] = dt / lag * signal
            flow[row, row] -= dt / lag
            signal = np.eye(len(flow))[row]
            if row == 0 and contact.lag > 0.0:
                signal = signal + lead / dt * flow[row]
            elif row == 0 and led:
                flow[row, size + 1] += lead / lag
        step = expm(flow)
        chain, output = np.zeros((size, size + 2)), np.zeros(size + 2)
        chain[:, :size] = step[:size, :size]
        if led:
            chain[:, size] = step[:size, size] - step[:size, size + 1]
            chain[:, size + 1] = step[:size, size + 1]
        else:
            chain[:, size + 1] = step[:size, size]
        if contact.sensor_cutoff is not None:
            output[size - 1] = 1.0
        elif size:
            output[0], output[size + 1] = 1.0 - lead / contact.lag, lead / contact.lag
        else:
            output[size], output[size + 1] = -lead / dt, 1.0 + lead / dt
        return chain, output

    def matrix(self, stiffness: Matrix) -> Matrix:
        """Return the state transition matrix of a period for a contact stiffness K_e (6, 6).

        The state is x, v, the lags, the delayed readings and the controller's filter, six each.
        """
        return self._matrices(stiffness, [range(6)])[0]

    def _matrices(self, stiffness: Matrix, blocks: Sequence[Sequence[int]]) -> Matrix:
        """Return the matrices (len(blocks), n, n) of uncoupled sets of axes, equally many axes each."""
        count, width = len(blocks), len(blocks[0])
        size, delay = len(self._chain), self._delay
        axes = np.array(blocks)
        columns = np.concatenate((axes, axes + 6, axes + 12), axis=1)
        step = self._step[columns[:, : 2 * width, None], columns[:, None, :]]
        moved = 2 * width
        readings = moved + width * size  # first index of the delayed samples, newest first
        filtered = readings + width * (delay + 1)
        loop = np.zeros((count, filtered + width, filtered + width))
        identity = np.eye(width)
        # The controller filters the oldest sample, and steps the law with the result.
        loop[:, filtered:, filtered:] = self._keep * identity
        loop[:, filtered:, readings + width * delay : filtered] = (1.0 - self._keep) * identity
        drive = step[:, :, moved:]
        loop[:, :moved, :moved] = step[:, :, :moved]
        loop[:, :moved] += drive @ loop[:, filtered:]
        # The robot follows the new command, the environment reacts, the sensor samples.
        for row in range(size):
            block = slice(moved + width * row, moved + width * (row + 1))
            for column in range(size):
                at = moved + width * column
                loop[:, block, at : at + width] += self._chain[row, column] * identity
            loop[:, block, :width] += self._chain[row, size] * identity
            loop[:, block] += self._chain[row, size + 1] * loop[:, :width]
        output = self._output[size + 1] * loop[:, :width]
        output[:, :, :width] += self._output[size] * identity
        for row in range(size):
            output += self._output[row] * loop[:, moved + width * row : moved + width * (row + 1)]
        springs = stiffness[axes[:, :, None], axes[:, None, :]]
        loop[:, readings : readings + width] = -springs @ output
        for sample in range(1, delay + 1):
            at = readings + width * sample
            loop[:, at : at + width, at - width : at] = identity
        return loop

    def _blocks(self, stiffness: Matrix) -> list[list[list[int]]]:
        """Return the smallest sets of axes that are not coupled to one another, grouped by their size."""
        if not self._coupled and stiffness is self._stated:
            return [[[axis] for axis in range(6)]]
        links = self._links | (stiffness != 0.0) | (stiffness.T != 0.0) | np.eye(6, dtype=bool)
        reached = links.astype(np.int64)
        for _ in range(3):
            reached = np.minimum(reached @ reached, 1)
        sets = {tuple(np.flatnonzero(row).tolist()) for row in reached}
        return [
            sorted(list(axes) for axes in sets if len(axes) == size)
            for size in sorted({len(axes) for axes in sets})
        ]

    def _settles(self, loops: Matrix, width: int) -> bool:
        return self._radius(loops, width) <= 1.0 + TOLERANCE

    def _radius(self, loops: Matrix, width: int) -> float:
        if not self._keep:  # then the filter's states are copies that nothing depends on
            loops = loops[:, :-width, :-width]
        try:
            return float(np.abs(np.linalg.eigvals(loops)).max())
        except np.linalg.LinAlgError:  # not finite, or no convergence
            return float("inf")

    def spectral_radius(self, stiffness: Matrix) -> float:
        """Return the largest magnitude of the loop's eigenvalues for a contact stiffness K_e (6, 6)."""
        return max(
            self._radius(self._matrices(stiffness, blocks), len(blocks[0]))
            for blocks in self._blocks(stiffness)
        )

    def stable(self, stiffness: Matrix) -> bool:
        """Return True if a contact of stiffness K_e, shape (6, 6), settles."""
        return self.spectral_radius(stiffness) <= 1.0 + TOLERANCE

    def largest(self, direction: Matrix) -> float:
        """Return the largest stable factor on a contact stiffness K_e, shape (6, 6).

        It is the first crossing from below, to six digits; infinity if there is none up to 1e12.
        """
        low, high = 0.0, 1e-3
        while self.stable(high * direction):
            low, high = high, (1.2 if self._coupled else 2.0) * high
            if high > LARGEST_STIFFNESS:
                return float("inf")
        while high - low > 1e-7 * high:
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self.stable(middle * direction) else (low, middle)
        return low

    def checks(self) -> Iterator[bool]:
        """Yield the parts of the check of ``is_stable``, each after a bounded time (``longest_check``).

        Axes without coupling are one part. The stable stiffnesses of coupled axes need not form an interval
        from zero, so 24 softer contacts, down to a thousandth, are tested, each as a part; no gap was found
        in thousands of laws without coupling.
        """
        for blocks in self._blocks(self._stated):
            width = len(blocks[0])
            loops = self._matrices(self._stated, blocks)
            if width == 1:
                yield self._settles(loops, width)
                continue
            start = width * (2 + len(self._chain))
            for number in range(len(blocks)):
                loop = loops[number : number + 1]
                reaction = loop[:, start : start + width].copy()  # of the contact, proportional to K_e
                for share in SHARES:
                    loop[:, start : start + width] = share * reaction
                    yield self._settles(loop, width)

    @property
    def coupled(self) -> bool:
        """True if the law couples axes."""
        return self._coupled

    @property
    def longest_check(self) -> float:
        """Estimate of the processor time of the longest part of ``checks`` [s], on a processor of 2020."""
        states = 3 + len(self._chain) + self._delay + (1 if self._keep else 0)
        return 30e-6 + max(
            _eigenvalue_time(states * len(blocks[0])) * (len(blocks) if len(blocks[0]) == 1 else 1)
            for blocks in self._blocks(self._stated)
        )

    def is_stable(self) -> bool:
        """Return True if the stated contact, and for coupled axes softer ones, settle."""
        return all(self.checks())

    def require(self) -> None:
        """Refuse a law that is unstable in the stated contact.

        Raises:
            ValueError: The law is unstable; the message has the stated and the largest stable stiffness.
        """
        if self.is_stable():
            return
        advice = "raise mass or damping there, or shorten delay and filters"
        for axis, value, largest in self._beyond():
            raise InputError(
                f"the law is unstable against contact stiffness[{AXES[axis]}] = {value:g} "
                f"{self._conditions()}: the largest stable value is {largest:.5g}; {advice}"
            )
        factor = self.largest(self._stated)
        raise InputError(
            f"the law is unstable against contact stiffness {self.contact.stiffness} on all axes together "
            f"{self._conditions()}: the largest stable values are {factor:.3g} times these; {advice}"
        )

    def advice(self) -> str:
        """Describe where the law is unstable in the stated contact, and what holds; empty if it is stable."""
        if self.is_stable():
            return ""
        where = ", ".join(
            f"{AXES[axis]} {value:g} (stable up to {largest:.3g})" for axis, value, largest in self._beyond()
        )
        if not where:
            where = f"all axes together (stable up to {self.largest(self._stated):.3g} times it)"
        try:
            held, own = (np.diag(law.damping).tolist() for law in (self.stabilized(), self._law))
            values = [old if old == new else rounded_up(new) for old, new in zip(own, held, strict=True)]
            remedy = f"damping=[{','.join(f'{value:g}' for value in values)}] holds"
        except InputError as error:
            remedy = str(error)
        return f"the law is unstable {self._conditions()} against contact stiffness {where}: {remedy}"

    def stabilized(self) -> ComplianceLaw:
        """Return the law with the least damping that is stable in the stated contact; see ``stabilized``."""
        if self.is_stable():
            return self._law
        if self._coupled:
            raise InputError(
                "the law couples axes, and damping is raised axis by axis: state it about a centre and in "
                "axes in which it is diagonal"
            )
        damping = np.diag([self._least_damping(axis) for axis in range(6)])
        return replace(self._law, damping=damping)

    def _least_damping(self, axis: int) -> float:
        """Return the first damping from that of the law upwards, to six digits, that settles on an axis."""

        def settles(damping: float) -> bool:
            values = self._law.damping.copy()
            values[axis, axis] = damping
            loop = self.of(replace(self._law, damping=values))
            return loop._settles(loop._matrices(self._stated, [[axis]]), 1)

        low, most = float(self._law.damping[axis, axis]), bounds.DAMPING[axis // 3]
        if settles(low):
            return low
        high = low
        while high == low or not settles(high):
            if high >= most:
                raise InputError(
                    f"no damping[{AXES[axis]}] up to {most:g} in SI units holds against contact "
                    f"stiffness[{AXES[axis]}] = {self.contact.stiffness[axis]:g} {self._conditions()}: "
                    "shorten delay and lag, or soften the contact"
                )
            low, high = high, min(most, max(DAMPING_STEP * high, 1e-6 * most))
        while high - low > 1e-7 * high:
            middle = 0.5 * (low + high)
            low, high = (low, middle) if settles(middle) else (middle, high)
        return high

    def _beyond(self) -> Iterator[tuple[int, float, float]]:
        """Yield axis, stated and largest stable stiffness where the axis alone is unstable."""
        for axis, value in enumerate(self.contact.stiffness):
            largest = self.largest(np.diag(np.eye(6)[axis]))
            if value > largest:
                yield axis, value, largest

    def _conditions(self) -> str:
        contact = self.contact
        parts = [f"at {self._rate:g} Hz", f"delay {contact.delay:g} s", f"lag {contact.lag:g} s"]
        if contact.lead is not None:
            parts.append(f"lead {contact.lead:g} s")
        for name, value in (("sensor_cutoff", contact.sensor_cutoff), ("cutoff", self._cutoff)):
            if value is not None:
                parts.append(f"{name} {value:g} Hz")
        return ", ".join(parts)


def rounded_up(value: float) -> float:
    """Return the next number of two digits that is not less than a positive one."""
    unit = 10.0 ** (floor(log10(value)) - 1)
    return float(f"{ceil(value / unit - 1e-9) * unit:.2g}")
