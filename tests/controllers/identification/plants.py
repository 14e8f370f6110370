"""Recordings of robots that are integrated here, by recursions of scipy's matrix exponentials."""

from dataclasses import dataclass
from math import exp, inf, pi

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm
from scipy.signal import lfilter
from scipy.spatial.transform import Rotation

from assembly_rl.controllers.identification import ExcitationConfig, MotionRecording
from assembly_rl.controllers.identification.motion import free_motion

Array = NDArray[np.float64]
STEP = 2.5e-4
CENTRE = np.array([0.01, -0.02, 0.06])
BIAS = np.array([2.0, -3.0, 5.0, 0.1, -0.05, 0.02])
SHORT = ExcitationConfig(duration=5.0)


@dataclass
class Plant:
    """A robot; ``zeta`` infinite for first order."""

    lag: float = 0.04
    zeta: float = 0.8
    delay: float = 0.0123
    rate: float = 200.0
    interpolated: bool = True
    jitter: float = 0.0
    dropped: float = 0.0
    noise: float = 1e-5
    force_noise: float = 0.05
    mass: float = 0.0
    contact_stiffness: float = 3e4
    servo_stiffness: float = 1e5
    sensor_delay: float = 0.006
    sensor_cutoff: float = 30.0
    speed: float = inf
    tilt: float = 0.17


def follow(plant: Plant, inputs: Array) -> Array:
    """Positions after steps with constant inputs."""
    if plant.zeta == inf:
        keep = exp(-STEP / plant.lag)
        return np.asarray(lfilter([1.0 - keep], [1.0, -keep], inputs))
    omega = 2.0 * plant.zeta / plant.lag
    system = np.array([[0, 1, 0], [-(omega**2), -2 * plant.zeta * omega, omega**2], [0, 0, 0]])
    (a, b, e), (c, d, f), _ = expm(STEP * system)
    return np.asarray(lfilter([e, b * f - d * e], [1.0, -(a + d), a * d - b * c], inputs))


def moved(plant: Plant, times: Array, commands: Array) -> tuple[Array, Array]:
    """Fine times and positions there."""
    fine = np.arange(0.0, times[-1] + STEP, STEP)
    moments = fine + 0.5 * STEP - plant.delay
    if plant.interpolated:
        inputs = np.interp(moments, times + 1.0 / plant.rate, commands)
    else:
        inputs = commands[np.maximum(np.searchsorted(times, moments, side="right") - 1, 0)]
    found = follow(plant, inputs)
    if plant.speed < inf:
        steps = np.clip(np.diff(found, prepend=0.0), -plant.speed * STEP, plant.speed * STEP)
        found = np.cumsum(steps)
    return fine + STEP, found


def press(plant: Plant, times: Array, depths: Array) -> tuple[Array, Array]:
    """Poses and forces along a push in which the surface is always touched."""
    fine, found = moved(plant, times, depths)
    found = found * plant.servo_stiffness / (plant.servo_stiffness + plant.contact_stiffness)
    keep = exp(-2.0 * pi * plant.sensor_cutoff * STEP)
    force = lfilter([1.0 - keep], [1.0, -keep], plant.contact_stiffness * found)
    return np.interp(times, fine, found), np.interp(times - plant.sensor_delay - 0.5 * STEP, fine, force)


def record(plant: Plant, seed: int = 0, contact: bool = False, **changes: object) -> MotionRecording:
    """Motion in free space and, if asked for, pushes of 10 s along -z."""
    rng = np.random.default_rng(seed)
    config = ExcitationConfig(**({"duration": 5.0, "tilt": plant.tilt} | changes))  # type: ignore[arg-type]
    offsets, phases = free_motion(config, plant.rate)
    count = len(offsets)
    times = (np.arange(count) + np.clip(plant.jitter * rng.standard_normal(count), -0.4, 0.4)) / plant.rate
    times -= times[0]
    poses = np.zeros_like(offsets)
    for axis in range(6):
        fine, found = moved(plant, times, offsets[:, axis])
        poses[:, axis] = np.interp(times, fine, found)
    forces = np.zeros(count)
    if contact:
        more = round(10.0 * plant.rate)
        own = np.arange(more) / plant.rate
        series = 1.0 / (1.0 / plant.contact_stiffness + 1.0 / plant.servo_stiffness)
        levels = np.where(np.floor(own / 0.37).astype(int) % 2 == 0, 3.0, 9.0) / series
        levels = np.convolve(np.pad(levels, (10, 0), mode="edge"), np.ones(11) / 11.0, mode="valid")
        depths, pressed = press(plant, own, levels)
        times = np.concatenate([times, times[-1] + 1.0 / plant.rate + own])
        offsets = np.concatenate([offsets, np.zeros((more, 6))])
        poses = np.concatenate([poses, np.zeros((more, 6))])
        offsets[count:, 2], poses[count:, 2] = -levels, -depths
        forces, phases = np.concatenate([forces, pressed]), [*phases, *["contact"] * more]
    poses += plant.noise * np.repeat([1.0, 10.0], 3) * rng.standard_normal(poses.shape)
    turns = Rotation.from_rotvec(poses[:, 3:])
    weight = turns.inv().apply(np.tile([0.0, 0.0, -9.81 * plant.mass], (len(times), 1)))
    wrenches = np.concatenate([weight, np.cross(CENTRE, weight)], axis=1) + BIAS
    wrenches[:, :3] += turns.inv().apply(np.outer(forces, [0.0, 0.0, 1.0]))
    wrenches += plant.force_noise * np.repeat([1.0, 0.02], 3) * rng.standard_normal(wrenches.shape)
    keep = rng.random(len(times)) >= plant.dropped
    keep[0] = True
    return MotionRecording(
        times[keep],
        np.concatenate([offsets[:, :3], Rotation.from_rotvec(offsets[:, 3:]).as_quat()], axis=1)[keep],
        np.concatenate([poses[:, :3], turns.as_quat()], axis=1)[keep],
        wrenches[keep],
        np.array(phases)[keep],
    )
