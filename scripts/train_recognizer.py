"""Record episodes for the recogniser of contact states, compare trainings of it, and train one.

    python scripts/train_recognizer.py record
    python scripts/train_recognizer.py study --output docs/results/recognizer.csv
    python scripts/train_recognizer.py overhead --output docs/results/recognizer_overhead.csv
    python scripts/train_recognizer.py train --variant augmentation --output contact_states.npz
    python scripts/train_recognizer.py score contact_states.npz --picture recognition.png

Recordings are in the folder ``--data``, by default runs/recognizer. ``study`` trains in MuJoCo alone, with
equal steps, and scores each network on unseen parts, on slower robots and in Bullet; a row of its file is a
network on one of these sets. ``train`` learns from both engines. Stopped by Ctrl-C, ``record`` and ``study``
keep what is finished, and the same command goes on.
"""

import argparse
import csv
import time
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import Progress, TaskID
from scipy.stats import t as student

from assembly_rl.controllers.recognition import STATES, load_recognizer, save_network
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.families import KINDS
from assembly_rl.envs.library import make_task
from assembly_rl.recognition.data import DATA
from assembly_rl.recognition.episodes import Recording
from assembly_rl.recognition.network import RecognizerNetwork
from assembly_rl.recognition.picture import draw_confusion
from assembly_rl.recognition.samples import Samples, samples
from assembly_rl.recognition.scores import FAR, angles, confusion, episode_errors, said, scores
from assembly_rl.recognition.training import VARIANTS, RecognizerTraining, train

TESTS = ("parts", "robots", "engine")
SHOWN = ("states", "groups", "offset_cosine", "offset_angle", "side_angle", "kinds")
NAMES = list(KINDS)


def recorded(given: argparse.Namespace, *names: str) -> Samples:
    """Return the samples of recorded data sets."""
    missing = [name for name in names if not (given.data / f"{name}.npz").is_file()]
    if missing:
        raise InputError(f"{given.data} has no recording {missing[0]}.npz: run the command 'record' first")
    return samples(Recording.joined([Recording.load(given.data / f"{name}.npz") for name in names]))


def of_first_parts(given: argparse.Namespace, own: Samples) -> Samples:
    """Return the samples of the first parts of the training."""
    rows = Recording.load(given.data / "train-mujoco.npz").parts < given.parts
    return Samples(*(getattr(own, field.name)[rows] for field in fields(Samples)))


def append(path: Path, rows: list[dict[str, Any]]) -> None:
    """Append rows to a CSV file, which begins with their names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    with open(path, "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        if new:
            writer.writeheader()
        writer.writerows(rows)


def _advance(progress: Progress, bar: TaskID, steps: int) -> None:
    """Count an episode."""
    progress.advance(bar)


def record(given: argparse.Namespace) -> None:
    """Record the data sets that there are not yet."""
    base, _ = make_task("broad")
    given.data.mkdir(parents=True, exist_ok=True)
    with Progress() as progress:
        for name, own in DATA.items():
            bar = progress.add_task(name, total=own.parts * own.episodes)
            path = given.data / f"{name}.npz"
            if not path.exists():
                found = own.record(base, partial(_advance, progress, bar))
                part = path.with_suffix(".part.npz")
                found.save(part)
                part.rename(path)
            progress.update(bar, completed=own.parts * own.episodes)


def study(given: argparse.Namespace) -> None:
    """Train and score all variants and seeds, and print means with 95 % intervals over the seeds."""
    done: set[tuple[str, str]] = set()
    if given.output.exists():
        with open(given.output, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        if any((row["steps"], row["parts"]) != (str(given.steps), str(given.parts)) for row in rows):
            raise InputError(f"{given.output} has rows of other steps or parts: choose another file")
        done = {(row["variant"], row["seed"]) for row in rows}
    learned = of_first_parts(given, recorded(given, "train-mujoco"))
    tests = {name: recorded(given, name) for name in TESTS}
    todo = [(v, s) for s in range(given.seeds) for v in VARIANTS if (v, str(s)) not in done]
    with Progress() as progress:
        bar = progress.add_task("steps", total=len(todo) * given.steps)
        for variant, seed in todo:
            progress.update(bar, description=f"{variant}, seed {seed}")
            network = train(
                learned, variant, len(NAMES), given.steps, seed, lambda n: progress.advance(bar, n)
            )
            row = {"variant": variant, "seed": seed, "steps": given.steps, "parts": given.parts}
            append(
                given.output,
                [row | {"test": name} | scores(said(network, own), own) for name, own in tests.items()],
            )
    tabulate(given.output)


def tabulate(path: Path) -> None:
    """Print the mean of each score with its interval, and the difference from plain training."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for test in TESTS:
        print(f"\n| {test} | {' | '.join(SHOWN)} | states, less those of plain |")
        for variant in VARIANTS:
            own = {row["seed"]: row for row in rows if (row["variant"], row["test"]) == (variant, test)}
            plain = {row["seed"]: row for row in rows if (row["variant"], row["test"]) == ("plain", test)}
            cells = [interval([float(row[name]) for row in own.values()]) for name in SHOWN]
            cells.append(
                interval([float(own[seed]["states"]) - float(plain[seed]["states"]) for seed in own])
            )
            print(f"| {variant} | {' | '.join(cells)} |")


def interval(values: list[float]) -> str:
    """Return mean and half the 95 % interval of independent values (Student's t)."""
    count = len(values)
    half = student.ppf(0.975, count - 1) * np.std(values, ddof=1) / count**0.5 if count > 1 else np.nan
    return f"{np.mean(values):.3f} +-{half:.3f}"


def overhead(given: argparse.Namespace) -> None:
    """Measure the processor time of a step of each variant, side by side, beside one of plain training."""
    if given.output.exists():
        raise InputError(f"{given.output} exists; nothing is overwritten: choose another file")
    learned = recorded(given, "parts")
    trainings = {name: RecognizerTraining(learned, name, len(NAMES), given.rounds, 0) for name in VARIANTS}
    times: dict[str, list[float]] = {name: [] for name in VARIANTS}
    order, rng = list(trainings), np.random.default_rng(0)
    for _ in range(given.rounds):
        rng.shuffle(order)
        for name in order:
            begin = time.process_time()
            trainings[name].step()
            times[name].append(time.process_time() - begin)
    plain = np.array(times["plain"])
    rows = []
    for name, own in times.items():
        ratio = np.array(own) / plain
        low, high = np.quantile(ratio, (0.25, 0.75))
        rows.append(
            {"variant": name, "rounds": given.rounds, "milliseconds": 1e3 * float(np.median(own))}
            | {
                "ratio": float(np.median(ratio)),
                "ratio_quarter": float(low),
                "ratio_three_quarters": float(high),
            }
        )
        print(f"{name}: {rows[-1]['milliseconds']:.2f} ms, {rows[-1]['ratio']:.3f} of plain")
    append(given.output, rows)


def learn(given: argparse.Namespace) -> None:
    """Train a recogniser on both engines, and write its file."""
    if given.output.exists():
        raise InputError(f"{given.output} exists; nothing is overwritten: choose another file")
    learned = recorded(given, "train-mujoco", "train-bullet")
    with Progress() as progress:
        bar = progress.add_task(given.variant, total=given.steps)
        network = train(
            learned, given.variant, len(NAMES), given.steps, given.seed, lambda n: progress.advance(bar, n)
        )
    note = f"variant {given.variant}, {given.steps} steps, seed {given.seed}, MuJoCo and Bullet"
    save_network(given.output, network.arrays(), NAMES, note)


def score(given: argparse.Namespace) -> None:
    """Print the scores of a recogniser on the test sets, and draw its confusions."""
    recognizer = load_recognizer(given.recognizer)
    network = RecognizerNetwork(len(recognizer.kinds))
    network.load_state_dict({name: torch.tensor(own) for name, own in recognizer.network.arrays.items()})
    true, found = [], []
    for name in TESTS:
        own = recorded(given, name)
        outputs = said(network, own)
        print(name, {key: round(value, 3) for key, value in scores(outputs, own).items()})
        said_error, error = episode_errors(outputs, Recording.load(given.data / f"{name}.npz"))
        far = np.linalg.norm(error, axis=1) > FAR
        angle = angles(said_error[far], error[far])
        less = np.linalg.norm(error - said_error, axis=1) / np.linalg.norm(error, axis=1)
        print(
            f"  mean error of an episode on the rim, {far.sum()} episodes: median angle "
            f"{np.median(angle):.1f} deg,\n  mean cosine {np.cos(np.radians(angle)).mean():.2f}, "
            f"{np.median(less[far]):.2f} of it left"
        )
        true.append(own.states)
        found.append(outputs["state"].argmax(axis=1))
    states, named = np.concatenate(true), np.concatenate(found)
    for number, name in enumerate(STATES):
        print(f"of what is called {name}, {100 * np.mean(states[named == number] == number):.1f} % is")
    if given.picture is not None:
        shares = confusion(states, named, len(STATES))
        draw_confusion(shares, np.bincount(states, minlength=len(STATES)), given.picture)
        print(f"{given.picture} is written")


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(required=True)

    def command(name: str, function: Any) -> argparse.ArgumentParser:
        own = commands.add_parser(name, description=function.__doc__)
        own.add_argument(
            "--data", type=Path, default=Path("runs/recognizer"), help="folder of the recordings"
        )
        own.set_defaults(function=function)
        return own

    command("record", record)
    own = command("study", study)
    own.add_argument("--steps", type=int, default=1500)
    own.add_argument("--seeds", type=int, default=5)
    own.add_argument("--parts", type=int, default=DATA["train-mujoco"].parts, help="parts to learn from")
    own.add_argument("--output", type=Path, required=True)
    own = command("overhead", overhead)
    own.add_argument("--rounds", type=int, default=1000)
    own.add_argument("--output", type=Path, required=True)
    own = command("train", learn)
    own.add_argument("--variant", choices=list(VARIANTS), default="augmentation")
    own.add_argument("--steps", type=int, default=6000)
    own.add_argument("--seed", type=int, default=0)
    own.add_argument("--output", type=Path, required=True)
    own = command("score", score)
    own.add_argument("recognizer")
    own.add_argument("--picture", type=Path, default=None)
    given = parser.parse_args()
    torch.set_num_threads(1)
    try:
        given.function(given)
    except InputError as error:
        parser.exit(1, f"{error}\n")
    except KeyboardInterrupt:
        parser.exit(130, "stopped; what is finished is kept\n")


if __name__ == "__main__":
    main()
