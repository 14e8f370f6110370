"""Distributed training of one policy: torchrun starts the processes, each update averages their gradients.

Every process has its own environments, replay buffer and random numbers. All start from the weights of the
first process, which stay equal because all take the same steps.
"""

import os
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from assembly_rl.controllers.validation import InputError

BACKENDS = {"cpu": "gloo", "cuda": "nccl", "npu": "hccl"}
TIMEOUT = timedelta(minutes=60)
"""Longest wait of a process for another, such as for the first one, which validates."""


def start(device: str) -> None:
    """Join the processes that torchrun has started; without torchrun do nothing.

    Args:
        device: Name of the device to learn on.

    Raises:
        ValueError: The device is not explicit, such as ``auto``.
    """
    if size() == 1 or dist.is_initialized():
        return
    kind = device.partition(":")[0]
    if kind not in BACKENDS:
        raise InputError(f"several processes need device=cpu, device=cuda or device=npu, got {device}")
    # What is agreed on, such as when to stop, goes over the CPU.
    backend = "gloo" if kind == "cpu" else f"cpu:gloo,{kind}:{BACKENDS[kind]}"
    dist.init_process_group(backend, timeout=TIMEOUT)


def stop() -> None:
    """Leave the other processes."""
    if dist.is_initialized():
        dist.destroy_process_group()


def size() -> int:
    """Return the number of processes."""
    return _number("WORLD_SIZE", "1")


def rank() -> int:
    """Return the number of this process; process 0 validates and reports."""
    return _number("RANK", "") if size() > 1 else 0


def _number(name: str, default: str) -> int:
    text = os.environ.get(name, default)
    if not text.isdecimal():
        raise InputError(
            f"the environment variable {name} must be a whole number, got {text!r}: torchrun sets it"
        )
    return int(text)


def average(gradients: Tensor) -> None:
    """Replace gradients by their mean over all processes."""
    if dist.is_initialized():
        dist.all_reduce(gradients)
        gradients /= dist.get_world_size()


def share(values: Tensor) -> None:
    """Overwrite a tensor in all processes with that of the first one."""
    if dist.is_initialized():
        dist.broadcast(values, 0)


def broadcast(value: str) -> str:
    """Return the first process's value in all processes."""
    if not dist.is_initialized():
        return value
    values = [value]
    dist.broadcast_object_list(values, 0)
    return values[0]


def minimum(number: int) -> int:
    """Return the smallest number of all processes."""
    if not dist.is_initialized():
        return number
    shared = torch.tensor(number)
    dist.all_reduce(shared, dist.ReduceOp.MIN)
    return int(shared)


def any_process(flag: bool) -> bool:
    """Return True if the flag is set in any process; all processes must call this together."""
    if not dist.is_initialized():
        return flag
    shared = torch.tensor(float(flag))
    dist.all_reduce(shared)
    return bool(shared > 0)
