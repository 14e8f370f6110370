"""Short runs of every kind, and hashes of their bit-exact results: weights and rows.

``python tests/reference/reference_runs.py`` runs all groups and prints their hashes as JSON; with names it
runs those groups; with ``--write`` it replaces ``hashes.json``. It uses the installed commands, so that it
does not depend on the structure of the code.

The results depend on the instructions that numpy, torch and their libraries select for the processor.
With ``PORTABLE`` they select the same ones on every x86-64 processor with AVX2.
"""

import csv
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

HASHES = Path(__file__).with_name("hashes.json")

PORTABLE = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "COMPATIBLE",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "OMP_NUM_THREADS": "1",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_NUM_THREADS": "1",
}

TASK = [  # of 0.2: a robot without lag, the law and the actions for it, and a narrow state
    "task.compliance.mass=[4,4,4,0.06,0.06,0.06]",
    "task.compliance.damping=[150,150,800,1,1,1]",
    "task.action.wrench=[5,5,8,0.15,0.15,0.15]",
    "task.action.dither=[0,0,0,0,0,0]",
    "task.action.twist=[0.03,0.03,0.01,0.15,0.15,0.15]",
    "task.observation.groups=[wrench,pose,last_action]",
    "task.reward.force=-0.004",
    "task.robot.response.lag=[0,0]",
    "task.robot.response.delay=[0,0]",
]
QUICK = [
    *TASK,
    "algo.batch_size=32",
    "algo.network=[16,16]",
    "steps=240",
    "checkpoint_every=120",
    "evaluation.every=120",
    "evaluation.episodes=2",
    "evaluation.held_out=3",
    "pictures=false",
]
OFF_POLICY = [*QUICK, "algo.learning_starts=60"]
SAC = ["algo=sac", *OFF_POLICY, "algo.gamma=0.98", "algo.averaged_over=0"]
PPO = [*QUICK, "algo.rollout=64", "algo.epochs=3"]
GRAPH = ["method.head=[4,4]"]
CS3 = ["method.edges=cs3", "method.critics=global"]
ESTIMATED = [*GRAPH, "steps=720", "checkpoint_every=360", "evaluation.every=360"]
GROWTH = ["method.shares=[0.5]", "method.freeze=20", "method.ramp=60"]
NOT_COMPARED = {"physics_hash"}
"""Columns that identify code or configuration rather than results."""


def run(command: str, *arguments: str) -> None:
    """Run a command of the package in this process, as a user types it; of two values of a key, the last."""
    arguments = tuple({text.partition("=")[0]: text for text in arguments}.values())
    (entry,) = entry_points(group="console_scripts", name=f"assembly-rl-{command}")
    before, sys.argv = sys.argv, [f"assembly-rl-{command}", *arguments]
    try:
        entry.load()()
    finally:
        sys.argv = before


def train(name: str, *arguments: str) -> dict[str, str]:
    """Train into a folder with a given name, and hash the results."""
    run("train", f"run_dir={name}", *arguments)
    return of_run(Path(name))


def of_run(folder: Path) -> dict[str, str]:
    """Return the hashes of a run: its best and its last policy, and its rows."""
    last = sorted((folder / "checkpoints").glob("step_*"))[-1]
    tables = ("held_out.csv", "evaluations.csv", "episodes.csv", "stages.csv")
    return {
        "best": of_policy(folder / "checkpoints" / "best"),
        "last": of_policy(last),
        **{name.removesuffix(".csv"): of_rows(folder / name) for name in tables if (folder / name).is_file()},
    }


def of_policy(folder: Path) -> str:
    """Return the hash of a policy's weights, without the buffers with which methods mark layers."""
    from safetensors.numpy import load_file

    tensors = load_file(folder / "policy.safetensors")
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        if name.rpartition(".")[2] in ("weight", "bias", "log_std"):
            digest.update(f"{name} {tensor.dtype} {tensor.shape}".encode())
            digest.update(tensor.tobytes())
    return digest.hexdigest()[:16]


def of_rows(path: Path) -> str:
    """Return the hash of a CSV file's rows."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            {key: text for key, text in row.items() if key not in NOT_COMPARED}
            for row in csv.DictReader(file)
        ]
    return of_content(rows)


def of_content(content: Any) -> str:
    """Return the hash of content in types of JSON."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def ddpg() -> dict[str, Any]:
    """Run DDPG with every method."""
    base = ["algo=ddpg", *OFF_POLICY]
    return {
        "dense": train("dense", *base),
        "lcrl": train("lcrl", *base, "method=lcrl", "method.edges=physics", *GRAPH),
        "pead": train("pead", *base, "method=pead", "method.grouping=random", *GROWTH),
        "lcrl_pead": train(
            "both", *base, "method=lcrl_pead", "method.edges=physics", *CS3[1:], *GRAPH, *GROWTH
        ),
    }


def td3() -> dict[str, Any]:
    """Run TD3 with every method, and with two environments."""
    base = ["algo=td3", *OFF_POLICY]
    return {
        "dense": train("dense", *base, "environments=2", "task=hard"),
        "lcrl": train("lcrl", *base, "method=lcrl", "method.samples=520", *ESTIMATED),
        "pead": train("pead", *base, "method=pead", "method.warm_up=tied", *GROWTH),
        "lcrl_pead": train("both", *base, "method=lcrl_pead", "method.edges=all", *GRAPH, *GROWTH),
    }


def sac() -> dict[str, Any]:
    """Run SAC with every method."""
    base = SAC
    wide = [text for text in base if not text.startswith("task.observation.groups")]
    return {
        "dense": train("dense", *wide, "experiment=wide", "geometry=L"),
        "lcrl": train("lcrl", *base, "method=lcrl", "method.samples=520", *CS3, *ESTIMATED),
        "pead": train(
            "pead", *base, *ESTIMATED[1:], "method=pead", "method.grouping=cs3", "method.samples=520",
            *GROWTH[1:], "method.shares=[0.85]",
        ),
        "lcrl_pead": train(
            "both", *base, "method=lcrl_pead", "method.edges=physics", *CS3[1:], *GRAPH, *GROWTH
        ),
    }  # fmt: skip


def ppo() -> dict[str, Any]:
    """Run PPO with every method."""
    base = ["algo=ppo", *PPO]
    return {
        "dense": train("dense", *base, "task.action.kind=twist"),
        "lcrl": train("lcrl", *base, "method=lcrl", "method.samples=520", *CS3, *ESTIMATED),
        "pead": train("pead", *base, "method=pead", "method.leash=0.5", *GROWTH),
        "lcrl_pead": train(
            "both", *base, "method=lcrl_pead", "method.edges=physics", *CS3[1:], *GRAPH, *GROWTH
        ),
    }


def transfer() -> dict[str, Any]:
    """Run transfers, the arm, baselines and an export."""
    found: dict[str, Any] = {"source": train("source", *SAC)}
    run(
        "transfer", "source=source", "geometry=triangle", "steps=60", "transfer.warm_up=20",
        "transfer.anneal=30", "evaluation.every=30", "evaluation.episodes=2", "evaluation.held_out=4",
        "compare=true", "run_dir=moved", "processes=1", *TASK[5:],
    )  # fmt: skip
    report = json.loads(Path("moved/report.json").read_text(encoding="utf-8"))
    content = json.loads(Path("moved/transfer/transfer.json").read_text(encoding="utf-8"))
    found["report"] = of_content([report["kept"], report["held_out"]])
    found["etcl"] = of_content([content[key] for key in ("probing_steps", "stiffness", "etcl", "weights")])
    # Not "scratch": until 0.1.0 it took the transfer's four gradient steps, which was a fault.
    for arm in ("transfer", "wdpd", "fine_tuning"):
        if Path("moved", arm).is_dir():
            found[arm] = of_run(Path("moved", arm))
    train("ppo_source", "algo=ppo", *PPO)
    found["ppo"] = train(
        "ppo_moved", "algo=ppo", *PPO, "geometry=T", "transfer.run=ppo_source", "transfer.weights=shuffled"
    )
    run(
        "eval", "run=source", "controller=[dither,reflex]", "robot=iiwa", "episodes=2", "output=iiwa.csv",
        "processes=1", "task.robot.response.lag=[0,0]", "task.robot.response.delay=[0,0]",
    )  # fmt: skip
    found["iiwa"] = of_rows(Path("iiwa.csv"))
    found["iiwa_trained"] = train("arm", *SAC, "robot=iiwa", "steps=120")
    run("export", "run=source", "episodes=2", "output=exported")
    found["bundle"] = of_bundle(Path("exported/source.bundle"))
    return found


def of_bundle(path: Path) -> str:
    """Return the hash of a bundle's tensors: network, golden inputs and outputs."""
    from safetensors.numpy import load_file

    digest = hashlib.sha256()
    for name, tensor in sorted(load_file(path).items()):
        digest.update(f"{name} {tensor.dtype} {tensor.shape}".encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()[:16]


GROUPS: dict[str, Callable[[], dict[str, Any]]] = {
    "ddpg": ddpg, "td3": td3, "sac": sac, "ppo": ppo, "transfer": transfer,
}  # fmt: skip


def hashes_of(group: str, folder: Path) -> dict[str, Any]:
    """Run a group in a new process, in an empty folder."""
    command = [sys.executable, str(Path(__file__).resolve()), "--here", group]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | PORTABLE, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def processor() -> str:
    """Return the model name of the CPU."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))


def main() -> None:
    """Run groups; print or write their hashes."""
    arguments = sys.argv[1:]
    if "--here" in arguments:
        print("\n" + json.dumps(GROUPS[arguments[-1]]()))
        return
    names = [name for name in arguments if not name.startswith("-")] or list(GROUPS)
    found: dict[str, Any] = {"processor": processor()}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            found[name] = hashes_of(name, Path(folder))
    text = json.dumps(found, indent=1) + "\n"
    if "--write" in arguments:
        HASHES.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
