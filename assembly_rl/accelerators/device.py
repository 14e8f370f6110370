"""Resolution of the name of a device to a working device, or to one clear error."""

import importlib
import os
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import torch

from assembly_rl.accelerators.npu import BACKEND, prepare_npu
from assembly_rl.controllers.validation import InputError

KINDS = ("cpu", "cuda", "npu")


class DeviceError(InputError):
    """Error of a device that cannot be used; the message says what to install or to set."""


def resolve(name: str) -> torch.device:
    """Return the device of a name, tested by an allocation on it.

    Args:
        name: ``cpu``, ``cuda``, ``cuda:1``, ``npu`` or ``npu:1``; without a number the device of this
            process's local rank under torchrun, else the first.

    Raises:
        DeviceError: The device is unknown, absent, busy, or its software is missing or does not fit.
    """
    if "," in name:
        raise DeviceError(f"one device at a time, got {name!r}: choose one of them")
    kind, _, index = name.partition(":")
    if kind not in KINDS or (index and not index.isdecimal()) or (kind == "cpu" and index):
        raise DeviceError(f"unknown device {name!r}; known: auto, cpu, cuda, cuda:<i>, npu, npu:<i>")
    if kind == "cpu":
        return torch.device("cpu")
    if kind == "npu":
        _require_npu()
    elif torch.version.cuda is None:
        raise DeviceError(
            f"device={name}: this torch ({torch.__version__}) has no CUDA; install a build that has it, as "
            "https://pytorch.org/get-started says, or use device=cpu"
        )
    index = index or os.environ.get("LOCAL_RANK", "0")
    if not index.isdecimal():
        raise DeviceError(
            f"the environment variable LOCAL_RANK must be a whole number, got {index!r}: torchrun sets it"
        )
    return _tried(torch.device(kind, int(index)))


def available() -> list[torch.device]:
    """Return the CPU, and one device of each kind of accelerator that works on this machine."""
    found = [torch.device("cpu")]
    for kind in ("cuda", "npu"):
        try:
            found.append(resolve(kind))
        except DeviceError:
            continue
    return found


def _tried(device: torch.device) -> torch.device:
    """Return the device after an allocation on it has succeeded."""
    module = torch.get_device_module(device)
    count = module.device_count()
    if not module.is_available() or count == 0:
        raise DeviceError(
            f"device={device}: there is no {device.type} device here that the driver shows; use device=cpu"
        )
    assert device.index is not None
    if device.index >= count:
        raise DeviceError(f"device={device}: there are {count}, numbered from 0")
    try:
        torch.zeros(1, device=device)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise DeviceError(
            f"device={device} is there but cannot be used ({reason}); is another process using it?"
        ) from error
    return device


def _require_npu() -> None:
    """Load torch_npu and set it up."""
    if find_spec(BACKEND) is None:
        raise DeviceError(
            "device=npu needs torch_npu: pip install 'assembly_rl[npu]' (torch 2.13.0 and torch-npu 2.13.0)"
        )
    try:
        theirs = version("torch-npu")
    except PackageNotFoundError:
        theirs = ""
    ours = torch.__version__.partition("+")[0]
    if theirs and not theirs.startswith(ours):
        raise DeviceError(
            f"torch-npu {theirs} does not fit torch {ours}: they have to be of one version; "
            "pip install 'assembly_rl[npu]'"
        )
    try:
        importlib.import_module(BACKEND)
    except (ImportError, RuntimeError, OSError) as error:
        reason = str(error).splitlines()[0]
        home = os.environ.get("ASCEND_HOME_PATH")
        found = f"ASCEND_HOME_PATH is {home}" if home else "ASCEND_HOME_PATH is not set"
        raise DeviceError(
            f"torch_npu cannot be loaded ({reason}); it needs the driver and CANN ({found}): install them "
            "and source set_env.sh of the toolkit"
        ) from error
    prepare_npu()
