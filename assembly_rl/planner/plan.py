"""Choice of the device and of the number of environments, neither of which changes the learning problem."""

import os

import torch

from assembly_rl.accelerators.device import available, resolve
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.learners.config import AlgorithmConfig
from assembly_rl.planner.calibration import cpu_profile
from assembly_rl.planner.prediction import (
    ModelFactory,
    choose,
    count,
    dense_model,
    predict,
    predictions,
    spaces_of,
)
from assembly_rl.planner.profile import Profile, known_profiles


def profile_of(kind: str) -> Profile:
    """Return the profile of a kind of device; for an accelerator the first known one."""
    if kind == "cpu":
        return cpu_profile()
    return next(profile for profile in known_profiles().values() if profile.device == kind)


def choose_device(
    name: str, part: PegHole, task: TaskConfig, algo: AlgorithmConfig, make: ModelFactory = dense_model
) -> tuple[torch.device, str]:
    """Choose the device to learn on.

    Args:
        name: Name of a device, see ``resolve``; ``auto`` selects the one with the shortest predicted update.
        part: Part and hole.
        task: Configuration of the task.
        algo: Algorithm and sizes.
        make: Builder of the model.

    Returns:
        Device, and the reason in words.

    Raises:
        DeviceError: The named device cannot be used.
    """
    if name != "auto":
        return resolve(name), f"device={name}"
    devices = available()
    if len(devices) == 1:
        return devices[0], "no accelerator here"
    work = count(algo, *spaces_of(part, task), make)
    seconds = {device: predict(profile_of(device.type), algo, work, 1).updating for device in devices}
    words = ", ".join(f"{device} {1e3 * value:.2f} ms" for device, value in seconds.items())
    return min(devices, key=lambda device: seconds[device]), f"predicted update: {words}"


def plan(
    part: PegHole, task: TaskConfig, algo: AlgorithmConfig, make: ModelFactory = dense_model
) -> tuple[torch.device, int, str]:
    """Find the device and the number of environments that are fastest on this machine.

    Algorithm, batch and networks are kept: they determine what is learned.

    Args:
        part: Part and hole.
        task: Configuration of the task.
        algo: Algorithm and sizes.
        make: Builder of the model.

    Returns:
        Device, number of environments, and the predictions in words.
    """
    profiles = {device: profile_of(device.type) for device in available()}
    cores = len(os.sched_getaffinity(0))
    environments = sorted({1, 2, cores} if cores > 1 else {1})
    rows = list(predictions(part, task, [algo], environments, list(profiles.values()), make))
    best = choose(rows)
    device = next(device for device, profile in profiles.items() if profile is best.profile)
    words = ", ".join(
        f"{row.profile.name} x {row.environments}: {1.0 / row.step:.0f} steps/s" for row in rows
    )
    return device, best.environments, f"predicted {words}"
