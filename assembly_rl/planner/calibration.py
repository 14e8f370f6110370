"""Calibration of this CPU's profile: kernels in isolation, then their cost within whole updates."""

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import nnls

from assembly_rl.envs import PegInHoleEnv, make_environment
from assembly_rl.learners.config import AlgorithmConfig, PPOConfig, SACConfig, TD3Config
from assembly_rl.learners.networks import LARGEST, one_dnn_width
from assembly_rl.planner.kernels import record
from assembly_rl.planner.prediction import count, learner, update_of
from assembly_rl.planner.profile import Profile


def cpu_profile(renew: bool = False) -> Profile:
    """Return the profile of one thread of this CPU, measured once per machine and version of torch (seconds).

    Args:
        renew: True to measure again, such as when the machine was busy before.
    """
    path = _cache()
    try:
        if not renew:
            return Profile(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        pass  # not measured yet, or written by another version
    profile = calibrated_cpu()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(asdict(profile)), encoding="utf-8")
        partial.replace(path)
    except OSError:
        pass  # no writable cache: measured again next time
    return profile


def _cache() -> Path:
    """Return the file in the user's cache for this CPU and this version of torch."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "assembly_rl"
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor()
    known = f"{model} {torch.backends.cpu.get_cpu_capability()} {torch.__version__}"
    return folder / f"cpu_{hashlib.sha256(known.encode()).hexdigest()[:12]}.json"


def calibrated_cpu() -> Profile:
    """Measure the profile of this CPU: kernels of many sizes in isolation, then updates of a few sizes."""
    kernels = _kernels()
    peak = 1.0 / min(kernels[kind][1] for kind in ("matrix", "wide") if kernels.get(kind, (0, 0))[1])
    alone = Profile("CPU (one thread)", "cpu", True, kernels, peak=peak)
    environment = make_environment()
    try:
        context = {how: _context(alone, algos, environment) for how, algos in _updates().items()}
    finally:
        environment.close()
    return replace(alone, context=context)


@torch.no_grad()
def _kernels() -> dict[str, list[float]]:
    """Fit kind -> seconds per call, floating-point operation and byte to kernels of many sizes."""
    fitted = {}
    for kind, calls in _benchmarks().items():
        rows, seconds = [], []
        for call in calls:
            (kernel,) = (kernel for kernel in record(call) if kernel.kind == kind)
            rows.append((1.0, kernel.flops, kernel.bytes))
            seconds.append(_time(call))
        fitted[kind] = _fit(rows, seconds)
    return fitted


def _updates() -> dict[str, list[AlgorithmConfig]]:
    """Return implementation of updates -> algorithms in a few sizes that are not used otherwise."""
    sizes = [([48, 48], 96), ([48, 48], 384), ([176, 176], 96), ([176, 176], 384), ([320, 320], 640)]
    return {
        "learner": [
            kind(network=net, batch_size=rows) for kind in (SACConfig, TD3Config) for net, rows in sizes
        ],
        "autograd": [PPOConfig(network=net, batch_size=rows) for net, rows in sizes],
    }


def _context(alone: Profile, algos: list[AlgorithmConfig], environment: PegInHoleEnv) -> list[float]:
    """Fit the factor on kernel times in a training, with cold caches, and the host time per kernel [s]."""
    spaces = environment.observation_space, environment.action_space
    rows, seconds = [], []
    for algo in algos:
        work = count(algo, *spaces)
        rows.append((sum(map(alone.seconds, work.kernels)) / work.count, len(work.kernels) / work.count))
        seconds.append(_time_in_training(update_of(learner(algo, *spaces)), environment))
    return _fit(rows, seconds)


def _time_in_training(update: Callable[[], None], environment: PegInHoleEnv, repeats: int = 40) -> float:
    """Measure the median time of an update after a step of the environment [s]."""
    ended, times = True, []
    for _ in range(repeats):
        if ended:
            environment.reset()
        _, _, terminated, truncated, _ = environment.step(environment.action_space.sample())
        ended = terminated or truncated
        start = time.perf_counter()
        update()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def _fit(rows: Sequence[Sequence[float]], seconds: Sequence[float]) -> list[float]:
    """Fit coefficients >= 0 by relative errors: a small kernel is called as often as a large one."""
    weights = np.array(rows) / np.array(seconds)[:, None]
    scale = weights.max(0)
    solution, _ = nnls(weights / scale, np.ones(len(seconds)))
    return (solution / scale).tolist()


def _time(call: Callable[[], object], repeats: int = 7, at_least: float = 3e-4) -> float:
    """Measure the least mean time of a call [s]: disturbances only add to it."""
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
    """Return kind -> calls of operators that occur in an update."""
    gate = torch.ops.aten.hardtanh_backward.grad_input
    calls: dict[str, list[Callable[[], object]]] = {"matrix": [], "vector": [], "costly": []}
    for rows in (128, 512):
        for inputs, outputs in ((24, 32), (48, 96), (96, 96), (96, 8), (96, 1), (24, 384), (384, 8)):
            for heads in (1, 2):
                calls["matrix"] += _products(rows, inputs, outputs, heads)
        for shape in ((rows, 6), (2, rows, 48), (2, rows, 192)):
            a, b, out = torch.rand(shape), torch.rand(shape), torch.rand(shape)
            calls["vector"] += [
                partial(torch.add, a, b, out=out),
                partial(gate, a, b, 0.0, LARGEST, grad_input=out),
                partial(out.relu_),
                partial(out.copy_, a),
                partial(torch.sum, a, -2, True),
            ]
        for width in (4, 12):
            a = torch.rand(rows, width)
            calls["costly"] += [a.tanh, a.exp, a.normal_]
    for size in (3000, 30_000, 300_000):
        parts = [torch.rand(size) for _ in range(4)]
        calls["costly"].append(partial(_adam, *parts))
        calls["vector"].append(partial(parts[0].lerp_, parts[1], 0.5))
    least = one_dnn_width()
    if least is not None:
        one_dnn = torch.ops.mkldnn._linear_pointwise
        calls["wide"] = []
        for rows in (128, 512):
            for inputs, outputs in ((least, least), (3 * least // 2, 3 * least // 2), (3 * least, 3 * least)):
                sizes = (rows, inputs), (outputs, inputs), (rows, outputs)
                x, weight, slope = (torch.rand(size) for size in sizes)
                calls["wide"] += [
                    partial(one_dnn, x, weight, weight[:, 0], "relu", [], ""),
                    partial(one_dnn, slope, weight.t(), None, "none", [], ""),
                    partial(one_dnn, slope.t(), x.t(), None, "none", [], ""),
                ]
    return calls


def _products(rows: int, inputs: int, outputs: int, heads: int) -> list[Callable[[], object]]:
    """Return the matrix products of a layer: forward, gradient of the inputs, gradient of the weights."""
    x, slope = torch.rand(heads, rows, inputs), torch.rand(heads, rows, outputs)
    weight, bias = torch.rand(heads, outputs, inputs), torch.rand(heads, 1, outputs)
    if heads == 1:
        return [
            partial(torch.addmm, bias[0], x[0], weight[0].t(), out=slope[0]),
            partial(torch.mm, slope[0], weight[0], out=x[0]),
            partial(torch.mm, slope[0].t(), x[0], out=weight[0]),
        ]
    return [
        partial(torch.baddbmm, bias, x, weight.transpose(1, 2), out=slope),
        partial(torch.bmm, slope, weight, out=x),
        partial(torch.bmm, slope.transpose(1, 2), x, out=weight),
    ]


def _adam(values: torch.Tensor, gradients: torch.Tensor, mean: torch.Tensor, square: torch.Tensor) -> None:
    torch._fused_adam_(
        [values], [gradients], [mean], [square], [], [torch.ones(())], lr=1e-6, beta1=0.9, beta2=0.999,
        weight_decay=0.0, eps=1e-8, amsgrad=False, maximize=False,
    )  # fmt: skip
