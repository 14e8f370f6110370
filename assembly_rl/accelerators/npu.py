"""Settings of an Ascend NPU that are made before work begins."""

import os

import torch

BACKEND = "torch_npu"


def prepare_npu() -> None:
    """Use compiled kernels and no private memory formats: their conversions cost more than they save."""
    npu = torch.npu  # type: ignore[attr-defined]
    if hasattr(npu, "set_compile_mode"):
        npu.set_compile_mode(jit_compile=False)
    if hasattr(npu, "config"):
        npu.config.allow_internal_format = False


def advice() -> str | None:
    """Return advice on the environment variables of the process; None if they are fine."""
    if os.environ.get("TASK_QUEUE_ENABLE") == "2":
        return "TASK_QUEUE_ENABLE=2 rules out graphs, which save more launches: unset it before the start"
    return None
