"""Interrupt trainings of every method, and compare what comes out with undisturbed ones, bit by bit.

``python scripts/try_interruptions.py kills=50 disks=3 damages=20 seed=0`` kills trainings at random moments
(kill -9), from their start-up to their final evaluation, and starts or resumes them again; fills the disk
under them (a small tmpfs for root, otherwise a limit of the file size), and resumes when there is space; and
damages the newest checkpoint of stopped ones. Weights, optimizers, replay buffer, rows and results must equal
those of the undisturbed training, or one line must say what to do, and doing it must lead there. It ends with
a table, and with exit code 1 if anything differs. ``only=sac,td3`` selects methods.
"""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from assembly_rl.runs.manifest import FILE as MANIFEST
from assembly_rl.runs.manifest import Rows, verify, write_manifest

QUICK = [
    "algo.batch_size=16", "algo.network=[8,8]", "steps=240", "checkpoint_every=60", "evaluation.every=60",
    "evaluation.episodes=2", "evaluation.held_out=2", "pictures=false", "task.limits.time=1.0",
]  # fmt: skip
OFF_POLICY = [*QUICK, "algo.learning_starts=50"]
PPO = ["algo=ppo", *QUICK, "algo.rollout=30", "algo.epochs=2", "algo.batch_size=15"]
LONGER = ["steps=660", "checkpoint_every=110", "evaluation.every=220", "method.samples=520"]
GROWTH = ["method.shares=[0.5]", "method.freeze=20", "method.ramp=60"]
TRANSFER = ["transfer.warm_up=70", "transfer.anneal=60"]
METHODS: dict[str, list[str]] = {
    "sac": ["algo=sac", *OFF_POLICY],
    "td3": ["algo=td3", *OFF_POLICY, "environments=2"],
    "ddpg": ["algo=ddpg", *OFF_POLICY],
    "ppo": PPO,
    "cs3": [
        "algo=sac", *OFF_POLICY, "method=pead", "method.grouping=cs3", "method.shares=[0.85]",
        *GROWTH[1:], *LONGER,
    ],
    "lcrl": [*PPO, "method=lcrl", "method.head=[4,4]", *LONGER],
    "pead": ["algo=td3", *OFF_POLICY, "method=pead", "method.trigger=plateau", "method.window=2", *GROWTH],
    "lcrl_pead": [
        "algo=ddpg", *OFF_POLICY, "method=lcrl_pead", "method.edges=physics", "method.head=[4,4]", *GROWTH,
    ],
    "transfer.run": [
        "algo=sac", *OFF_POLICY, "geometry=L", "transfer.run=source", "transfer.weights=error", *TRANSFER,
    ],
    "transfer": [
        "source=source", "geometry=triangle", "steps=120", "evaluation.every=40", "evaluation.episodes=2",
        "evaluation.held_out=2", "processes=1", "task.limits.time=1.0", *TRANSFER,
    ],
}  # fmt: skip
METHODS = {
    method: list({text.partition("=")[0]: text for text in arguments}.values())  # of two values, the last
    for method, arguments in METHODS.items()
}
LIMIT = 300.0
"""Time after which a training is taken to hang [s]."""


class Process:
    """Command of the package in a new process, forked so that nothing is imported again.

    Args:
        folder: Working directory.
        name: Name of the command, such as ``train``.
        arguments: Arguments of the command.
        file_size: Limit of the size of files [bytes].
    """

    def __init__(self, folder: Path, name: str, arguments: list[str], file_size: int | None = None) -> None:
        self.output = folder.parent / f"output_{time.monotonic_ns()}.txt"
        self.started = time.monotonic()
        self.pid = os.fork()
        if not self.pid:
            self._become(folder, name, arguments, file_size)

    def _become(self, folder: Path, name: str, arguments: list[str], file_size: int | None) -> None:
        code = 70
        try:
            os.setsid()
            os.chdir(folder)
            target = os.open(self.output, os.O_WRONLY | os.O_CREAT)
            os.dup2(target, 1)
            os.dup2(target, 2)
            if file_size is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
            sys.argv = [f"assembly-rl-{name}", *arguments]
            import_module(f"assembly_rl.cli.{name}").main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def ended(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None

    def wait(self, until: Callable[[], bool] = lambda: False) -> int | None:
        """Wait for the end, or until a condition holds; return the exit code, None if it runs on."""
        while time.monotonic() - self.started < LIMIT:
            code = self.ended()
            if code is not None or until():
                return code
            time.sleep(0.002)
        self.kill()
        raise RuntimeError(f"it hangs: {self.text()[-400:]}")

    def kill(self) -> None:
        """Kill the process with SIGKILL; its workers end on their own."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def text(self) -> str:
        """Return the output so far."""
        return self.output.read_text(errors="replace")

    def error(self) -> str:
        """Return the one line of error; an empty string if there is none or more than that."""
        lines = self.text().splitlines()
        errors = [line for line in lines if line.startswith("error: ")]
        return errors[0] if len(errors) == 1 and "Traceback" not in self.text() else ""


class Trial:
    """Trial of a method in a folder of its own.

    Args:
        root: Folder with the undisturbed trainings.
        method: Key of ``METHODS``.
        place: Folder of the trial; by default a new one.
    """

    def __init__(self, root: Path, method: str, place: Path | None = None) -> None:
        self.root, self.method = root, method
        self.command = "transfer" if method == "transfer" else "train"
        self.folder = place or Path(tempfile.mkdtemp(dir=root))
        self.run = self.folder / "run"
        self.log: list[str] = []
        if not (self.folder / "source").exists() and (root / "source").exists():
            (self.folder / "source").symlink_to(root / "source")

    def start(self, file_size: int | None = None) -> Process:
        """Start the training, or resume it if its folder exists."""
        arguments = ["resume=run"] if self.run.exists() else [*METHODS[self.method], "run_dir=run"]
        self.log.append(arguments[0] if self.run.exists() else "run_dir=run")
        return Process(self.folder, self.command, arguments, file_size)

    def finish(self) -> str:
        """Start or resume to the end, and compare; return the differences, an empty string without any."""
        process = self.start()
        code = process.wait()
        if code:
            return f"exit {code}: {process.error() or process.text()[-1500:]}"
        return differences(self.root / self.method / "run", self.run)

    def training(self) -> Path:
        """Return the run directory of the training, which of a transfer lies in its folder."""
        return self.run / "transfer" if self.method == "transfer" else self.run

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def content_of(path: Path) -> Any:
    """Return the content of a file without what depends on the clock or the process."""
    if path.suffix != ".json":
        return path.read_bytes()
    content = json.loads(path.read_text())
    for name in ("started", "command", "created"):
        content.pop(name, None)
    if path.name == "state.json":
        content["counters"].pop("_num_timesteps_at_start")
        for episode in content["episodes"]["ep_info_buffer"]:
            episode.pop("t")
    if path.name == MANIFEST:
        content.pop("sha256")
        content["files"].pop("state.json")
    return json.dumps(content, sort_keys=True)


def differences(whole: Path, parts: Path) -> str:
    """Return the files of two runs that differ, without TensorBoard's and damaged ones set aside."""
    left_out = ("tensorboard", "figures", "damaged_")
    names = [
        {
            str(path.relative_to(root))
            for path in root.rglob("*")
            if path.is_file() and not any(part.startswith(left_out) for part in path.relative_to(root).parts)
        }
        for root in (whole, parts)
    ]
    found = [f"{name} is in one only" for name in sorted(names[0] ^ names[1])]
    for name in sorted(names[0] & names[1]):
        if content_of(whole / name) != content_of(parts / name):
            found.append(f"{name} differs")
    return "; ".join(found)


# ---------------------------------------------------------------------- kill -9


def kill(trial: Trial, rng: random.Random, duration: float) -> tuple[str, str, int]:
    """Kill a training once or twice at random moments.

    Returns:
        Moments, differences, and number of kills, which is less if the training ended before.
    """
    told, kills = [], 0
    for _ in range(rng.choice((1, 1, 2))):
        kind = rng.choice(("any", "any", "start-up", "final evaluation"))
        process = trial.start()
        if kind == "final evaluation":
            last = trial.training() / "checkpoints" / f"step_{last_step(trial):010d}"
            code = process.wait(last.exists)
            moment = time.monotonic() + rng.uniform(0.0, 0.05 * duration)
        else:
            share = 0.3 if kind == "start-up" else 1.0
            code, moment = None, process.started + rng.uniform(0.0, share * duration * 0.9)
        if code is None:
            code = process.wait(lambda moment=moment: time.monotonic() >= moment)  # type: ignore[misc]
        if code is not None:
            told.append(f"{kind}: ended before" + (f" with {code}: {process.text()[-600:]}" if code else ""))
            break
        after = time.monotonic() - process.started
        process.kill()
        kills += 1
        told.append(f"{kind}: {after:.2f} s")
    return ", ".join(told), trial.finish(), kills


def last_step(trial: Trial) -> int:
    """Return the last step of the training."""
    return [int(text[6:]) for text in METHODS[trial.method] if text.startswith("steps=")][-1]


# ---------------------------------------------------------------------- full disk


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[bool]:
    """Yield True within which a folder is on a tmpfs of a size [bytes], False if that is not permitted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(root: Path, method: str, share: float) -> tuple[str, str]:
    """Train on a disk that has a share of the space that is needed, then give space and resume."""
    used = sum(path.stat().st_blocks * 512 for path in (root / method / "run").rglob("*"))
    place = root / f"disk_{time.monotonic_ns()}"
    with small_disk(place, int(share * used)) as mounted:
        trial = Trial(root, method, place)
        process = trial.start(None if mounted else int(share * 60_000))
        code, error = process.wait(), process.error()
        if mounted:
            subprocess.run(["mount", "-o", "remount,size=1g", str(place)], check=True)
        told = f"{share:.0%} of {used / 1e3:.0f} kB{'' if mounted else ' (file size)'}: exit {code}, {error}"
        if code != 2 or not error or "free space" not in error and "ulimit" not in error:
            return told, f"exit {code}: not one line of error: {process.text()[-1500:]}"
        return told, trial.finish()


# ---------------------------------------------------------------------- damages


def _rewritten(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the state of a checkpoint, with right checksums."""
    rows: dict[str, Rows] = verify(folder)
    state = json.loads((folder / "state.json").read_text())
    change(state)
    (folder / "state.json").write_text(json.dumps(state))
    (folder / MANIFEST).unlink()
    write_manifest(folder, int(folder.name[5:]), rows)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def _replace(path: Path, make: Callable[[Path], object]) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    make(path)


DAMAGES: dict[str, Callable[[Path, Path], object]] = {
    "policy truncated": lambda new, old: os.truncate(new / "policy.safetensors", 700),
    "training truncated": lambda new, old: os.truncate(new / "training.safetensors", 5000),
    "bit of state.json": lambda new, old: _flip(new / "state.json"),
    "bit of policy": lambda new, old: _flip(new / "policy.safetensors"),
    "bit of training": lambda new, old: _flip(new / "training.safetensors"),
    "bit of manifest": lambda new, old: _flip(new / MANIFEST),
    "file deleted": lambda new, old: (new / "training.safetensors").unlink(),
    "manifest deleted": lambda new, old: (new / MANIFEST).unlink(),
    "file of another step": lambda new, old: shutil.copy(old / "policy.safetensors", new),
    "folder of another step": lambda new, old: _replace(new, lambda path: shutil.copytree(old, path)),
    "empty file": lambda new, old: os.truncate(new / "state.json", 0),
    "symbolic link": lambda new, old: _replace(
        new / "state.json", lambda path: path.symlink_to((old / "state.json").resolve())
    ),
    "folder as file": lambda new, old: _replace(new / "state.json", Path.mkdir),
    "pipe": lambda new, old: _replace(new / "state.json", os.mkfifo),
    "file as folder": lambda new, old: _replace(new, lambda path: path.write_text("")),
    "empty folder": lambda new, old: _replace(new, Path.mkdir),
    "attribute named by the file": lambda new, old: _rewritten(
        new, lambda state: state["counters"].update(policy=3)
    ),
    "wrong type in JSON": lambda new, old: _rewritten(new, lambda state: state.update(streams=[1])),
    "wrong number in JSON": lambda new, old: _rewritten(new, lambda state: state["replay"].update(pos=-7)),
    "wrong state of an environment": lambda new, old: _rewritten(
        new, lambda state: state["environments"][0].update(environment={"rng": "x"})
    ),
}


def damage(trial: Trial, stopped: Path, name: str) -> tuple[str, str]:
    """Damage the newest checkpoint of a stopped training, and resume; do what the error says, if any."""
    shutil.copytree(stopped, trial.run, symlinks=True)
    old, new = sorted((trial.training() / "checkpoints").glob("step_*"))[-2:]
    DAMAGES[name](new, old)
    process = trial.start()
    code = process.wait()
    if code == 0:
        told = [line.strip() for line in process.text().splitlines() if "moved to" in line]
        if not told:
            return "", f"nothing was said: {process.text()[-600:]}"
        return "an older one is used, which is said", differences(
            trial.root / trial.method / "run", trial.run
        )
    error = process.error()
    if code != 2 or "remove" not in error:
        return "", f"exit {code}: {error or process.text()[-1500:]}"
    removed = trial.folder / error.removeprefix("error: ").split(" is ")[0]
    if "remove " + str(new.relative_to(trial.folder)) in error:
        removed = new
    shutil.rmtree(removed) if removed.is_dir() and not removed.is_symlink() else removed.unlink()
    return f"one line, done: {error[:150]}", trial.finish()


def stop_after_checkpoints(root: Path, method: str) -> Path:
    """Return a run that was killed when it had its third checkpoint."""
    trial = Trial(root, method)
    process = trial.start()
    checkpoints = trial.training() / "checkpoints"
    if process.wait(lambda: len(list(checkpoints.glob("step_*[1-9]0"))) > 1) is not None:
        raise RuntimeError(f"{method} ended early: {process.text()[-600:]}")
    process.kill()
    return trial.run


# ---------------------------------------------------------------------- all


def main() -> None:
    """Run the trials that the arguments ask for."""
    given = dict(text.split("=", 1) for text in sys.argv[1:])
    counts = {"kills": 50, "disks": 3, "damages": len(DAMAGES), "seed": 0}
    methods = given.pop("only", ",".join(METHODS)).split(",")
    if set(given) - set(counts) or set(methods) - set(METHODS):
        raise SystemExit(f"error: known are {', '.join(counts)}, and only={','.join(METHODS)}")
    counts |= {name: int(text) for name, text in given.items()}
    rng, console = random.Random(counts["seed"]), Console(width=150)
    import_module("assembly_rl.cli.train")
    import_module("assembly_rl.cli.transfer")
    found: dict[str, Counter[str]] = {method: Counter() for method in methods}
    failures: list[str] = []

    def note(method: str, kind: str, told: str, wrong: str, count: int = 1) -> None:
        found[method][kind] += count
        found[method]["failed"] += bool(wrong)
        done = sum(sum(of.values()) - of["failed"] for of in found.values())
        console.print(
            f"{done:>4} {method} {kind}: {told} {'DIFFERS: ' + wrong if wrong else 'equal'}", markup=False
        )
        if wrong:
            failures.append(f"{method} {kind}: {told}: {wrong}")

    with tempfile.TemporaryDirectory() as name:
        root, duration = Path(name), {}
        source = Process(root, "train", ["algo=sac", *OFF_POLICY, "run_dir=source"])
        if source.wait():
            raise SystemExit(source.text())
        for method in methods:
            (root / method).mkdir()
            process = Trial(root, method, root / method).start()
            if process.wait():
                raise SystemExit(process.text())
            duration[method] = time.monotonic() - process.started
            console.print(f"undisturbed {method}: {duration[method]:.1f} s")
        while sum(of["kill"] for of in found.values()) < counts["kills"]:
            method = min(methods, key=lambda method: found[method]["kill"])
            trial = Trial(root, method)
            note(method, "kill", *kill(trial, rng, duration[method]))
            trial.close()
        for number in range(counts["disks"]):
            method = methods[number % len(methods)]
            share = (rng.uniform(0.02, 0.3), rng.uniform(0.4, 0.7), rng.uniform(0.75, 0.95))[number % 3]
            note(method, "disk", *fill(root, method, share))
        stopped: dict[str, Path] = {}
        for number, kind in zip(range(counts["damages"]), list(DAMAGES) * counts["damages"], strict=False):
            method = methods[number % len(methods)]
            if method not in stopped:
                stopped[method] = stop_after_checkpoints(root, method)
            trial = Trial(root, method)
            told, wrong = damage(trial, stopped[method], kind)
            note(method, "damage", f"{kind}: {told}", wrong)
            trial.close()
    table = Table("method", "kill -9", "full disk", "damage", "failed")
    for method, of in [*found.items(), ("all", sum(found.values(), Counter()))]:
        table.add_row(method, *(str(of[kind]) for kind in ("kill", "disk", "damage", "failed")))
    console.print(table)
    for text in failures:
        console.print(text, markup=False)
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
