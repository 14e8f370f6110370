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


def start(device: str) -> None:
    """Join the processes that torchrun has started; without torchrun do nothing.

    Args:
        device: Name of the one to learn on.

    Raises:
        ValueError: It is left open.
    """
    if size() == 1 or dist.is_initialized():
        return
    kind = device.partition(":")[0]
    if kind not in BACKENDS:
        raise ValueError(f"several processes need device=cpu, device=cuda or device=npu, got {device}")
    # What is agreed on, such as when to stop, goes over the CPU.
    backend = "gloo" if kind == "cpu" else f"cpu:gloo,{kind}:{BACKENDS[kind]}"
    dist.init_process_group(backend, timeout=PATIENCE)


def stop() -> None:
    """Leave the other processes."""
    if dist.is_initialized():
        dist.destroy_process_group()


def size() -> int:
    """Number of processes."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Number of this process; 0 is the one that validates and reports."""
    return int(os.environ["RANK"]) if size() > 1 else 0


def average(gradients: Tensor) -> None:
    """Replace gradients by their mean over all processes."""
    if dist.is_initialized():
        dist.all_reduce(gradients)
        gradients /= dist.get_world_size()


def share(values: Tensor) -> None:
    """Give all processes what the first one has."""
    if dist.is_initialized():
        dist.broadcast(values, 0)


def told(value: str) -> str:
    """What the first process says, in all of them."""
    if not dist.is_initialized():
        return value
    values = [value]
    dist.broadcast_object_list(values, 0)
    return values[0]


def least(number: int) -> int:
    """Of the numbers of all processes."""
    if not dist.is_initialized():
        return number
    shared = torch.tensor(number)
    dist.all_reduce(shared, dist.ReduceOp.MIN)
    return int(shared)


def any_of(flag: bool) -> bool:
    """Whether it holds in any process; all have to ask at the same time."""
    if not dist.is_initialized():
        return flag
    shared = torch.tensor(float(flag))
    dist.all_reduce(shared)
    return bool(shared > 0)
