"""Stands in for torch_npu where there is no NPU: importing it registers the device ``npu`` of backend.cpp.

It is found before the real package because the tests put this folder's parent on the path.
"""

from contextlib import nullcontext
from pathlib import Path

import torch
from torch.utils import backend_registration, cpp_extension

FOLDER = Path(__file__).parent


class _Module(backend_registration._DummyBackendModule):
    """What torch asks of ``torch.npu``."""

    def device(self, index=None):
        return nullcontext()

    def synchronize(self, device=None):
        pass

    def get_rng_state(self, device=None):
        return torch.get_rng_state()

    def set_rng_state(self, state, device=None):
        torch.set_rng_state(state)

    def max_memory_allocated(self):
        return 0

    def set_compile_mode(self, jit_compile):
        self.jit_compile = jit_compile


backend_registration._setup_privateuseone_for_python_backend("npu", _Module())
# After that: its guard, which knows of events, takes the place of the one in Python.
cpp_extension.load("assembly_rl_fake_npu", [str(FOLDER / "backend.cpp")], is_python_module=False)
torch.Tensor.pin_memory = lambda self, device=None: self  # the host's memory is the device's
