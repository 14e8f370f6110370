"""What a plan decides: the device, and how many environments; it never changes what is learned."""

import os
from dataclasses import replace
from typing import Any

import torch
from omegaconf import OmegaConf

from assembly_rl.accelerators.device import available, resolve
from assembly_rl.configuration.schema import PlanConfig, TrainConfig, composed, names
from assembly_rl.learners.config import AlgorithmConfig
from assembly_rl.planner.calibration import cpu_profile
from assembly_rl.planner.prediction import choose, count, predict, predictions
from assembly_rl.planner.profile import Profile
from assembly_rl.training.method import LearningMethod


def profile_of(kind: str) -> Profile:
    """The profile for a kind of device; of an accelerator the first known one."""
    if kind == "cpu":
        return cpu_profile()
    config: PlanConfig = OmegaConf.to_object(  # type: ignore[assignment]
        composed("plan", f"profile=[{','.join(names('profile'))}]")
    )
    return next(profile for profile in config.profile.values() if profile.device == kind)


def choose_device(
    name: str, algo: AlgorithmConfig, observation_space: Any, action_space: Any, method: LearningMethod
) -> tuple[torch.device, str]:
    """The device to learn on, and why.

    Args:
        name: See ``resolve``; with ``auto`` it is the one with the shortest predicted update.
        algo: What learns.
        observation_space: Of the environment.
        action_space: Of the environment.
        method: Of learning.

    Raises:
        DeviceError: The device that is asked for cannot be used.
    """
    if name != "auto":
        return resolve(name), "asked for"
    devices = available()
    if len(devices) == 1:
        return devices[0], "no accelerator here"
    work = count(algo, observation_space, action_space, method)
    seconds = {device: predict(profile_of(device.type), algo, work, 1).updating for device in devices}
    told = ", ".join(f"{device} {1e3 * value:.2f} ms" for device, value in seconds.items())
    return min(devices, key=lambda device: seconds[device]), f"predicted update: {told}"


def plan(config: TrainConfig) -> tuple[TrainConfig, str]:
    """The same training on the device, and with the number of environments, that are fastest here; and why.

    Algorithm, batch and networks stay: they decide what is learned.
    """
    profiles = {device: profile_of(device.type) for device in available()}
    cores = len(os.sched_getaffinity(0))
    environments = sorted({1, 2, cores} if cores > 1 else {1})
    part = config.geometry.part()
    known = list(profiles.values())
    rows = list(predictions(part, config.task, [config.algo], environments, known, config.method))
    best = choose(rows)
    device = next(device for device, profile in profiles.items() if profile is best.profile)
    told = ", ".join(f"{row.profile.name} x {row.environments}: {1.0 / row.step:.0f} steps/s" for row in rows)
    return replace(config, device=str(device), environments=best.environments), f"predicted {told}"
