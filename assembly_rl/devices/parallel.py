"""Several processes that learn one policy: torchrun starts them, each update averages their gradients.

Every process has its own environments, replay buffer and random numbers; weights are those of the first
process at the start and stay equal, because all take the same steps.
"""

import os
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

BACKENDS = {"cpu": "gloo", "cuda": "nccl", "npu": "hccl"}
PATIENCE = timedelta(minutes=60)
"""How long a process waits for another, such as the first one, which validates."""


def start(device: torch.device) -> None:
    """Join the processes that torchrun has started; without torchrun do nothing."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        # What is agreed on, such as when to stop, goes over the CPU.
        backend = "gloo" if device.type == "cpu" else f"cpu:gloo,{device.type}:{BACKENDS[device.type]}"
        dist.init_process_group(backend, timeout=PATIENCE)


def stop() -> None:
    """Leave the other processes."""
    if dist.is_initialized():
        dist.destroy_process_group()


def size() -> int:
    """Number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Number of this process; 0 is the one that validates and reports."""
    return dist.get_rank() if dist.is_initialized() else 0


def average(gradients: Tensor) -> None:
    """Replace gradients by their mean over all processes."""
    if dist.is_initialized():
        dist.all_reduce(gradients)
        gradients /= dist.get_world_size()


def share(values: Tensor) -> None:
    """Give all processes what the first one has."""
    if dist.is_initialized():
        dist.broadcast(values, 0)


def any_of(flag: bool) -> bool:
    """Whether it holds in any process; all have to ask at the same time."""
    if not dist.is_initialized():
        return flag
    shared = torch.tensor(float(flag))
    dist.all_reduce(shared)
    return bool(shared > 0)
