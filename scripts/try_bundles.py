"""Mutated bundles with a right hash: each is refused when it is loaded, or its controller keeps its limits.

    python scripts/try_bundles.py --count 100000 --processes 2

Manifest and tensors of bundles with every kind of action, coupled laws, contact, coordinates and all terms of
an observation are mutated; then hash and, mostly, golden vectors are made anew. A bundle is either refused
with ``BundleError``, or its controller runs 500 control periods under random wrenches, with a robot that lags
behind. It must not raise (warnings are errors), not exceed the speed and offset limits that the manifest
states, and not take longer than a control period in any step; nor may loading take longer than a second.
Times are processor times, or elapsed ones, which are longer; one that is too long counts if it is so in nine
runs. Exit code 1: there was a failure.
"""

import argparse
import json
import pickle
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache, partial
from math import nan
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from safetensors.numpy import load, save

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "controllers"))

from bundle_maker import golden, manifest, write

from assembly_rl.controllers import BundleController, BundleError, ComplianceLaw, load_bundle
from assembly_rl.controllers.bundles import State
from assembly_rl.controllers.bundles.file import KIND, _digest
from assembly_rl.controllers.insertion import ActionConfig, ActionKind, InsertionConfig, ObservationConfig
from assembly_rl.controllers.mlp import MLP
from assembly_rl.controllers.se3 import Pose, displace, offset_between, quat_exp
from assembly_rl.controllers.validation import InputError

STEPS = 500
LONGEST_LOAD = 1.0
"""Longest processor time of loading [s]."""
ROUNDING = 1e-9
NUMBERS: list[Any] = [
    0, 0.0, -0.0, 1, -1, 1.0, -1.0, 5e-324, -5e-324, 1e-300, 1e-30, 1e-9, 1e-6, 1e3, 1e6, 1e9, 1e30, 1e154,
    1e300, 1e308, -1e308, float("inf"), -float("inf"), nan, 2**31, 2**63, 10**30, 10**308, 10**400,
]  # fmt: skip
JUNK: list[Any] = [
    None, True, False, "", "x", "\x00", "wrench", "twist", "damping", "stiffness",
    "zero_order_hold", "é" * 50, "a" * 10_000, "9" * 400, [], [[]], {}, {"x": 1}, [0.0] * 6, [1e308] * 6,
    [[0.0] * 6] * 6, [[1e308] * 6] * 6, [True] * 6, [None] * 6, ["wrench"] * 9, ["wrench"] * 100_000,
    [0.0] * 100_000,
]  # fmt: skip

Values = dict[str, Any]
Tensors = dict[str, Any]


# ---------------------------------------------------------------------- bundles to begin with


def law(matrix: ComplianceLaw) -> Values:
    """Return a law as a manifest has it."""
    return {name: getattr(matrix, name).tolist() for name in ("mass", "damping", "stiffness")}


@cache
def bases() -> list[tuple[Values, Tensors]]:
    """Return manifest and tensors of all bundles to begin with."""
    plain = ComplianceLaw.from_diagonals(
        [4.0] * 3 + [0.06] * 3, [150.0, 150.0, 800.0, 1.0, 1.0, 1.0], [200.0, 200.0, 300.0, 3.0, 3.0, 3.0]
    )
    coupled = plain.transport(((0.01, -0.02, 0.05), quat_exp((0.1, 0.2, -0.1))), "tip")
    touch = {
        "stiffness": [3e3] * 3 + [20.0] * 3, "delay": 0.005, "lag": 0.002, "sensor_cutoff": 40.0,
        "lead": None,
    }  # fmt: skip
    everything = ObservationConfig(groups=["wrench", "pose", "last_action", "wrench_history"], history=3)
    turn = np.eye(6)
    turn[0, 4], turn[4, 4], turn[2, 2] = 0.01, 1.3, 0.8
    made = [
        made_of(InsertionConfig(action=ActionConfig(kind=kind)), law=law(plain), contact=touch)
        for kind in ActionKind
    ]
    for kind in (ActionKind.damping, ActionKind.stiffness):
        own = made_of(InsertionConfig(action=ActionConfig(kind=kind)), law=law(coupled), contact=touch)
        own["insertion"]["admittance"]["gains"]["timeout"] = 0.3
        made.append(own)
    exact = made_of(
        InsertionConfig(action=ActionConfig(kind=ActionKind.damping)), law=law(coupled), contact=None
    )
    exact["insertion"]["admittance"] |= {"discretization": "zero_order_hold", "cutoff": 60.0}
    made.append(exact)
    made.append(made_of(InsertionConfig(observation=everything, coordinates=turn.tolist()), law=law(coupled)))
    fast = made_of(
        InsertionConfig(
            control_rate=1000.0, policy_rate=100.0, action=ActionConfig(kind=ActionKind.stiffness)
        ),
        law=law(plain),
        contact=touch | {"delay": 0.001, "lead": 0.003},
        response=None,
    )
    fast["insertion"]["admittance"] |= {
        "deadband": [0.5] * 3 + [0.01] * 3, "selected_axes": [True, True, True, True, True, False],
    }  # fmt: skip
    fast["tool"] = {"centre": [0.01, 0.0, -0.1], "mass": 1.2, "centre_of_mass": [0.0, 0.01, -0.05]}
    made.append(fast)
    with TemporaryDirectory() as folder:
        return [
            (values, dict(load(write(Path(folder) / str(number), **values).read_bytes())))
            for number, values in enumerate(made)
        ]


def made_of(config: InsertionConfig, **changes: Any) -> Values:
    """Return a manifest with a configuration and changes."""
    return json.loads(json.dumps(manifest(config) | changes)) | {"activations": ["relu", "tanh"]}


# ---------------------------------------------------------------------- mutations


def places(values: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the paths of everything in a manifest; of a long list the first entries only."""
    if path:
        yield path
    items = (
        values.items()
        if isinstance(values, dict)
        else enumerate(values[:100])
        if isinstance(values, list)
        else ()
    )
    for key, value in items:
        yield from places(value, (*path, key))


def is_number(value: Any) -> bool:
    """Return True for a number that is not a truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def scaled(rng: np.random.Generator, values: Any) -> Any:
    """Multiply all numbers in a value by one factor, near one or anywhere."""
    spread = rng.choice([0.1, 0.3, 1.0, 3.0, 30.0, 300.0])
    factor = float(10.0 ** rng.uniform(-spread, spread)) * float(rng.choice([1.0, 1.0, 1.0, -1.0]))

    def multiplied(value: Any, depth: int = 0) -> Any:
        if isinstance(value, list) and depth < 4:
            return [multiplied(entry, depth + 1) for entry in value]
        return value * factor if is_number(value) and abs(value) < 1e300 else value

    return multiplied(values)


def mutate_manifest(rng: np.random.Generator, values: Values) -> None:
    """Change one thing in a manifest."""
    known = [path for path in places(values) if path[0] not in ("conventions", "observations")]
    if rng.random() < 0.7:  # what a controller computes with
        known = [
            path for path in known if path[0] in ("insertion", "law", "contact", "tool", "gravity", "part")
        ]
    if not known:
        return
    *path, key = known[int(rng.integers(len(known)))]
    if path[:1] == ["law"] and len(path) > 1 and rng.random() < 0.7:  # one entry makes it asymmetric
        path, key = path[:1], path[1]
    owner = values
    for step in path:
        owner = owner[step]
    value = owner[key]
    kind = rng.random()
    if kind < 0.55 and (is_number(value) or isinstance(value, list)):
        owner[key] = scaled(rng, value)
    elif kind < 0.75 and is_number(value):
        owner[key] = NUMBERS[int(rng.integers(len(NUMBERS)))]
    elif kind < 0.8 and isinstance(value, bool):
        owner[key] = not value
    elif kind < 0.85:
        owner[key] = deepcopy(JUNK[int(rng.integers(len(JUNK)))])
    elif kind < 0.9 and isinstance(value, list):
        owner[key] = value * int(rng.integers(0, 5))
    elif kind < 0.92:
        nested: Any = value
        for _ in range(int(rng.choice([1, 3, 40, 150]))):
            nested = [nested]
        owner[key] = nested
    elif kind < 0.94 and isinstance(owner, dict):
        owner[f"{key}_" if isinstance(key, str) else "more"] = value
    elif kind < 0.96:
        del owner[key]
    else:
        choices = {
            "kind": [action.name for action in ActionKind],
            "discretization": ["implicit_euler", "zero_order_hold"],
        }  # fmt: skip
        named = [path for path in places(values) if path[-1] in choices]
        if named:
            *path, key = named[int(rng.integers(len(named)))]
            owner = values
            for step in path:
                owner = owner[step]
            owner[key] = str(rng.choice(choices[key]))


def mutate_tensors(rng: np.random.Generator, values: Values, tensors: Tensors) -> None:
    """Change one tensor."""
    name = sorted(tensors)[int(rng.integers(len(tensors)))]
    tensor = tensors[name].copy()
    kind = rng.random()
    with np.errstate(all="ignore"):
        if kind < 0.35:
            tensors[name] = np.asarray(tensor * 10.0 ** rng.uniform(-5.0, 5.0), dtype=tensor.dtype)
        elif kind < 0.45:
            tensors[name] = np.asarray(tensor * 10.0 ** rng.uniform(-40.0, 40.0), dtype=tensor.dtype)
        elif kind < 0.55 and tensor.size and tensor.dtype.kind == "f":
            tensor.flat[int(rng.integers(tensor.size))] = rng.choice([nan, np.inf, -np.inf, 1e30, -1e30, 0.0])
            tensors[name] = tensor
        elif kind < 0.6:
            tensors[name] = tensor.reshape(-1)
        elif kind < 0.65:
            tensors[name] = tensor.astype(rng.choice(["float16", "float64", "float32", "int64", "bool"]))
        elif kind < 0.7:
            tensors[name] = np.repeat(tensor, int(rng.choice([0, 2, 50, 2000])), axis=0)
        elif kind < 0.75:
            del tensors[name]
        elif kind < 0.8:
            tensors["more"] = tensor
        elif "policy.0.weight" in tensors and tensors["policy.0.weight"].ndim == 2:  # another width
            width = int(rng.choice([0, 1, 64, 256, 4096, 5000]))
            inputs = tensors["policy.0.weight"].shape[1]
            scale = float(10.0 ** rng.uniform(-2.0, 2.0))
            tensors["policy.0.weight"] = (scale * rng.standard_normal((width, inputs))).astype(np.float32)
            tensors["policy.0.bias"] = np.zeros(width, np.float32)
            tensors["policy.1.weight"] = (scale * rng.standard_normal((6, width))).astype(np.float32)


def network_of(values: Values, tensors: Tensors) -> MLP:
    """Return the network of tensors."""
    return MLP(
        [
            (tensors[f"policy.{number}.weight"], tensors[f"policy.{number}.bias"], activation)
            for number, activation in enumerate(values["activations"])
        ]
    )


def mutant(rng: np.random.Generator) -> bytes:
    """Return the content of a mutated bundle with a right hash."""
    choices = bases()
    values, tensors = choices[int(rng.integers(len(choices)))]
    values, tensors = pickle.loads(pickle.dumps(values)), dict(tensors)  # faster than deepcopy
    for _ in range(int(rng.choice([1, 1, 1, 2, 3, 5]))):
        if rng.random() < 0.85:
            mutate_manifest(rng, values)
        else:
            mutate_tensors(rng, values, tensors)
    if rng.random() < 0.85:
        try:
            network = network_of(values, tensors)
            remade = golden(values, network, int(rng.choice([1, 10, 40])))
            tensors |= dict(remade.tensors())
        except (InputError, LookupError, TypeError, AttributeError, ValueError, ArithmeticError):
            pass  # no controller: the old ones stay
    text = json.dumps(values)
    tensors = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    return bytes(save(tensors, {"kind": KIND, "manifest": text, "sha256": _digest(text, tensors)}))


# ---------------------------------------------------------------------- run


@dataclass
class Course:
    """Commands of a controller, and the time of each step.

    Attributes:
        commands: (n, 7) commands [m, xyzw], with that of each reset before those of its steps.
        begins: n truth values, True for the command of a reset.
        times: Times of the steps [s].
    """

    commands: list[tuple[float, ...]] = field(default_factory=list)
    begins: list[bool] = field(default_factory=list)
    times: list[float] = field(default_factory=list)


def drive(
    controller: BundleController,
    values: Values,
    rng: np.random.Generator,
    hole: Pose,
    now: Callable[[], float],
) -> Course:
    """Run a controller with random wrenches and a robot that lags, and reset it whenever it has ended."""
    course = Course()
    limits = values["insertion"]["limits"]
    size = float(rng.choice([0.1, 0.5, 2.0])) * np.array([limits["force"]] * 3 + [limits["moment"]] * 3) / 3.0
    size = np.minimum(size, 1e300)
    wander = np.repeat(rng.standard_normal((STEPS // 20 + 1, 6)), 20, axis=0)[:STEPS]
    wrenches: list[Any] = (size * (0.8 * wander + 0.2 * rng.standard_normal((STEPS, 6)))).tolist()
    for number in np.flatnonzero(rng.random(STEPS) < 0.02).tolist():
        spoiled = [None, [nan] * 6, [1e308] * 6, [0.0] * 5, [-1e308, 1e308, 0.0, 0.0, 0.0, 1e308]]
        wrenches[number] = spoiled[int(rng.integers(len(spoiled)))]
    share = float(rng.choice([1.0, 0.5, 0.1, 0.03]))
    false = set(np.flatnonzero(rng.random(STEPS) < 0.005).tolist())
    pose: Pose | None = None
    for number, wrench in enumerate(wrenches):
        if pose is None or controller.state is not State.running:
            start = controller.reset(hole)
            pose, since = start[:2], number
            course.commands.append((*start.position, *start.orientation))
            course.begins.append(True)
        seen = displace(pose, [0.0, 0.0, -0.05, 0.0, 0.0, 0.0]) if number in false else pose
        begin = now()
        command = controller.step(wrench, seen, (number - since) / controller.rate)
        course.times.append(now() - begin)
        course.commands.append((*command.position, *command.orientation))
        course.begins.append(False)
        pose = displace(pose, [share * value for value in offset_between(pose, command[:2])])
    return course


def exceeded(course: Course, values: Values, hole: Pose) -> str:
    """Compare commands with the limits that a manifest states; return what is exceeded, or an empty string.

    The tip is computed from the commands, in the axes of the hole, with other code than the controller's.
    """
    from scipy.spatial.transform import Rotation

    commands = np.array(course.commands)
    if not np.isfinite(commands).all():
        return "a command is not finite"
    if np.abs(np.linalg.norm(commands[:, 3:], axis=1) - 1.0).max() > 1e-9:
        return "a quaternion is not unit"
    own = values["insertion"]
    path, admittance, centre = own["path"], own["admittance"], np.array(values["tool"]["centre"], float)
    period = 1.0 / own["control_rate"]
    frame = Rotation.from_quat(hole[1]).inv()
    turn = Rotation.from_quat(commands[:, 3:])
    tip = frame.apply(commands[:, :3] + turn.apply(centre) - hole[0])
    relative = frame * turn
    limit = np.array(admittance["offset_limit"], float)
    speed = np.array(admittance["speed_limit"], float)
    begins = np.array(course.begins)
    since = np.arange(len(begins)) - np.maximum.accumulate(np.where(begins, np.arange(len(begins)), 0))
    if (np.abs(tip[:, :2]) > limit[:2] + ROUNDING).any():
        return "the lateral offset exceeds its limit"
    if (np.abs(relative.as_rotvec()) > limit[3:] + ROUNDING).any():
        return "the rotation exceeds its limit"
    below = path["start_height"] - path["speed"] * period * since - limit[2]
    if (tip[:, 2] > path["start_height"] + limit[2] + ROUNDING).any() or (tip[:, 2] < below - ROUNDING).any():
        return "the height exceeds its limit"
    steps = np.flatnonzero(~begins)
    moved = np.abs(tip[steps] - tip[steps - 1])
    if (moved > period * (speed[:3] + [0.0, 0.0, path["speed"]]) + ROUNDING).any():
        return f"a command moves by {moved.max(axis=0).tolist()} m in a period"
    turned = (relative[steps] * relative[steps - 1].inv()).magnitude()
    if (turned > period * np.linalg.norm(speed[3:]) + 1e-7).any():
        return f"a command turns by {turned.max()} rad in a period"
    return ""


@dataclass
class Outcome:
    """Outcome of a bundle.

    Attributes:
        number: Number of the bundle.
        refused: Message with which it was refused; empty if it was not.
        failure: Description of a failure; empty if there was none.
        load: Processor time of loading [s].
        step: Longest processor time of a step, as a share of the control period.
    """

    number: int
    refused: str = ""
    failure: str = ""
    load: float = 0.0
    step: float = 0.0


def timed(function: Callable[[], BundleController]) -> tuple[BundleController | None, str, float]:
    """Load a bundle; return its controller or the message of the refusal, and the processor time [s]."""
    begin = time.thread_time()
    try:
        return function(), "", time.thread_time() - begin
    except BundleError as error:
        return None, str(error), time.thread_time() - begin


def attempt(seed: int, folder: str, number: int) -> Outcome:
    """Make a bundle, load it and run it."""
    outcome = Outcome(number)
    path = Path(folder, f"{number}.bundle")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = mutant(np.random.default_rng([seed, number]))
            path.write_bytes(content)
            controller, outcome.refused, outcome.load = timed(partial(load_bundle, path))
            for _ in range(4):
                if outcome.load > LONGEST_LOAD:
                    outcome.load = min(outcome.load, timed(partial(load_bundle, path))[2])
        if outcome.load > LONGEST_LOAD:
            outcome.failure = f"loading takes {outcome.load:.2f} s"
        if controller is not None:
            run(controller, content, outcome, [seed, number, 1])
        elif len(outcome.refused) > 2000:
            outcome.failure = "the message is longer than 2000 characters"
    except Exception:
        outcome.failure = traceback.format_exc(limit=-4)
    finally:
        path.unlink(missing_ok=True)
    return outcome


def run(controller: BundleController, content: bytes, outcome: Outcome, seed: list[int]) -> None:
    """Run the controller of a bundle, and note what is wrong."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    values = json.loads(header["__metadata__"]["manifest"])
    period = 1.0 / values["insertion"]["control_rate"]
    times = np.full(STEPS, np.inf)
    # Reading the processor time costs more than a step, so the elapsed time, which is longer, comes first.
    for now in (*[time.perf_counter] * 3, *[time.thread_time] * 6):
        rng = np.random.default_rng(seed)
        x, y, z, rx, ry, rz = rng.uniform(-1.0, 1.0, 6).tolist()
        hole = ((x, y, z), quat_exp((rx, ry, rz)))
        with warnings.catch_warnings(), np.errstate(all="raise"):
            warnings.simplefilter("error")
            course = drive(controller, values, rng, hole, now)
        times = np.minimum(times, course.times)
        if times.max() <= period:
            break
    outcome.step = float(times.max() / period)
    outcome.failure = outcome.failure or exceeded(course, values, hole)
    if outcome.step > 1.0:
        outcome.failure = (
            outcome.failure or f"a step takes {outcome.step:.2f} control periods of {period:.2g} s"
        )


def main() -> int:
    """Try all bundles; print a summary and every failure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=2000, help="number of bundles")
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    parser.add_argument("--seed", type=int, default=0, help="seed of the mutations")
    parser.add_argument("--processes", type=int, default=1, help="number of processes")
    arguments = parser.parse_args()
    numbers = range(arguments.first, arguments.first + arguments.count)
    bases()  # once, for all processes
    begin = time.perf_counter()
    outcomes = []
    with TemporaryDirectory() as folder, get_context("fork").Pool(arguments.processes) as pool:
        results = pool.imap_unordered(partial(attempt, arguments.seed, folder), numbers, chunksize=8)
        for outcome in track(results, "bundles", len(numbers), console=Console(stderr=True)):
            outcomes.append(outcome)
            if outcome.failure:
                print(f"bundle {outcome.number}: {outcome.failure}", flush=True)
    elapsed = time.perf_counter() - begin
    ran = [outcome for outcome in outcomes if not outcome.refused]
    failed = [outcome for outcome in outcomes if outcome.failure]
    print(
        f"{len(outcomes)} bundles in {elapsed:.0f} s, {len(outcomes) / elapsed:.1f} a second: "
        f"{len(outcomes) - len(ran)} refused, {len(ran)} ran {STEPS} control periods each; "
        f"{len(failed)} failures"
    )
    print(f"longest load {max(outcome.load for outcome in outcomes):.3f} s of processor time")
    if ran:
        slowest = max(ran, key=lambda outcome: outcome.step)
        print(f"longest step {slowest.step:.2f} of a control period (bundle {slowest.number})")
    words = Counter(
        " ".join(outcome.refused.split(": ", 1)[-1].split()[:3]) for outcome in outcomes if outcome.refused
    )
    print("most frequent refusals:", "; ".join(f"{text} ({count})" for text, count in words.most_common(8)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
