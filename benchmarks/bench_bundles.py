"""Time of a step of a bundle, and of import and load in a robot program.

    OMP_NUM_THREADS=1 pytest benchmarks/bench_bundles.py

Needs pytest-benchmark; not part of ``make test``. Look at the medians, on a quiet machine. Every tenth step
queries the policy and takes longer. Targets: 60 us for a step with a policy of 64-64 units and 100 us with
256-256, median; 0.3 s for import and load.
"""

import statistics
import subprocess
import sys
import time
from math import sin
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "controllers"))

from bundle_maker import HOLE, golden, manifest, policy

from assembly_rl.controllers import BundleController
from assembly_rl.controllers.bundles import Manifest, write_bundle

STEPS = 900
NETWORKS = {"64-64": (64, 64), "256-256": (256, 256)}


@pytest.mark.parametrize("network", NETWORKS)
def test_a_step(benchmark: Any, network: str) -> None:
    """Time a step with pose and wrench as lists, and the clock."""
    own = manifest() | {"activations": ["relu", "relu", "tanh"]}
    controller = BundleController(Manifest.read(own), policy(scale=0.05, hidden=NETWORKS[network]))
    wrenches = [[sin(0.01 * i), 0.5, -2.0, 0.01, 0.02 * sin(0.02 * i), 0.0] for i in range(STEPS)]

    poses = [controller.reset(HOLE)[:2]]  # the robot reaches every command
    for number, wrench in enumerate(wrenches):
        poses.append(controller.step(wrench, poses[-1], 0.005 * number)[:2])

    def insertion() -> None:
        controller.reset(HOLE)
        for number, (wrench, pose) in enumerate(zip(wrenches, poses, strict=False)):
            controller.step(wrench, pose, 0.005 * number)

    benchmark.pedantic(insertion, rounds=15, warmup_rounds=1)
    assert controller.state == "running"
    single, now = [], time.perf_counter
    for _ in range(5):
        controller.reset(HOLE)
        for number, (wrench, pose) in enumerate(zip(wrenches, poses, strict=False)):
            start = now()
            controller.step(wrench, pose, 0.005 * number)
            single.append(1e6 * (now() - start))
    asked = [value for k, value in enumerate(single) if k % STEPS % 10 == 0]
    figures = {
        "mean, of whole insertions": 1e6 * benchmark.stats.stats.median / STEPS,
        "median": statistics.median(single),
        "median of those that ask the policy": statistics.median(asked),
        "99th percentile": statistics.quantiles(single, n=100)[98],
    }
    benchmark.extra_info.update(figures)
    print(f"\n{network} [us]: { ({name: round(value, 1) for name, value in figures.items()}) }")


@pytest.mark.parametrize("what", ["pass", "import numpy", "load"])
def test_a_fresh_process(benchmark: Any, what: str, tmp_path: Path) -> None:
    """Time the whole process; import and load are the difference to ``pass``."""
    if what == "load":
        own = manifest() | {"activations": ["relu", "relu", "tanh"]}
        network = policy(scale=0.05, hidden=(256, 256))
        write_bundle(tmp_path / "a.bundle", own, network, golden(own, network))
        what = f"from assembly_rl.controllers import load_bundle; load_bundle({str(tmp_path / 'a.bundle')!r})"
    command = [sys.executable, "-c", what]
    benchmark.pedantic(lambda: subprocess.run(command, check=True), rounds=15, warmup_rounds=1)
    print(f"\n{what}: {1e3 * benchmark.stats.stats.median:.0f} ms")
