"""How fast a device is: data, from a file of conf/profile or measured on the machine at hand."""

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import nnls

from assembly_rl.devices.kernels import Kernel, record

@dataclass
class Profile:
    """A device, for the planner. SI units.

    Attributes:
        name: Shown in tables.
        device: Kind of torch device.
        calibrated: Measured where it stands; else from data sheets.
        kernels: Kind of kernel -> seconds for each call, floating-point operation and byte.
        launch: Host time to launch a kernel [s]; 0 where the host does the work itself.
        captures: One graph holds a whole update.
        synchronise: Waiting for the device [s].
        copy: Copy of a batch's indices or of a row to the device [s].
        memory: [byte].
        peak: [floating-point operations/s], for the share that is used of it.
    """

    name: str = "???"
    device: str = "cpu"
    calibrated: bool = False
    kernels: dict[str, list[float]] = field(default_factory=dict)
    launch: float = 0.0
    captures: bool = False
    synchronise: float = 0.0
    copy: float = 0.0
    memory: float = 0.0
    peak: float = 0.0

    def seconds(self, kernel: Kernel) -> float:
        """Time of a kernel on the device."""
        call, flop, byte = self.kernels[kernel.kind]
        if self.device == "cpu":
            return call + flop * kernel.flops + byte * kernel.bytes  # fitted together
        return call + max(flop * kernel.flops, byte * kernel.bytes)


def cpu_profile(renew: bool = False) -> Profile:
    """The CPU at hand, one thread; measured once for each machine and version of torch, in a few seconds.

    Args:
        renew: Measure again, as when the machine was busy before.
    """
    path = _cache()
    try:
        if not renew:
            return Profile(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        pass  # not measured yet, or by another version
    profile = calibrated_cpu()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(asdict(profile)), encoding="utf-8")
    partial.replace(path)
    return profile


def _cache() -> Path:
    """A file of the user's cache for this CPU and this torch."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "assembly_rl"
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor()
    known = f"{model} {torch.backends.cpu.get_cpu_capability()} {torch.__version__}"
    return folder / f"cpu_{hashlib.sha256(known.encode()).hexdigest()[:12]}.json"


@torch.no_grad()
def calibrated_cpu() -> Profile:
    """The time of kernels of many sizes, fitted for each kind."""
    fitted = {}
    for kind, calls in _benchmarks().items():
        rows, seconds = [], []
        for call in calls:
            (kernel,) = (kernel for kernel in record(call) if kernel.kind == kind)
            rows.append((1.0, kernel.flops, kernel.bytes))
            seconds.append(_time(call))
        # Relative errors count: a small kernel is called as often as a large one.
        weights = np.array(rows) / np.array(seconds)[:, None]
        scale = weights.max(0)
        solution, _ = nnls(weights / scale, np.ones(len(seconds)))
        fitted[kind] = (solution / scale).tolist()
    peak = 1.0 / min(fitted["matrix"][1] or np.inf, fitted.get("wide", [0, np.inf])[1] or np.inf)
    return Profile("CPU (one thread)", "cpu", True, fitted, peak=peak)


def _time(call: Callable[[], object], repeats: int = 7, at_least: float = 3e-4) -> float:
    """Least mean time of a call: what disturbs a measurement only adds to it."""
    call()
    count, best = 1, np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(count):
            call()
        elapsed = time.perf_counter() - start
        best = min(best, elapsed / count)
        count = max(1, int(at_least / best))
    return best


def _benchmarks() -> dict[str, list[Callable[[], object]]]:
    """Kind -> calls with operators as an update has them."""
    from assembly_rl.devices.networks import WIDE, _has_one_dnn

    calls: dict[str, list[Callable[[], object]]] = {"matrix": [], "vector": [], "costly": []}
    for rows in (128, 512):
        for inputs, outputs in ((24, 32), (48, 96), (96, 96), (96, 8), (96, 1), (24, 384), (384, 8)):
            for heads in (1, 2):
                calls["matrix"] += _products(rows, inputs, outputs, heads)
        for shape in ((rows, 6), (2, rows, 48), (2, rows, 192)):
            a, b, out = torch.rand(shape), torch.rand(shape), torch.rand(shape)
            calls["vector"] += [
                lambda a=a, b=b, out=out: torch.add(a, b, out=out),
                lambda a=a, b=b, out=out: torch.ops.aten.threshold_backward.grad_input(a, b, 0.0, grad_input=out),
                lambda out=out: out.relu_(),
                lambda a=a, out=out: out.copy_(a),
                lambda a=a: torch.sum(a, -2, True),
            ]
        for width in (4, 12):
            a = torch.rand(rows, width)
            calls["costly"] += [lambda a=a: a.tanh(), lambda a=a: a.exp(), lambda a=a: a.normal_()]
    for size in (3000, 30_000, 300_000):
        parts = [torch.rand(size) for _ in range(4)]
        calls["costly"].append(lambda parts=parts: _adam(*parts))
        calls["vector"].append(lambda parts=parts: parts[0].lerp_(parts[1], 0.5))
    if _has_one_dnn():
        one_dnn = torch.ops.mkldnn._linear_pointwise
        calls["wide"] = []
        for rows in (128, 512):
            for inputs, outputs in ((WIDE, WIDE), (192, 192), (384, 384)):
                x, weight, slope = torch.rand(rows, inputs), torch.rand(outputs, inputs), torch.rand(rows, outputs)
                calls["wide"] += [
                    lambda x=x, weight=weight: one_dnn(x, weight, weight[:, 0], "relu", [], ""),
                    lambda s=slope, weight=weight: one_dnn(s, weight.t(), None, "none", [], ""),
                    lambda s=slope, x=x: one_dnn(s.t(), x.t(), None, "none", [], ""),
                ]
    return calls


def _products(rows: int, inputs: int, outputs: int, heads: int) -> list[Callable[[], object]]:
    """Forward, gradient of the inputs, gradient of the weights."""
    x, slope = torch.rand(heads, rows, inputs), torch.rand(heads, rows, outputs)
    weight, bias = torch.rand(heads, outputs, inputs), torch.rand(heads, 1, outputs)
    if heads == 1:
        return [
            lambda: torch.addmm(bias[0], x[0], weight[0].t(), out=slope[0]),
            lambda: torch.mm(slope[0], weight[0], out=x[0]),
            lambda: torch.mm(slope[0].t(), x[0], out=weight[0]),
        ]
    return [
        lambda: torch.baddbmm(bias, x, weight.transpose(1, 2), out=slope),
        lambda: torch.bmm(slope, weight, out=x),
        lambda: torch.bmm(slope.transpose(1, 2), x, out=weight),
    ]


def _adam(values: torch.Tensor, gradients: torch.Tensor, mean: torch.Tensor, square: torch.Tensor) -> None:
    torch._fused_adam_(
        [values], [gradients], [mean], [square], [], [torch.ones(())], lr=1e-6, beta1=0.9, beta2=0.999,
        weight_decay=0.0, eps=1e-8, amsgrad=False, maximize=False,
    )  # fmt: skip
