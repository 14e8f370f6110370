"""Count an NPU's work in updates, with the real torch_npu but without an NPU; exit code 1 if too much.

``make check-torch-npu``. torch_npu is installed under ``build/``, next to a stand-in for CANN's libraries
that counts calls and computes nothing: structure and counts are right, numbers are not.
"""

import ctypes
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import stable_baselines3
from gymnasium.spaces import Box
from rich.console import Console
from rich.table import Table
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import DummyVecEnv

from assembly_rl.accelerators.device import resolve
from assembly_rl.learners import off_policy
from assembly_rl.planner.prediction import IdleEnv

TORCH_NPU = "2.13.0"
UPDATES = 100
"""Number of updates that are counted, after as many that are not."""
BATCH, NETWORK = 256, [64, 64]
SPACES = Box(-1.0, 1.0, (18,), np.float32), Box(-1.0, 1.0, (6,), np.float32)

# Budget of our learner for these updates: counts measured with torch_npu 2.13.0, and a small margin.
LAUNCHES = {"DDPG": 11_300, "TD3": 8_700, "SAC": 13_100}
"""Most launches, one operator at a time; 11003, 8403 and 12803 were measured."""
GRAPH_LAUNCHES = 410
"""Most launches, captured; 403 measured: per update gather, random seed and offset, and graph; the log."""
TO_DEVICE = 200
"""Most copies to the device: new transition and rows of the batch in each update; 200 were measured."""
TO_HOST = 2
"""Most copies to the host: log of the losses, and actor that acts on the CPU; 2 were measured."""
WAITS = 2
"""Most waits, as required: only those two copies wait for the device; 2 were measured."""

LEARNERS = {"stock": "stable-baselines3", "ours": "ours, one by one", "graph": "ours, captured"}
COUNTED = ("launches", "to device", "to host", "waits")
"""Quantities that the stand-in counts, in the order of its counters."""

LAUNCHING = re.compile(
    r"aclnn(?!.*GetWorkspaceSize$)|aclopCompileAndExecute|aclrtLaunchKernel|rtKernelLaunch|aclrtMemsetAsync"
    r"|aclmdlRIExecuteAsync"
)
"""Functions of CANN that launch work on the device."""

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "torch_npu"
SITE, LIBRARIES = BUILD / "site", BUILD / "lib"
ABSENT = ("hccl", "acl_op_compiler", "ge_runner", "graph", "acl_tdt_channel", "opapi")
"""Further libraries of CANN that torch_npu asks for."""


def prepare() -> None:
    """Install torch_npu and build the stand-in."""
    package = SITE / "torch_npu"
    if not (SITE / f"torch_npu-{TORCH_NPU}.dist-info").exists():
        run(sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "--upgrade",
            "--target", SITE, f"torch-npu=={TORCH_NPU}")  # fmt: skip
    generated = BUILD / "generated.c"
    generated.write_text(stand_ins(package), encoding="utf-8")
    LIBRARIES.mkdir(exist_ok=True)
    run("gcc", "-shared", "-fPIC", "-Wall", "-Wextra", "-I", package / "include/third_party/acl/inc",
        ROOT / "scripts" / "ascend_stub.c", generated, "-o", LIBRARIES / "libascendcl.so")  # fmt: skip
    for name in ABSENT:
        link = LIBRARIES / f"lib{name}.so"
        link.unlink(missing_ok=True)
        link.symlink_to("libascendcl.so")


def run(*command: str | Path) -> str:
    """Run a command that has to succeed and return its standard output."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {(done.stderr or 'failed').strip().splitlines()[-1]}")
    return done.stdout


def stand_ins(package: Path) -> str:
    """C source of all functions of CANN that torch_npu links to or looks up by name, each doing nothing."""
    names = set()
    for library in (package / "lib/libtorch_npu.so", package / "lib/libtensorpipe.so",
                    package / "lib/libnpu_profiler.so", *package.glob("_C.*.so")):  # fmt: skip
        undefined = run("nm", "-D", "--undefined-only", library)
        names |= set(re.findall(r" U ((?:acl|rt[A-Z]|Msprof|Hccl)\w+)$", undefined, re.MULTILINE))
    strings = (package / "lib/libtorch_npu.so").read_bytes()
    names |= {name.decode() for name in re.findall(rb"\0(acl\w+)(?=\0)", strings)}
    return "\n".join(["void ascend_stub_launch(void);", *(stand_in(name) for name in sorted(names)), ""])


def stand_in(name: str) -> str:
    """C source of one function; one of the same name in ascend_stub.c takes its place."""
    body = "return 0;"  # success
    if LAUNCHING.match(name):
        body = "ascend_stub_launch(); return 0;"
    elif name.startswith(("aclCreate", "aclopCreate")):
        body = "static char object[64]; return (long)object;"
    return f"__attribute__((weak)) long {name}(void) {{ {body} }}"


def make(source: Any, name: str, device: Any) -> Any:
    """Create a model with a full replay buffer."""
    options: dict[str, Any] = {"ent_coef": 0.02} if name == "SAC" else {}
    model = getattr(source, name)(
        "MlpPolicy", DummyVecEnv([lambda: IdleEnv(*SPACES)]), batch_size=BATCH, buffer_size=4 * BATCH, seed=0,
        policy_kwargs={"net_arch": NETWORK}, device=device, **options,
    )  # fmt: skip
    if name == "DDPG" and source is off_policy:
        model.actor_learning_rate = 1e-4
    model.set_logger(Logger(None, []))
    model.replay_buffer.full = True
    return model


def train(model: Any) -> None:
    """Run the counted number of updates, each after a new transition."""
    observation, action, zero = np.zeros((1, 18)), np.zeros((1, 6)), np.zeros(1)
    for _ in range(UPDATES):
        model.replay_buffer.add(observation, observation, action, zero, zero, [{}])
        model.train(1, BATCH)


def measure(who: str, name: str) -> None:
    """Print the counts of a learner's updates as JSON, in a process that has the stand-in."""
    device = resolve("npu")
    counters = (ctypes.c_long * len(COUNTED)).in_dll(ctypes.CDLL("libascendcl.so"), "ascend_stub_counts")
    with mock.patch.object(off_policy, "can_capture", lambda device: who == "graph"):
        model = make(stable_baselines3 if who == "stock" else off_policy, name, device)
        train(model)
        before = list(counters)
        train(model)
        counts = [now - then for now, then in zip(counters, before, strict=True)]
    print(json.dumps(counts))


def measured(who: str, name: str) -> tuple[list[int], list[str]]:
    """Counts of a learner's updates, and a list of problems.

    A problem is an error, or operators that are computed on the CPU: torch_npu reports the first of them.
    """
    environment = os.environ | {
        "LD_LIBRARY_PATH": str(LIBRARIES),
        "PYTHONPATH": f"{ROOT}:{SITE}",
        "OMP_NUM_THREADS": "1",
        "TASK_QUEUE_ENABLE": "0",  # launches at once, or counts would lag behind
        "TORCH_DEVICE_BACKEND_AUTOLOAD": "0",
    }
    command = [sys.executable, __file__, who, name]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    operators = re.findall(r"operator 'aten::(\S+)' is not currently supported on the NPU", done.stderr)
    wrong = [f"on the CPU: {operator}" for operator in sorted(set(operators))]
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1]), wrong
    errors = re.findall(r"^\w+Error: .*", done.stderr, re.MULTILINE)
    return [], [*wrong, errors[-1] if errors else f"exit code {done.returncode}"]


def excess(who: str, name: str, counts: list[int]) -> list[str]:
    """List the counts that are over the budget."""
    budget = (GRAPH_LAUNCHES if who == "graph" else LAUNCHES[name], TO_DEVICE, TO_HOST, WAITS)
    together = zip(COUNTED, counts, budget, strict=True)
    return [f"{kind}: at most {most}" for kind, count, most in together if count > most]


def main() -> int:
    """Print the table and return the exit code."""
    prepare()
    sizes = f"{UPDATES} updates, batch {BATCH}, networks {NETWORK}, torch_npu {TORCH_NPU}"
    table = Table("algorithm", "learner", title=sizes)
    for kind in COUNTED:
        table.add_column(kind, justify="right")
    table.add_column("wrong")
    good = True
    for name in LAUNCHES:
        for who, called in LEARNERS.items():
            counts, wrong = measured(who, name)
            if who != "stock":
                wrong += excess(who, name, counts) if counts else []
                good = good and not wrong
            table.add_row(name, called, *(map(str, counts) if counts else "----"), "\n".join(wrong))
        table.add_section()
    Console(width=110).print(table)
    return 0 if good else 1


if __name__ == "__main__":
    if len(sys.argv) == 3:  # the process of one row
        measure(*sys.argv[1:])
        sys.exit()
    try:
        sys.exit(main())
    except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
        sys.exit(f"error: {error}")
