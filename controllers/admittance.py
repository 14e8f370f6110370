"""Admittance controller: measured wrench in, pose offset and fault flags out."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from math import exp, isfinite, pi

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assembly_rl.controllers import bounds
from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.config import AdmittanceConfig
from assembly_rl.controllers.contact_config import ContactConfig
from assembly_rl.controllers.contact_loop import ContactLoop
from assembly_rl.controllers.discretization import step_matrix
from assembly_rl.controllers.faults import Fault
from assembly_rl.controllers.gains import GainSchedule
from assembly_rl.controllers.serialization import copied
from assembly_rl.controllers.validation import (
    AXES,
    InputError,
    entries,
    finite_numbers,
    is_finite,
    plain,
    real,
    require_cutoff,
)

NO_REFERENCE = (0.0,) * 6
NO_FAULT = Fault.NONE
CHECK_SHARE = 0.25
"""Share of the control period that a step may spend on the check of a requested law."""

# The flags as plain integers: combining enum members costs a microsecond each.
INVALID_INPUT = Fault.INVALID_INPUT.value
STALE_WRENCH = Fault.STALE_WRENCH.value
UNUSABLE = INVALID_INPUT | STALE_WRENCH
TIMING = Fault.TIMING.value
WRENCH_LIMIT = Fault.WRENCH_LIMIT.value
REFERENCE_LIMIT = Fault.REFERENCE_LIMIT.value
OFFSET_LIMIT = Fault.OFFSET_LIMIT.value
SPEED_LIMIT = Fault.SPEED_LIMIT.value
CUT = OFFSET_LIMIT | SPEED_LIMIT
GAIN_REJECTED = Fault.GAIN_REJECTED.value
GAIN_EXPIRED = Fault.GAIN_EXPIRED.value
STOPPED = Fault.STOPPED.value


def _within(values: Sequence[float], limits: Sequence[float]) -> bool:
    """Return True if six values are within their limits; unrolled, which halves its time."""
    a, b, c, d, e, f = values
    p, q, r, s, t, u = limits
    return -p <= a <= p and -q <= b <= q and -r <= c <= r and -s <= d <= s and -t <= e <= t and -u <= f <= u


def _cut(values: Sequence[float], limits: Sequence[float]) -> list[float]:
    return [max(-limit, min(limit, value)) for value, limit in zip(values, limits, strict=True)]


class AdmittanceController:
    """Controller that integrates a compliance law at a fixed rate, within bounds for any input.

    The offset is ``x = (translation [m], rotation vector [rad])`` of the commanded compliance centre from
    its nominal pose, in the axes of the compliance frame. Wrenches are ``(force [N], moment [Nm])`` that
    the ENVIRONMENT applies to the tool, about the compliance centre, in the same axes; ``ContactWrench``
    makes them from sensor readings.

    A step checks its input, cuts the wrench to ``wrench_limit``, filters it, subtracts the deadband, cuts
    the reference to ``reference_limit`` and advances the law by one period; then speed and offset are cut
    to their limits. The spring acts on the offset that was applied, so nothing winds up.

    Without a usable wrench (not finite, stale) the last one stays in force for ``safety.hold``; then the
    motion comes to rest and the reference fades to the safe one; after ``safety.stop`` the controller is
    stopped until ``reset``. A missing wrench is never taken for zero, which would mean "no contact".

    Args:
        law: Compliance law.
        rate: Control rate [Hz].
        config: Limits, filter, safety, gains.
        contact: Stiffest contact to be expected. A law that is unstable in it is refused here and by
            ``request``, which flags it. None for no such check.

    Raises:
        ValueError: A rate that is not positive, a cutoff at or above the Nyquist frequency, an unstable law.
    """

    def __init__(
        self,
        law: ComplianceLaw,
        rate: float,
        config: AdmittanceConfig | None = None,
        contact: ContactConfig | None = None,
    ) -> None:
        if not (is_finite(rate) and rate > 0.0):
            raise InputError(f"rate must be > 0 Hz, got {rate}")
        if not bounds.SMALLEST_RATE <= rate <= bounds.RATE:
            raise InputError(
                f"rate must be from {bounds.SMALLEST_RATE:g} Hz to {bounds.RATE:g} Hz, got {rate}"
            )
        rate = float(rate)
        config = copied(config) if config is not None else AdmittanceConfig()
        require_cutoff("AdmittanceConfig.cutoff", config.cutoff, rate)
        self.rate = rate
        self._config = config
        self._contact = copied(contact) if contact is not None else None
        self._period = period = 1.0 / rate
        self._keep = 0.0 if config.cutoff is None else exp(-2.0 * pi * config.cutoff * period)
        self._wrench_limit = list(config.wrench_limit)
        self._deadband = list(config.deadband) if any(config.deadband) else None
        self._reference_limit = list(config.reference_limit)
        self._safe_reference = list(config.safety.safe_reference)
        self._motion_limits = [
            (limit, speed, period * speed)
            for limit, speed in zip(config.offset_limit, config.speed_limit, strict=True)
        ]
        safety = config.safety
        self._hold = round(safety.hold * rate)
        self._stop = round(safety.stop * rate)
        self._calm = exp(-period / safety.fade)
        self._fading = period / safety.fade
        self._late = period * safety.jitter
        self._loop = (
            ContactLoop(law, rate, self._contact, config.cutoff, config.discretization, config.selected_axes)
            if self._contact is not None
            else None
        )
        self._gains = GainSchedule(config.gains, period, self._matrix)
        self._state = np.zeros(18)  # [x, v, F - F_ref], the vector that the step matrix multiplies
        self._next = np.zeros(12)
        self.reset(law=law)

    def _matrix(
        self, mass: NDArray[np.float64], damping: NDArray[np.float64], stiffness: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):  # whatever the calling program does about underflow
            return step_matrix(
                mass,
                damping,
                stiffness,
                self._period,
                self._config.discretization,
                self._config.selected_axes,
            )

    # ------------------------------------------------------------------ outside the loop

    def reset(self, offset: ArrayLike | None = None, law: ComplianceLaw | None = None) -> None:
        """Start at rest at an offset; clear faults, filter, requested gains and the energy in the tank.

        Start from the measured pose (``se3.offset_between(nominal, measured)``): then the first command is
        where the robot is.

        Args:
            offset: Offset to start from, shape (6,), m and rad; zero if None.
            law: New law; that of the last reset if None.

        Raises:
            ValueError: An offset outside ``offset_limit``, or a law that is unstable in contact.
        """
        start = np.zeros(6) if offset is None else np.array(offset, dtype=np.float64)
        if start.shape != (6,):
            raise InputError(f"offset must have shape (6,), got {start.shape}")
        for axis, value, limit in zip(AXES, start.tolist(), self._config.offset_limit, strict=True):
            if not abs(value) <= limit:
                raise InputError(f"offset[{axis}] must be within +-{limit} (offset_limit), got {value}")
        if law is not None:
            if self._loop is not None:
                self._loop = self._loop.of(law)
                self._loop.require()
                share = CHECK_SHARE * self._period / self._loop.longest_check
                self._checks_per_step = max(1, int(share))
            self._gains.reset(law)
        else:
            self._gains.reset(self._gains.base)
        self._state[:] = 0.0
        self._state[:6] = start
        self._offset: list[float] = start.tolist()
        self._filtered: Sequence[float] | None = None
        self._missing = self._hold  # stand still until the first usable wrench
        self._share = 1.0  # share of the reference in force; the rest is the safe reference
        self._stopped = False
        self._rejected = False
        self._check: tuple[ComplianceLaw, Iterator[bool]] | None = None
        self._waiting: ComplianceLaw | None = None
        self._time: float | None = None

    def request(self, law: ComplianceLaw) -> bool:
        """Request other gains; the law in force moves there without a jump of the command.

        It moves as fast as ``gains.damping_rate`` and ``gains.stiffness_rate`` allow, and only while the
        energy tank can pay for it (``GainSchedule``).

        A law without coupling is checked at once in the stated contact. The check of a coupled one is long:
        the following steps do it, each for at most a quarter of the control period, and then the law moves;
        meanwhile the latest further request waits.

        Returns:
            False if the law is unstable in the stated contact: it is rejected, and the steps report
            ``GAIN_REJECTED`` until another request. True for a coupled law, whose check begins.

        Raises:
            ValueError: A law of another mass or at another centre.
        """
        self._gains.require(law)
        if self._loop is None:
            self._take(law)
            return True
        loop = self._loop.of(law)
        if not loop.coupled:
            self._check = self._waiting = None
            stable = loop.is_stable()
            if stable:
                self._take(law)
            else:
                self._rejected = True
            return stable
        if self._check is None:
            self._check = law, loop.checks()
        else:
            self._waiting = law
        return True

    def _take(self, law: ComplianceLaw) -> None:
        self._rejected = False
        self._gains.request(law)

    @np.errstate(all="ignore")
    def _continue_check(self, law: ComplianceLaw, checks: Iterator[bool]) -> None:
        """Do a control step's share of the check of a requested law."""
        for _ in range(self._checks_per_step):
            stable = next(checks, None)
            if stable:
                continue
            self._check = None
            if stable is None:
                self._take(law)
            else:
                self._rejected = True
            if self._waiting is not None:
                self.request(self._waiting)
                self._waiting = None
            return

    def require_requests(self) -> None:
        """Refuse a controller that cannot take a request within a quarter of a control period.

        Raises:
            ValueError: The loop of controller and stated contact has too many states, or the law has an
                asymmetric stiffness and the energy tank is in use.
        """
        self._gains.require(self._gains.base)
        if self._loop is not None and self._loop.longest_check > CHECK_SHARE * self._period:
            raise InputError(
                f"the check of a law in contact would take {1e6 * self._loop.longest_check:.0f} us of the "
                f"control period of {1e6 * self._period:.0f} us, more than a quarter: shorten "
                "ContactConfig.delay, lower the rate, use a law without coupling, or an action that does not "
                "change gains"
            )

    @property
    def config(self) -> AdmittanceConfig:
        """Limits, filter, safety and gains (a copy)."""
        return deepcopy(self._config)

    @property
    def contact(self) -> ContactConfig | None:
        """Stiffest contact to be expected (a copy)."""
        return deepcopy(self._contact)

    @property
    def law(self) -> ComplianceLaw:
        """Law in force."""
        return self._gains.law

    @property
    def offset(self) -> NDArray[np.float64]:
        """Offset x, shape (6,), m and rad (a copy)."""
        return self._state[:6].copy()

    @property
    def velocity(self) -> NDArray[np.float64]:
        """Offset velocity v, shape (6,), m/s and rad/s (a copy)."""
        return self._state[6:12].copy()

    @property
    def energy(self) -> float:
        """Energy in the tank [J]; infinity without a gate."""
        return self._gains.tank

    @property
    def steady_wrench_bound(self) -> NDArray[np.float64]:
        """Largest wrench of a contact at rest, shape (6,), N and Nm.

        At rest ``F = F_ref + K x``: reference limit, stiffness times offset limit, and the deadband, which
        the law does not respond to. The bound holds while the offset is inside its limits; at the edge of its
        workspace the robot's own stiffness counts, and OFFSET_LIMIT is set. It is infinite for an axis that
        does not move, and where ``wrench_limit`` is so low that the law cannot reach the bound.
        """
        config = self._config
        spring = np.abs(self.law.stiffness) @ np.array(config.offset_limit)
        bound = np.array(config.reference_limit) + np.array(config.deadband) + spring
        reachable = bound < np.array(config.wrench_limit)
        return np.where(reachable & np.array(config.selected_axes), bound, np.inf)

    def rebase(self, axis: int, distance: float) -> None:
        """Account for a nominal pose that was moved by distance [m or rad] along an axis (0 to 5).

        The commanded pose and its velocity stay as they are; only the offset is counted from the new
        nominal pose. An offset that is then beyond its limit comes back at no more than the speed limit.

        Raises:
            ValueError: Another axis, or a distance that is not finite.
        """
        if axis not in range(6):
            raise InputError(f"axis must be 0 to 5, got {axis}")
        if not is_finite(distance):
            raise InputError(f"distance must be finite, got {distance}")
        self._state[axis] -= distance
        self._offset[axis] = float(self._state[axis])

    def restrain(self, offset: Sequence[float]) -> None:
        """Account for a command that was held back: offset and velocity are those of what was applied.

        Args:
            offset: Offset (6,) [m, rad] that was applied instead of that of the latest step.

        Raises:
            ValueError: The offset is not six finite numbers.
        """
        if not finite_numbers(offset, 6):
            raise InputError(f"offset must be six finite numbers, got {offset!r:.80}")
        state = self._state
        for axis, (value, (_, speed, _)) in enumerate(zip(offset, self._motion_limits, strict=True)):
            velocity = float(state[6 + axis]) + (value - self._offset[axis]) * self.rate
            state[axis], state[6 + axis] = value, max(-speed, min(speed, velocity))
        self._offset = [float(value) for value in offset]

    # ------------------------------------------------------------------ the loop

    def step(
        self,
        wrench: Sequence[float] | NDArray[np.float64],
        reference: Sequence[float] | NDArray[np.float64] = NO_REFERENCE,
        time: float | None = None,
        stamp: float | None = None,
    ) -> tuple[list[float], Fault]:
        """Advance by one control period. Never raises, never returns anything but finite numbers.

        Args:
            wrench: Wrench F, six floats, N and Nm.
            reference: Wrench F_ref that the environment should apply, six floats, N and Nm.
            time: Time of this step, on any steady clock [s]; None for no check of timing and age.
            stamp: Time of the measurement of the wrench, on the same clock [s]; None for now.

        Returns:
            The offset x, six floats, m and rad, and the fault flags of this step.
        """
        if self._check is not None:
            self._continue_check(*self._check)
        faults = 0
        if time is not None or stamp is not None:
            now, then = None if time is None else real(time), None if stamp is None else real(stamp)
            faults = self._check_time(now, then)
        try:
            a, b, c, d, e, f = entries(wrench)
            p, q, r, s, t, u = entries(reference)
            if not (
                type(a) is type(b) is type(c) is type(d) is type(e) is type(f) is float
                and type(p) is type(q) is type(r) is type(s) is type(t) is type(u) is float
            ):
                a, b, c, d, e, f = plain((a, b, c, d, e, f))
                p, q, r, s, t, u = plain((p, q, r, s, t, u))
            # Zero times a finite number is zero, and anything else is not.
            sum_of_zeros = 0.0 * a + 0.0 * b + 0.0 * c + 0.0 * d + 0.0 * e + 0.0 * f
            sum_of_zeros += 0.0 * p + 0.0 * q + 0.0 * r + 0.0 * s + 0.0 * t + 0.0 * u
            usable = isfinite(sum_of_zeros)
        except Exception:  # foreign objects run foreign code: the border of the control loop
            usable = False
        if not usable:
            faults |= INVALID_INPUT
        if self._stopped or faults & UNUSABLE:
            return self._without_wrench(faults)
        self._missing = 0
        faults |= self._drive((a, b, c, d, e, f), (p, q, r, s, t, u))
        return self._advance(faults)

    def _check_time(self, time: float | None, stamp: float | None) -> int:
        """Check timing and age of the wrench; return TIMING and STALE_WRENCH as bits."""
        faults = 0
        if time is None or not isfinite(time):
            faults = TIMING
        else:
            if self._time is not None and abs(time - self._time - self._period) > self._late:
                faults = TIMING
            self._time = time
        if stamp is not None and (
            time is None or not -self._period <= time - stamp <= self._config.safety.max_age
        ):
            faults |= STALE_WRENCH
        return faults

    def _drive(self, measured: Sequence[float], wanted: Sequence[float]) -> int:
        """Put filtered wrench less reference into the state; return the bits of the limits that were hit."""
        faults = 0
        if not _within(measured, self._wrench_limit):
            measured = _cut(measured, self._wrench_limit)
            faults = WRENCH_LIMIT
        if self._keep:
            keep, before = self._keep, self._filtered
            if before is not None:
                measured = [new + keep * (old - new) for new, old in zip(measured, before, strict=True)]
            self._filtered = measured
        if self._deadband is not None:
            measured = [
                value - dead if value > dead else value + dead if value < -dead else 0.0
                for value, dead in zip(measured, self._deadband, strict=True)
            ]
        if not _within(wanted, self._reference_limit):
            wanted = _cut(wanted, self._reference_limit)
            faults |= REFERENCE_LIMIT
        if self._share < 1.0:
            self._share = share = min(1.0, self._share + self._fading)
            wanted = [
                safe + share * (value - safe)
                for value, safe in zip(wanted, self._safe_reference, strict=True)
            ]
        self._state[12:] = [value - goal for value, goal in zip(measured, wanted)]  # noqa: B905
        return faults

    def _advance(self, faults: int) -> tuple[list[float], Fault]:
        """Advance the law by one step, then apply the bounds."""
        state, following, gains = self._state, self._next, self._gains
        if gains.changing:
            with np.errstate(all="ignore"):
                if not gains.advance(state[:6]):
                    faults |= GAIN_REJECTED
        if self._rejected:
            faults |= GAIN_REJECTED
        if gains.expired:
            faults |= GAIN_EXPIRED
        try:
            np.dot(gains.step, state, out=following)
            dissipated = gains.dissipation(state) if gains.filling else 0.0
        except (FloatingPointError, RuntimeWarning):  # the calling program makes underflow an error
            with np.errstate(all="ignore"):
                np.dot(gains.step, state, out=following)
                dissipated = gains.dissipation(state) if gains.filling else 0.0
        state[:12] = following
        offset, flags = self._bound(following.tolist(), faults)
        if dissipated and not flags & CUT:  # a step that was cut did not dissipate what the law would have
            gains.fill(dissipated)
        return offset, flags

    @np.errstate(all="ignore")
    def _without_wrench(self, faults: int) -> tuple[list[float], Fault]:
        """Hold, then fade, then stop."""
        self._missing += 1
        if self._missing <= self._hold and not self._stopped:
            return self._advance(faults)
        state = self._state
        self._gains.grow_older()
        if self._stopped or self._missing > self._stop:
            self._stopped = True
            faults |= STOPPED
            state[6:12] = 0.0
            return self._offset[:], Fault(faults)
        self._share = max(0.0, self._share - self._fading)
        state[6:12] *= self._calm
        state[:6] += self._period * state[6:12]
        return self._bound(state[:12].tolist(), faults)

    def _bound(self, values: list[float], faults: int) -> tuple[list[float], Fault]:
        """Cut speed and offset of the new state [x, v] to their limits."""
        offset = values[:6]
        for value, velocity, before, (limit, speed, distance) in zip(  # noqa: B905 (six each; strict costs)
            offset, values[6:], self._offset, self._motion_limits
        ):
            if not (
                -limit < value < limit
                and -speed <= velocity <= speed
                and -distance <= value - before <= distance
            ):
                offset, cut = self._cut_motion(values)
                faults |= cut
                break
        self._offset = offset
        return offset[:], Fault(faults) if faults else NO_FAULT

    def _cut_motion(self, values: list[float]) -> tuple[list[float], int]:
        """Put a bounded [x, v] into the state; return the offset, SPEED_LIMIT and OFFSET_LIMIT (bits)."""
        state, faults = self._state, 0
        for axis, (limit, speed, distance) in enumerate(self._motion_limits):
            value, velocity, before = values[axis], values[6 + axis], self._offset[axis]
            if not (isfinite(value) and isfinite(velocity)):  # a law beyond the range of floats: stay
                value, velocity = before, 0.0
                faults |= SPEED_LIMIT
            if not (-speed <= velocity <= speed and -distance <= value - before <= distance):
                velocity = max(-speed, min(speed, velocity))
                value = max(before - distance, min(before + distance, value))
                faults |= SPEED_LIMIT
            if not -limit < value < limit:
                if not -limit <= value <= limit:
                    edge = max(-limit, min(limit, value))
                    value = max(before - distance, min(before + distance, edge))
                    velocity = 0.0
                faults |= OFFSET_LIMIT
            state[axis], state[6 + axis] = value, velocity
        offset: list[float] = state[:6].tolist()
        return offset, faults
