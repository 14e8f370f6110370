"""Profiles of devices: the CPU's is measured, the others are files of conf/profile."""

import torch
from omegaconf import OmegaConf

from assembly_rl.cli import names
from assembly_rl.config import PlanConfig, composed
from assembly_rl.devices.profile import Profile, cpu_profile


def profile_of(device: torch.device) -> Profile:
    """The profile for a device; of an accelerator the first known one of its kind."""
    if device.type == "cpu":
        return cpu_profile()
    config: PlanConfig = OmegaConf.to_object(  # type: ignore[assignment]
        composed("plan", f"profile=[{','.join(names('profile'))}]")
    )
    return next(profile for profile in config.profile.values() if profile.device == device.type)
