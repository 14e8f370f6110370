"""Try designed laws on plants simulated by an integrator which knows nothing of the package's models.

Robots and ranges of stiffness are drawn; ``design`` gets the ranges and answers with a law or a refusal. Each
law then meets plants drawn from its ranges: servo of second order (matrix exponential of scipy at an eighth
of the control period), delays of command and reading, low-pass filter and steps of the sensor, a contact that
can only push, with friction that sticks and slips, at the centre, at a lever, where a force moves and turns
the tool, or against turning alone. The laws, and those of the defaults of ros2_controllers and of FZI's
cartesian_compliance_controller, are integrated here, too.

On a part of the problems a search by brute force over mass, damping, stiffness and the ratio of rotation to
translation looks for faster laws with the same sensitivity, which is measured as the response of the
simulated loop to a pulse on the reading, and for laws where ``design`` refused.

Rows: docs/results/design.csv.gz, design_search.csv. Usage: python scripts/try_design.py [problems] [searched]
"""

import csv
import gzip
import io
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from assembly_rl.controllers.design import Design, DesignLimits, Infeasible, RobotLoop, design

Array = NDArray[np.float64]
RESULTS = Path(__file__).parents[1] / "docs" / "results"
FINE = 8
"""Fine steps in a control period."""
REFERENCE = 10.0
"""Reference force [N]."""
QUANTUM = 0.05
"""Steps of the sensor [N]."""
SLIP = 0.5
"""Friction at which the contact slips [N]."""
STUCK = 0.2
"""Stiffness that friction adds while it sticks, as a share of the contact's; less at the end of a range."""
BAND = 0.05 * REFERENCE
"""Band of a settled force [N]."""
LEVER = 0.1
"""Lever of the contact [m]."""
LIMIT = 4.0
"""Limit on settling in the requests [s]."""
SENSITIVITY = 2.0
APPROACH = 10
"""Control periods between the start and the contact."""


@dataclass(frozen=True)
class Problem:
    """Robot, range of stiffness, and what ``design`` answered."""

    number: int
    robot: RobotLoop
    low: float
    high: float
    answer: Design | None
    refusal: str


@dataclass
class Columns:
    """Plants and laws, one of each in a column; every field is an array (columns,), laws are (2, columns)."""

    stiffness: Array
    sticking: Array  # stiffness that friction adds until it slips
    arm: Array  # of the contact force about the compliance centre
    straight: Array  # 1 where the force also moves the tool straight, 0 where it only turns it
    lag: Array
    damping_ratio: Array
    delay: NDArray[np.int64]  # in fine steps
    sensor_delay: NDArray[np.int64]
    sensor_cutoff: Array  # Hz; infinity for none
    keep: Array  # of the controller's filter
    kind: NDArray[np.int64]  # 0 the law of this package, 1 that of ros2_controllers, 2 that of FZI
    mass: Array
    damping: Array
    spring: Array

    def take(self, which: NDArray[np.intp]) -> "Columns":
        """Columns of these numbers."""
        return Columns(**{name: value[..., which] for name, value in vars(self).items()})


def joined(parts: Sequence[Columns]) -> Columns:
    """Put columns side by side."""
    return Columns(
        **{name: np.concatenate([vars(p)[name] for p in parts], axis=-1) for name in vars(parts[0])}
    )


# ---------------------------------------------------------------------- the simulation

FZI_PERIOD, FZI_SCALE, FZI_LEFT = 0.02, 0.5, 0.9
FZI_P = np.array([[0.05], [1.5]])
FZI_D = np.array([[0.005], [0.0]])
ROS_JOINT_DAMPING = 5.0


def simulate(columns: Columns, rate: float, duration: float, pulse: bool = False) -> Array:
    """Force at every control period, shape (periods, columns).

    With ``pulse`` everything is linear and at rest, a reading of 1 N is added once, and the result is the sum
    of reading and pulse, whose transform is the sensitivity.
    """
    c, dt = columns, 1.0 / rate
    h, count = dt / FINE, len(columns.arm)
    frequency = 2.0 * c.damping_ratio / c.lag
    flow = np.zeros((count, 3, 3))
    flow[:, 0, 1], flow[:, 1, 0], flow[:, 1, 2] = 1.0, -(frequency**2), frequency**2
    flow[:, 1, 1] = -2.0 * c.damping_ratio * frequency
    step = expm(flow * h)
    p00, p01, p02, p10, p11, p12 = (step[:, i, j] for i in range(2) for j in range(3))
    cut = np.minimum(2.0 * np.pi * c.sensor_cutoff, 1e9)
    left = np.exp(-cut * h)
    numbers = np.arange(count)
    is_fzi, is_ros = c.kind == 2, c.kind == 1
    drag = c.damping + np.where(is_ros, ROS_JOINT_DAMPING, 0.0) * c.mass
    inertia = np.where(is_ros, c.mass, c.mass + dt * c.damping + dt**2 * c.spring)
    pull = np.stack((REFERENCE * c.straight, REFERENCE * c.arm * (1.0 - c.straight))) * (not pulse)
    # The steady motion that the reference gives in free space.
    free = np.where(is_fzi, 0.0, pull / np.where(is_fzi, 1.0, drag))
    own = np.where(is_fzi, FZI_LEFT / (1.0 - FZI_LEFT) * FZI_SCALE * FZI_P * pull * FZI_PERIOD, free)
    speed = np.where(is_fzi, own * FZI_PERIOD / dt, free)
    velocity, error = own.copy(), pull.copy()
    slots = int(max(c.delay.max(), c.sensor_delay.max())) + 2
    ahead = c.lag + c.delay * h
    start = -speed * APPROACH * dt
    past = -np.arange(slots)  # what was commanded in the past fine steps
    held = np.floor(past / FINE + 1e-12) * dt
    commands = np.zeros((slots, 2, count))
    commands[past % slots] = start + speed * (ahead + held[:, None, None])
    offset = start + speed * ahead
    rest = offset.copy()
    position, moving = start.copy(), speed.copy()
    depth = c.straight * position[0] + c.arm * position[1]
    force, felt, grip = np.zeros(count), np.zeros(count), np.zeros(count)
    heard = np.zeros((slots, count))
    filtered = np.zeros(count)
    periods = int(np.ceil(duration * rate))
    result = np.zeros((periods, count))
    lag_slots, ear_slots = c.delay, c.sensor_delay
    now = 0
    for period in range(periods):
        reading = heard[(now - ear_slots) % slots, numbers]
        if pulse:
            reading = reading + (period == 0)
            result[period] = reading
        else:
            reading = QUANTUM * np.round(reading / QUANTUM)
        filtered = c.keep * filtered + (1.0 - c.keep) * reading
        wrench = np.stack((c.straight * filtered, c.arm * filtered))
        net = pull - wrench - c.spring * (offset - rest)
        mine = (c.mass * velocity + dt * net) / inertia
        if is_ros.any():
            theirs = velocity + dt * (net / c.mass - drag / c.mass * velocity)
            mine = np.where(is_ros, theirs, mine)
        moved = dt * mine
        if is_fzi.any():
            push = FZI_SCALE * (FZI_P * net + FZI_D * (net - error) / FZI_PERIOD)
            moved = np.where(is_fzi, FZI_PERIOD * velocity, moved)
            mine = np.where(is_fzi, FZI_LEFT * (velocity + push / c.mass * FZI_PERIOD), mine)
            error = net
        velocity, offset = mine, offset + moved
        for _ in range(FINE):
            now += 1
            commands[(now - 1) % slots] = offset
            wanted = commands[(now - 1 - lag_slots) % slots, :, numbers].T
            position, moving = (
                p00 * position + p01 * moving + p02 * wanted,
                p10 * position + p11 * moving + p12 * wanted,
            )
            before, depth = depth, c.straight * position[0] + c.arm * position[1]
            if pulse:
                after = (c.stiffness + c.sticking) * depth
            else:
                grip = np.clip(grip + c.sticking * (depth - before), -SLIP, SLIP)
                grip *= depth > 0.0
                after = c.stiffness * np.maximum(depth, 0.0) + grip
            slope = (after - force) / h
            felt = left * felt + (1.0 - left) * (force - slope / cut) + slope * h
            force = after
            heard[now % slots] = felt
        if not pulse:
            result[period] = force
    return result


def sensitivity(columns: Columns, rate: float, duration: float) -> Array:
    """Sensitivity Ms of each column; infinity if the loop does not come to rest."""
    with np.errstate(all="ignore"):
        response = simulate(columns, rate, duration, pulse=True)
        tail = np.abs(response[-len(response) // 5 :]).max(axis=0)
        largest = np.abs(np.fft.rfft(response, 4 * len(response), axis=0)).max(axis=0)
    return np.where(tail < 0.02, largest, np.inf)


@dataclass(frozen=True)
class Outcome:
    """Result of the forces of columns."""

    unstable: NDArray[np.bool_]
    settling: Array
    peak: Array


def judge(force: Array, rate: float) -> Outcome:
    """Judge forces: unstable if they swing beyond the band to the end, else the time until they stay in it.

    The time counts from the contact. A force that still creeps at the end has not settled.
    """
    with np.errstate(all="ignore"):
        force = np.nan_to_num(np.clip(force, -1e12, 1e12), nan=1e12)
        last = force[-3 * len(force) // 10 :]
        end = force[-len(force) // 10 :].mean(axis=0)
        away = last - last.mean(axis=0)
        turns = (np.diff(np.sign(away), axis=0) != 0).sum(axis=0)
        swings = (np.ptp(last, axis=0) > 2.0 * BAND) & (turns >= 3)
        blown = np.abs(force).max(axis=0) > 1e9
        outside = np.abs(force - end) > BAND
        late = len(force) - np.argmax(outside[::-1], axis=0)
        settling = np.where(outside.any(axis=0), late, 0) / rate - APPROACH / rate
        creeps = np.ptp(last, axis=0) > 2.0 * BAND
    settling = np.where(swings | blown | creeps, np.inf, np.maximum(settling, 0.0))
    return Outcome(swings | blown, settling, force.max(axis=0))


# ---------------------------------------------------------------------- problems and plants


def draw(number: int, rng: np.random.Generator) -> Problem:
    """Draw a robot and a range of stiffness, and ask ``design``."""
    rate = float(rng.choice([125.0, 250.0, 500.0, 1000.0]))
    eighth = 1.0 / rate / FINE
    lag = float(np.exp(rng.uniform(np.log(0.004), np.log(0.25))))
    delay = round(float(rng.uniform(0.0, min(0.02, 20.0 / rate))) / eighth) * eighth
    robot = RobotLoop(
        rate=rate,
        lag=[lag * float(rng.choice([1.0, 0.8, 0.5])), lag],
        delay=[round(delay * float(rng.choice([1.0, 0.5])) / eighth) * eighth, delay],
        damping_ratio=float(rng.uniform(0.5, 1.2)),
        sensor_delay=round(float(rng.uniform(0.0, 0.004)) / eighth) * eighth,
        sensor_cutoff=None if rng.uniform() < 0.3 else float(rng.choice([40.0, 100.0, 500.0])),
        cutoff=None if rng.uniform() < 0.5 else float(rng.uniform(0.05, 0.3) * rate),
        mount=None if rng.uniform() < 0.7 else float(np.exp(rng.uniform(np.log(1e4), np.log(1e6)))),
    )
    low = float(np.exp(rng.uniform(np.log(1e3), np.log(3e5))))
    high = min(1e6, low * float(np.exp(rng.uniform(0.0, np.log(100.0)))))
    limits = DesignLimits(settling=LIMIT, sensitivity=SENSITIVITY)
    try:
        return Problem(number, robot, low, high, design(robot, (low, high), lever=LEVER, limits=limits), "")
    except Infeasible as error:
        return Problem(number, robot, low, high, None, str(error))


def plants(problem: Problem, count: int, rng: np.random.Generator) -> Columns:
    """Plants of a problem: ends of the ranges first, then drawn ones; laws are filled in later."""
    robot = problem.robot
    fine = robot.rate * FINE
    ends = [
        (problem.high, LEVER, 1, 1, 1), (problem.low, 0.0, 1, 0, 0), (problem.low, 0.0, 1, 1, 1),
        (problem.high, LEVER, 1, 0, 1), (problem.high, 0.0, 1, 1, 1), (problem.low, LEVER, 0, 0, 0),
        (problem.low, LEVER, 0, 1, 1), (problem.high, LEVER, 0, 1, 1),
    ]  # fmt: skip
    rows = [(k, arm, straight, robot.lag[a], robot.delay[b]) for k, arm, straight, a, b in ends]
    while len(rows) < count:
        k = float(np.exp(rng.uniform(np.log(problem.low), np.log(problem.high))))
        delay = round(rng.uniform(robot.delay[0], robot.delay[1]) * fine) / fine
        turning = rng.uniform() < 0.25
        arm = LEVER if turning else float(rng.uniform(0.0, LEVER))
        rows.append((k, arm, 0 if turning else 1, float(rng.uniform(robot.lag[0], robot.lag[1])), delay))
    stiffness, arm, straight, lag, delays = np.array(rows[:count]).T
    stiffness = np.maximum(problem.low, stiffness / (1.0 + STUCK))
    most = np.minimum(problem.high, stiffness * (1.0 + STUCK))
    if robot.mount is not None:
        stiffness, most = (value * robot.mount / (value + robot.mount) for value in (stiffness, most))
    cut = robot.cutoff
    same = np.ones(len(arm))
    return Columns(
        stiffness, most - stiffness, arm, straight, lag, same * (robot.damping_ratio or 1.0),
        np.rint(delays * fine).astype(np.int64),
        np.rint(same * robot.sensor_delay * fine).astype(np.int64), same * (robot.sensor_cutoff or np.inf),
        same * (0.0 if cut is None else np.exp(-2.0 * np.pi * cut / robot.rate)),
        np.zeros(len(arm), dtype=np.int64),
        np.ones((2, len(arm))), np.ones((2, len(arm))), np.zeros((2, len(arm))),
    )  # fmt: skip


def with_laws(columns: Columns, mass: Array, damping: Array, spring: Array) -> Columns:
    """Every plant with every law; laws are (2, laws), and the laws of a plant stand side by side."""
    laws, count = mass.shape[1], len(columns.arm)
    wide = columns.take(np.repeat(np.arange(count), laws))
    return replace(
        wide, mass=np.tile(mass, count), damping=np.tile(damping, count), spring=np.tile(spring, count)
    )


def of_design(columns: Columns, answer: Design) -> Columns:
    """The plants with the law of a design."""
    diagonal = [
        np.diag(getattr(answer.law, name))[[0, 4]][:, None] for name in ("mass", "damping", "stiffness")
    ]
    return with_laws(columns, *diagonal)


def of_ros(columns: Columns) -> Columns:
    """The plants with the values in the tests of ros2_controllers, its default filter and joint damping."""
    mass, spring = np.array([[5.5], [9.9]]), np.array([[214.1], [214.5]])
    wide = with_laws(columns, mass, 2.0 * 2.828427 * np.sqrt(mass * spring), spring)
    return replace(wide, kind=np.full_like(wide.kind, 1), keep=np.full_like(wide.keep, 0.95))


def of_fzi(columns: Columns) -> Columns:
    """The plants with the example of FZI's compliance controller; the tool has 1 kg and 1 kg m2 there."""
    wide = with_laws(columns, np.ones((2, 1)), np.zeros((2, 1)), np.array([[500.0], [20.0]]))
    return replace(wide, kind=np.full_like(wide.kind, 2), keep=np.zeros_like(wide.keep))


def slowness(robot: RobotLoop) -> float:
    """Sum of lags and delays [s]."""
    cuts = [cut for cut in (robot.sensor_cutoff, robot.cutoff) if cut is not None]
    late = robot.lag[1] + robot.delay[1] + robot.sensor_delay + 1.0 / robot.rate
    return late + sum(0.16 / cut for cut in cuts)


# ---------------------------------------------------------------------- brute force


def brute_force(problem: Problem, longest: float, rng: np.random.Generator) -> tuple[float, int]:
    """Shortest settling time within ``longest`` of a law with the sensitivity on all plants of a problem.

    It is infinite if there is none; the second value is the number of laws that have the sensitivity.
    """
    robot, slow = problem.robot, slowness(problem.robot)
    shapes = 48
    tau = np.exp(rng.uniform(np.log(0.01), np.log(5.0), shapes)) * slow
    radius = LEVER * np.exp(rng.uniform(-0.7, 0.7, shapes))
    radius[: shapes // 3] = LEVER
    softest, stiffest = problem.low, problem.high
    if robot.mount is not None:
        softest, stiffest = (k * robot.mount / (k + robot.mount) for k in (softest, stiffest))
    spring = softest * 0.0204 * rng.choice([0.0, 0.5, 1.0], shapes)
    grid = stiffest * slow * np.geomspace(0.25, 12.0, 30)
    damping = np.repeat(grid[None, :], shapes, axis=0).ravel()
    tau, radius, spring = (np.repeat(value, len(grid)) for value in (tau, radius, spring))
    mass = np.maximum(tau * damping, robot.least_mass)
    scale = np.stack((np.ones_like(radius), radius**2))
    laws = np.stack((mass * scale, damping * scale, spring * scale))
    all_plants = plants(problem, 8, rng)
    # Too much damping for the softest contact cannot settle in time, whatever else.
    possible = np.flatnonzero(
        damping * np.log(20.0) / (all_plants.stiffness.min() + spring) < 3.0 * longest + 9.0 * slow
    )
    laws = laws[:, :, possible]
    if not len(possible):
        return np.inf, 0
    stiff = all_plants.take(np.array([0, 3, 4]))
    found = sensitivity(with_laws(stiff, *laws), robot.rate, 25.0 * slow + 10.0 / robot.rate)
    good = np.flatnonzero(found.reshape(3, -1).max(axis=0) <= 1.01 * SENSITIVITY)
    if not len(good):
        return np.inf, 0
    laws = laws[:, :, good]
    force = simulate(
        with_laws(all_plants, *laws), robot.rate, 1.6 * longest + 8.0 * slow + APPROACH / robot.rate
    )
    outcome = judge(force, robot.rate)
    settling = outcome.settling.reshape(8, -1).max(axis=0)
    best = float(settling.min())
    return (best if best <= longest else np.inf), len(good)


# ---------------------------------------------------------------------- the battery


def battery(problems: Sequence[Problem], count: int, rng: np.random.Generator) -> list[dict[str, object]]:
    """Simulate all plants with all laws; problems of a rate and of about the same duration go together."""
    groups: dict[tuple[float, float], list[tuple[Problem, Columns]]] = {}
    for problem in problems:
        longest = LIMIT if problem.answer is None else problem.answer.settling
        duration = 2.0 ** np.ceil(np.log2(max(3.0 * longest, 0.5)))
        groups.setdefault((problem.robot.rate, duration), []).append((problem, plants(problem, count, rng)))
    rows: list[dict[str, object]] = []
    for (rate, duration), members in sorted(groups.items()):
        wide, names = [], []
        for problem, own in members:
            laws = {"ros2": of_ros(own), "fzi": of_fzi(own)}
            if problem.answer is not None:
                laws["design"] = of_design(own, problem.answer)
            for name, columns in laws.items():
                wide.append(columns)
                names += [(problem, name, plant) for plant in range(count)]
        columns = joined(wide)
        with np.errstate(all="ignore"):
            outcome = judge(simulate(columns, rate, duration), rate)
        for place, (problem, name, _) in enumerate(names):
            answer = problem.answer
            rows.append({
                "problem": problem.number, "law": name, "accepted": answer is not None, "rate": rate,
                "lag": columns.lag[place], "delay": columns.delay[place] / rate / FINE,
                "damping_ratio": columns.damping_ratio[place],
                "sensor_delay": columns.sensor_delay[place] / rate / FINE,
                "sensor_cutoff": columns.sensor_cutoff[place], "cutoff": problem.robot.cutoff or np.inf,
                "stiffness": columns.stiffness[place], "sticking": columns.sticking[place],
                "arm": columns.arm[place],
                "straight": int(columns.straight[place]),
                "mass": columns.mass[0, place], "damping": columns.damping[0, place],
                "spring": columns.spring[0, place], "duration": duration,
                "unstable": bool(outcome.unstable[place]), "settling": outcome.settling[place],
                "peak": outcome.peak[place],
                "predicted_settling": answer.settling if answer and name == "design" else np.nan,
                "predicted_peak": REFERENCE * answer.peak if answer and name == "design" else np.nan,
            })  # fmt: skip
        print(f"{rate:g} Hz, {duration:g} s: {len(names)} columns", flush=True)
    return rows


def text_of(rows: Sequence[dict[str, object]]) -> bytes:
    """Rows as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: f"{v:.5g}" if isinstance(v, float) else v for k, v in row.items()})
    return text.getvalue().encode()


def nearness(problem: Problem) -> float:
    """Settling time that a refusal tells [s]; infinity if it tells none."""
    told = re.findall(r"([0-9.e+]+) s(?: at best)?$", problem.refusal)
    return float(told[-1]) if told else np.inf


def share(part: int, whole: int) -> str:
    """Count and percentage."""
    return f"{part} of {whole} ({100.0 * part / max(whole, 1):.1f} %)"


def main() -> None:
    """Run the battery."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    searched = int(sys.argv[2]) if len(sys.argv) > 2 else 25
    began = time.process_time()
    rng = np.random.default_rng(27)
    problems = [draw(number, rng) for number in range(wanted)]
    accepted = [problem for problem in problems if problem.answer is not None]
    refused = [problem for problem in problems if problem.answer is None]
    print(
        f"{len(accepted)} laws and {len(refused)} refusals in {time.process_time() - began:.0f} s", flush=True
    )
    rows = battery(problems, 10, rng)
    (RESULTS / "design.csv.gz").write_bytes(gzip.compress(text_of(rows), 9, mtime=0))
    print("\n| law | plants | unstable | settled | median settling [s] | force / reference, median, 99 % |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name in ("design", "ros2", "fzi"):
        own = [row for row in rows if row["law"] == name and row["accepted"]]
        settling = np.array([row["settling"] for row in own], dtype=float)
        peak = np.array([row["peak"] for row in own], dtype=float) / REFERENCE
        unstable = sum(bool(row["unstable"]) for row in own)
        print(
            f"| {name} | {len(own)} | {share(unstable, len(own))} "
            f"| {share(int(np.isfinite(settling).sum()), len(own))} "
            f"| {np.median(settling):.3g} | {np.median(peak):.3g}, {np.quantile(peak, 0.99):.3g} |"
        )
    own = [row for row in rows if row["law"] == "design"]
    ratio = np.array([float(row["settling"]) / float(row["predicted_settling"]) for row in own])  # type: ignore[arg-type]
    peaks = np.array([float(row["peak"]) / float(row["predicted_peak"]) for row in own])  # type: ignore[arg-type]
    print(f"settling over predicted longest: median {np.median(ratio):.3g}, largest {ratio.max():.3g}")
    print(
        f"peak over predicted largest: median {np.median(peaks):.3g}, largest {peaks.max():.3g}", flush=True
    )
    chosen = [problem for problem in accepted if problem.answer and problem.answer.settling < 2.0][:searched]
    ratios, sensitivities, impossible, below = [], [], 0, 0
    searches: list[dict[str, object]] = []
    for problem in chosen:
        answer = problem.answer
        assert answer is not None
        own_plants = plants(problem, 8, np.random.default_rng(problem.number))
        columns = of_design(own_plants, answer)
        slow = slowness(problem.robot)
        rate = problem.robot.rate
        force = simulate(columns, rate, 1.6 * answer.settling + 8.0 * slow + APPROACH / rate)
        mine = float(judge(force, rate).settling.max())
        found = sensitivity(columns.take(np.array([0, 3, 4])), rate, 25.0 * slow + 10.0 / rate)
        sensitivities.append(float(found.max()))
        best, laws = brute_force(problem, 1.5 * mine, np.random.default_rng(problem.number))
        ratios.append(mine / best)
        searches.append({
            "problem": problem.number, "accepted": True, "settling": mine, "predicted": answer.settling,
            "brute_force": best, "laws": laws, "sensitivity": sensitivities[-1],
        })  # fmt: skip
        tight = DesignLimits(settling=0.65 * answer.settling, sensitivity=SENSITIVITY)
        try:
            design(problem.robot, (problem.low, problem.high), lever=LEVER, limits=tight)
            below += 1
        except Infeasible:
            impossible += best > tight.settling
        print(
            f"problem {problem.number}: settling {mine:.3g} s (predicted {answer.settling:.3g}), brute force "
            f"{best:.3g} s of {laws} laws, ratio {ratios[-1]:.3g}, sensitivity {sensitivities[-1]:.3g}",
            flush=True,
        )  # fmt: skip
    print(
        f"\nsettling over that of brute force: median {np.median(ratios):.3g}, largest {np.max(ratios):.3g}"
    )
    print(f"sensitivity measured: median {np.median(sensitivities):.3g}, largest {np.max(sensitivities):.3g}")
    print(
        f"asked for 0.65 of the settling: {len(chosen) - below} refused, "
        f"of which brute force found none in {impossible}"
    )
    wrong = 0
    near = sorted(refused, key=nearness)[:searched]
    for problem in near:
        best, laws = brute_force(problem, LIMIT, np.random.default_rng(problem.number))
        wrong += bool(np.isfinite(best))
        searches.append({
            "problem": problem.number, "accepted": False, "settling": np.inf, "predicted": nearness(problem),
            "brute_force": best, "laws": laws, "sensitivity": np.nan,
        })  # fmt: skip
        print(
            f"problem {problem.number} refused; brute force {best:.3g} s of {laws} laws: {problem.refusal}",
            flush=True,
        )
    (RESULTS / "design_search.csv").write_bytes(text_of(searches))
    print(f"refused: brute force found a law in {share(wrong, len(near))}")
    print(f"processor time {time.process_time() - began:.0f} s")


if __name__ == "__main__":
    main()
