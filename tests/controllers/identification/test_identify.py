"""What is identified is what was simulated, by other means; what a recording does not tell is said."""

from dataclasses import replace
from math import inf, pi
from typing import Any

import numpy as np
import pytest
from plants import BIAS, CENTRE, Plant, record

from assembly_rl.controllers.identification import Estimate, MotionRecording, identify
from assembly_rl.controllers.identification.fit import common_part, spectral_meat
from assembly_rl.controllers.identification.path import CommandPath
from assembly_rl.controllers.identification.servo import coefficients, parameters_of, servo_filters
from assembly_rl.controllers.validation import InputError


def near(estimate: Estimate | None, value: float, relative: float, absolute: float = 0.0) -> bool:
    assert estimate is not None
    assert estimate.low <= estimate.value <= estimate.high
    return abs(estimate.value - value) <= max(relative * value, absolute)


@pytest.mark.parametrize(
    "plant",
    [
        Plant(),
        Plant(lag=0.004, zeta=0.6, delay=0.0031, rate=100.0),
        Plant(lag=0.25, zeta=1.2, delay=0.05, rate=500.0),
        Plant(lag=0.08, zeta=inf, delay=0.012),
        Plant(lag=0.03, zeta=0.4, delay=0.0005, interpolated=False, rate=125.0),
        Plant(jitter=0.15, dropped=0.05),
        Plant(lag=0.015, zeta=0.7, delay=0.02, rate=1000.0, noise=5e-5),
    ],
    ids=repr,
)
def test_lag_and_delay(plant: Plant) -> None:
    found = identify(record(plant), plant.interpolated)
    assert near(found.lag, plant.lag, 0.1, 1e-3)
    assert near(found.delay, plant.delay, 0.1, 1e-3)
    assert near(found.total, plant.lag + plant.delay, 0.01, 1e-4)
    if plant.zeta < inf:
        assert near(found.damping_ratio, plant.zeta, 0.1)
    else:
        assert found.damping_ratio.high == inf
    first = plant.lag
    second = (plant.lag / 2.0 / plant.zeta) ** 2
    grid = 2j * pi * np.geomspace(0.1, 500.0, 100_000)
    fallen = np.abs(1.0 + first * grid + second * grid**2) ** 2 >= 2.0
    assert near(found.bandwidth, float(grid[np.argmax(fallen)].imag / 2.0 / pi), 0.1)


def test_half_a_period_lies_between_both_kinds_of_command() -> None:
    recording = record(Plant(interpolated=False))
    linear, held = identify(recording, True), identify(recording, False)
    assert held.total.value - linear.total.value == pytest.approx(0.0025, abs=1e-4)


def test_intervals_contain_the_truth() -> None:
    plant = Plant(lag=0.03, zeta=0.8, delay=0.0123, noise=3e-5)
    inside = 0
    for seed in range(20):
        found = identify(record(plant, seed))
        assert found.delay is not None
        inside += found.lag.low <= plant.lag <= found.lag.high
        inside += found.delay.low <= plant.delay <= found.delay.high
        assert found.lag.high - found.lag.low < 0.002
    assert inside >= 34  # of 40; 95 % are expected


def test_contact() -> None:
    plant = Plant(contact_stiffness=3e4, servo_stiffness=1e5, noise=5e-6)
    found = identify(record(plant, contact=True))
    assert near(found.contact_stiffness, 3e4, 0.05)
    assert near(found.servo_stiffness, 1e5, 0.1)
    lag = 0.006 + 0.5 / pi / 30.0
    assert near(found.sensor_lag, lag, 0.1, 1e-3)
    assert found.sensor_cutoff is not None and found.sensor_cutoff.low <= 30.0 <= found.sensor_cutoff.high
    assert found.sensor_delay is not None and found.sensor_delay.low <= 0.006 <= found.sensor_delay.high


def test_a_stiff_servo_cannot_be_told_from_infinity() -> None:
    found = identify(record(Plant(servo_stiffness=1e9, contact_stiffness=1e4), contact=True))
    assert found.servo_stiffness is not None
    assert found.servo_stiffness.value == found.servo_stiffness.high == inf
    assert 1e5 < found.servo_stiffness.low < inf


def test_the_contact_can_be_marked() -> None:
    recording = record(Plant(noise=5e-6), contact=True)
    times = recording.times[recording.phases == "contact"]
    phases = np.where(recording.phases == "contact", "other", recording.phases)
    bare = MotionRecording(recording.times, recording.commands, recording.poses, recording.wrenches, phases)
    assert identify(bare).contact_stiffness is None
    found = identify(bare.marked([[times[0], times[-1]]]))
    assert near(found.contact_stiffness, 3e4, 0.05)


def test_tool() -> None:
    found = identify(record(Plant(mass=1.2)))
    assert near(found.tool_mass, 1.2, 0.05)
    assert found.centre_of_mass is not None and found.bias is not None
    assert [one.value for one in found.centre_of_mass] == pytest.approx(CENTRE, abs=5e-3)
    assert [one.value for one in found.bias] == pytest.approx(BIAS, abs=0.2)


def test_what_is_untold_has_a_reason() -> None:
    found = identify(record(Plant(tilt=0.0, mass=1.0)))
    assert found.tool_mass is None and "several orientations" in found.untold["tool_mass"]
    assert found.centre_of_mass is None
    assert found.bias is not None
    assert found.bias[2].value == pytest.approx(5.0 - 9.81, abs=0.05)
    for name in ("sensor_lag", "sensor_delay", "sensor_cutoff", "contact_stiffness", "servo_stiffness"):
        assert getattr(found, name) is None and "no contact" in found.untold[name]
    missing = {name for name in vars(found) if getattr(found, name) is None}
    assert missing == set(found.untold)
    assert len(found.rows()) == 18


def changed(recording: MotionRecording, rows: Any = slice(None), **changes: Any) -> MotionRecording:
    own = {name: value[rows].copy() for name, value in vars(recording).items()}
    return MotionRecording(**(own | changes))


def still(recording: MotionRecording) -> MotionRecording:
    return changed(recording, poses=np.tile(recording.poses[:1], (len(recording), 1)))


def scaled(recording: MotionRecording) -> MotionRecording:
    poses = recording.poses.copy()
    poses[:, :3] *= 0.5
    return changed(recording, poses=poses)


def uncommanded(recording: MotionRecording) -> MotionRecording:
    return changed(recording, commands=np.tile(recording.commands[:1], (len(recording), 1)))


def clipped(recording: MotionRecording) -> MotionRecording:
    poses = recording.poses.copy()
    poses[:, :3] = np.clip(poses[:, :3], -0.0012, 0.0012)
    poses[:, 3:] = [0.0, 0.0, 0.0, 1.0]
    commands = recording.commands.copy()
    commands[:, 3:] = [0.0, 0.0, 0.0, 1.0]
    return changed(recording, commands=commands, poses=poses)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda one: changed(one, slice(0, 500)), "too short"),
        (uncommanded, "no excitation"),
        (still, "hardly moves"),
        (scaled, "0.5 times what is commanded"),
        (clipped, "clipped"),
    ],
)
def test_a_recording_that_cannot_tell_is_refused(damage: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        identify(damage(record(Plant())))


def test_a_saturated_motion_is_refused() -> None:
    with pytest.raises(InputError, match=r"saturated at 0\.0\d+ rad/s"):
        identify(record(Plant(lag=0.01, speed=0.05, noise=1e-6)))


def test_slow_motion_has_no_excitation_in_the_band() -> None:
    plant = Plant(lag=0.03, delay=0.003, noise=1e-4)
    with pytest.raises(InputError, match="no excitation in the band"):
        identify(record(plant, amplitude=[3e-4, 3e-3], frequencies=[0.05, 0.1], duration=20.0))


def test_a_constant_wrench_in_contact_is_refused() -> None:
    recording = record(Plant(), contact=True)
    wrenches = recording.wrenches.copy()
    wrenches[recording.phases == "contact", :3] = [0.0, 0.0, 12.0]
    with pytest.raises(InputError, match="the force is constant in contact.*push slowly"):
        identify(changed(recording, wrenches=wrenches))


def test_a_clipped_wrench_is_refused() -> None:
    recording = record(Plant(force_noise=0.01), contact=True)
    inside = recording.phases == "contact"
    commands, poses, wrenches = recording.commands.copy(), recording.poses.copy(), recording.wrenches.copy()
    wave = 3e-4 * np.sin(2.0 * np.pi * 0.5 * recording.times[inside])
    commands[inside, 2] = poses[inside, 2] = wave
    wrenches[inside, 2] = np.minimum(-3e4 * wave, 2.0)
    with pytest.raises(InputError, match="fz is saturated at 2 N"):
        identify(changed(recording, commands=commands, poses=poses, wrenches=wrenches))


def test_a_wrench_of_the_other_sign_is_said() -> None:
    recording = record(Plant(), contact=True)
    found = identify(changed(recording, wrenches=-recording.wrenches))
    assert found.contact_stiffness is None
    assert "does not oppose the push" in found.untold["contact_stiffness"]


# ------------------------------------------------------------------ parts


def test_a_path_keeps_its_area_at_irregular_times() -> None:
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.004, 0.006, 2000))
    commands = np.sin(2.0 * times)
    path = CommandPath(times, commands, 0.005, True, 0.002)
    moments = times[100:-100]
    delayed = path.responses(np.exp(-0.01 * path.laplace)[None], path.rows(moments))[0]
    expected = np.sin(2.0 * (moments - 0.015)) - commands[0]
    assert np.abs(delayed - expected).max() < 2e-5


@pytest.mark.parametrize("servo", [(0.01, 0.03, 2e-4), (0.02, 0.05, 5e-6), (0.0, 0.02, 5e-4)])
def test_parameters_and_derivatives(servo: tuple[float, float, float]) -> None:
    parameters = parameters_of(*servo)
    assert coefficients(parameters.tolist()) == pytest.approx(servo)
    laplace = 2j * np.pi * np.array([0.3, 3.0, 20.0])
    filters = servo_filters(laplace, parameters.tolist())
    for number in range(3):
        step = 1e-6 * max(abs(parameters[number]), 1e-4)
        ends = [
            servo_filters(laplace, (parameters + sign * step * np.eye(3)[number]).tolist())[0]
            for sign in (1.0, -1.0)
        ]
        assert filters[1 + number] == pytest.approx((ends[0] - ends[1]) / (2.0 * step), rel=1e-4)


def test_covariance_of_correlated_residuals() -> None:
    """A constant is uncertain by the spectrum at zero, ``sigma^2 / (1 - a)^2`` for an autoregression."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((200, 4000))
    rows = np.zeros_like(noise)
    for column in range(1, noise.shape[1]):
        rows[:, column] = 0.8 * rows[:, column - 1] + noise[:, column]
    ones = np.ones((1, rows.shape[1]))
    found = np.mean([spectral_meat(ones, row)[0, 0] for row in rows]) / rows.shape[1]
    assert found == pytest.approx(25.0, rel=0.15)
    assert np.var(rows.sum(axis=1)) / rows.shape[1] == pytest.approx(25.0, rel=0.25)
    assert np.mean([common_part(row, 3) for row in noise]) < 0.002
    assert np.mean([common_part(row, 3) for row in rows]) > 1.0


def test_the_recording_is_not_changed() -> None:
    recording = record(Plant())
    before = replace(recording)
    identify(recording)
    for name, value in vars(recording).items():
        assert np.array_equal(value, getattr(before, name))
