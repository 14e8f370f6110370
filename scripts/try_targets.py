"""Try the settings that `assembly-rl-deploy insertions=20` chooses, on targets that the controller misses.

    python scripts/try_targets.py --output targets.csv
    python scripts/try_targets.py --output targets.csv --fine-tune 32000 --runs runs/targets

Each target is a part and conditions beyond those of the training of ``generalist``. A row has the success on
200 held-out episodes before and after, the forecast, and the insertions that were used. The rules were
found on a square and an L, some of them in the same conditions; the faster setting was added after the first
four rows of an earlier version had been seen. Rows that are there are kept: the same command goes on.
"""

import argparse
import csv
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from assembly_rl.api.configuration import geometry_config
from assembly_rl.deployment.budget import Budget, spend
from assembly_rl.deployment.insertions import Arm
from assembly_rl.deployment.trials import TrainedController
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.geometry.part_family import PartFamily
from assembly_rl.envs.library import make_part, make_task
from assembly_rl.evaluation import HELD_OUT_SEED, Evaluator, LearnedPolicy, Scenario, mcnemar, summarize
from assembly_rl.methods.transfer.config import TransferConfig
from assembly_rl.methods.transfer.fine_tuning import fine_tune, fine_tuning_config
from assembly_rl.methods.transfer.source import Source
from assembly_rl.runs import folder_name

FIRST_PART = 1_000_100
"""Seed of the family's parts of the targets."""


@dataclass(frozen=True)
class Target:
    """Part and conditions, other than those of ``task=broad``.

    Attributes:
        name: Name in the table.
        part: Name of a part, or kind and number of one of the family.
        lateral: Error of position [m].
        angle: Error of tilt and yaw [rad].
        friction: Coefficient of friction.
        force: Force limit [N].
        time: Time limit [s].
        lag: Lag of the robot [s].
        delay: Its delay [s].
        damping: Factor on the damping of the law that the user asks for.
        stiffness: Factor on the stiffness of the robot.
        engine: Engine of the target; the forecast is in the other one.
    """

    name: str
    part: str
    lateral: float = 0.003
    angle: float = 0.0436
    friction: float | None = None
    force: float = 30.0
    time: float = 10.0
    lag: float | None = None
    delay: float | None = None
    damping: float | None = None
    stiffness: float = 1.0
    engine: str = "bullet"

    def made(self, own: TaskConfig) -> tuple[PegHole, TaskConfig]:
        """Return part and conditions.

        Args:
            own: Task of the controller's training, whose law the user's is a multiple of.
        """
        task, preset = make_task("broad")
        if " " in self.part:
            kind, number = self.part.split()
            part = PartFamily(kinds=(kind,), sharp=1.0).part(FIRST_PART + int(number))
        else:
            part = make_part(self.part, preset)
        random, response, law = task.randomization, task.robot.response, own.compliance
        random = replace(
            random,
            hole_estimate=replace(
                random.hole_estimate, lateral=self.lateral, tilt=self.angle, yaw=self.angle
            ),
            friction=random.friction if self.friction is None else [self.friction] * 2,
        )
        response = replace(
            response,
            lag=response.lag if self.lag is None else [self.lag] * 2,
            delay=response.delay if self.delay is None else [self.delay] * 2,
        )
        if self.damping is not None:
            law = replace(law, damping=[self.damping * value for value in law.damping])
        return part, replace(
            task,
            randomization=random,
            robot=replace(task.robot, response=response),
            physics=replace(
                task.physics.in_engine(self.engine),
                servo_stiffness=self.stiffness * task.physics.servo_stiffness,
                servo_rotational_stiffness=self.stiffness * task.physics.servo_rotational_stiffness,
            ),
            limits=replace(task.limits, force=self.force, time=self.time),
            compliance=task.compliance if self.damping is None else law,
        )


TARGETS = [
    Target("U, 4.5 mm", "U", lateral=0.0045),
    Target("cross, 14 N", "cross", force=14.0),
    Target("triangle, lag 80 ms, delay 25 ms", "triangle", lag=0.08, delay=0.025),
    Target("keyed, 6.5 mm", "keyed", lateral=0.0065),
    Target("slot, friction 0.8", "slot", friction=0.8),
    Target("T, 17 N, 4 mm", "T", force=17.0, lateral=0.004),
    Target("D, lag 50 ms, delay 35 ms", "D", lag=0.05, delay=0.035),
    Target("hexagon, 5.5 mm", "hexagon", lateral=0.0055, engine="mujoco"),
    Target("rectangle, 16 N", "rectangle", force=16.0, engine="mujoco"),
    Target("T, 5.5 mm", "T", lateral=0.0055),
    Target("tube, 5 mm", "tube", lateral=0.005),
    Target("pentagon, 3 s", "pentagon", time=3.0),
    Target("star, 5 mm, lag 90 ms", "star 0", lateral=0.005, lag=0.09, delay=0.02),
    Target("slot, 7 mm", "slot", lateral=0.007),
    Target("trapezoid, 20 N, lag 60 ms", "trapezoid 1", force=20.0, lag=0.06),
    Target("convex, 5 mm", "convex 2", lateral=0.005),
    Target("cross, 5 mm", "cross", lateral=0.005),
    Target("rounded, 0.1 rad", "rounded 3", angle=0.1),
    Target("concave, friction 0.75", "concave 4", friction=0.75),
    Target("triangle, damping times 2.5", "triangle", damping=2.5),
    Target("rectangle, 4 mm, 18 N, lag 70 ms", "rectangle", lateral=0.004, force=18.0, lag=0.07),
    Target("D, 6 mm, 6 degrees", "D", lateral=0.006, angle=0.105),
    Target("regular, 18 N", "regular 5", force=18.0),
    Target("keyed, lag 100 ms, delay 15 ms", "keyed", lag=0.1, delay=0.015),
    Target("pins, 4 mm", "pins", lateral=0.004),
    Target("hexagon, 3.5 s", "hexagon", time=3.5),
    Target("T, robot twice as stiff", "T", stiffness=2.0),
    Target("keyed, robot 3 times as stiff", "keyed", stiffness=3.0, engine="mujoco"),
]
"""Targets, those of one kind apart, so that the first rows say most."""


def row_of(
    target: Target,
    evaluator: Evaluator,
    episodes: int,
    budget: Budget,
    runs: Path | None,
    taught: bool = True,
) -> dict[str, Any]:
    """Return the row of a target.

    Args:
        target: Target.
        evaluator: Processes of the episodes.
        episodes: Held-out episodes, before and after.
        budget: Budget of insertions, and steps of the fine-tuning.
        runs: Folder of the fine-tunings; those that are there go on.
        taught: The controller teaches the fine-tuning; False for a control.
    """
    controller, source = TrainedController.open("generalist"), Source.open("generalist")
    trained = source.config.task
    part, task = target.made(trained)

    def held_out(arm: Arm) -> list[dict[str, Any]]:
        policy = LearnedPolicy(arm.controller.policy)
        return evaluator.evaluate(Scenario(part, arm.setting.task), policy, episodes, HELD_OUT_SEED)

    def trained_on(of: TaskConfig) -> TrainedController:
        assert runs is not None
        config = fine_tuning_config(source, geometry_config(part), of, budget.fine_tune, beyond=True)
        if not taught:
            assert isinstance(config.transfer, TransferConfig)
            config = replace(config, transfer=replace(config.transfer, weights="none"))
        run = fine_tune(config, runs / folder_name(target.name), Console(quiet=True), processes=1)
        return TrainedController.open(run.path)

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "insertions.json"
        tune = trained_on if budget.fine_tune else None
        choice = spend(part, trained, task, controller, budget, file, evaluator, lambda text: None, tune=tune)
    first, kept = choice.arms[0], choice.kept
    before = held_out(first)
    after = before if kept is first else held_out(kept)
    effect, found = mcnemar(before, after), summarize(after)
    return {
        "target": target.name,
        "engine": target.engine,
        "kept": kept.setting.name,
        "decision": choice.decision,
        "forecasts": "; ".join(f"{arm.setting.name}={arm.summary.success:.2f}" for arm in choice.arms),
        "forecast_before": first.summary.success,
        "forecast": kept.summary.success,
        "insertions": choice.insertions,
        "inserted": sum(arm.successes for arm in choice.arms),
        "episodes": episodes,
        "before": summarize(before).success,
        "after": found.success,
        "after_low": found.interval[0],
        "after_high": found.interval[1],
        "lost": effect.lost,
        "gained": effect.gained,
        "p": effect.p,
        "time": found.time,
        "peak_force": found.peak_force,
        "results": " ".join(f"{name}={count}" for name, count in found.results.items()),
    }


def show(path: Path) -> None:
    """Print the rows of a file as a table, with the figures that are asked for."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = ("target", "engine", "before", "forecast", "after (95 %)", "insertions", "decision", "kept")
    print(f"| {' | '.join((*names, 'time [s]', 'force [N]'))} |")
    print("| --- | --- | ---: | ---: | ---: | ---: | --- | --- | ---: | ---: |")

    def percent(row: dict[str, str], name: str) -> str:
        return f"{100 * float(row[name]):.1f}"

    for row in rows:
        interval = f"{100 * float(row['after_low']):.0f} to {100 * float(row['after_high']):.0f}"
        cells = [
            *(row["target"], row["engine"], percent(row, "before"), percent(row, "forecast")),
            f"{percent(row, 'after')} ({interval})",
            *(row["insertions"], row["decision"], row["kept"].removeprefix("for these conditions, ")),
            *(f"{float(row['time']):.2f}", f"{float(row['peak_force']):.1f}"),
        ]
        print(f"| {' | '.join(cells)} |")
    missed = [row for row in rows if float(row["before"]) < 0.9]
    after = [float(row["after"]) for row in missed]
    errors = [100 * abs(float(row["forecast"]) - float(row["after"])) for row in missed]
    worse = [row for row in missed if int(row["lost"]) > int(row["gained"]) and float(row["p"]) < 0.05]
    if not missed:
        return
    print(f"{len(missed)} targets below 90 % before;")
    print(
        f"after: {sum(of >= 0.95 for of in after)} at 95 % or more, {sum(of >= 0.9 for of in after)} at 90 %;"
    )
    print(f"forecast off by {sum(errors) / len(errors):.1f} points in the mean, {max(errors):.1f} at most;")
    print(f"{len(worse)} significantly worse;")
    print(f"{sum(int(row['insertions']) for row in missed) / len(missed):.1f} insertions in the mean")


def main() -> None:
    """Write the rows, and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--episodes", type=int, default=200, help="held-out, before and after")
    parser.add_argument("--insertions", type=int, default=20)
    parser.add_argument("--fine-tune", type=int, default=0, help="policy steps in the model; 0 for none")
    parser.add_argument("--without-teacher", action="store_true", help="a control: no distillation")
    parser.add_argument("--runs", type=Path, help="folder of the fine-tunings")
    parser.add_argument("--targets", nargs="+", help="names of targets; all by default")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    if given.fine_tune and given.runs is None:
        parser.error("--fine-tune needs --runs, a folder for its runs")
    if unknown := set(given.targets or ()) - {target.name for target in TARGETS}:
        parser.error(f"unknown targets: {'; '.join(sorted(unknown))}")
    done = set()
    if given.output.exists():
        with open(given.output, newline="", encoding="utf-8") as file:
            done = {row["target"] for row in csv.DictReader(file)}
    with Evaluator(given.processes) as evaluator:
        for target in TARGETS:
            if target.name in done or (given.targets and target.name not in given.targets):
                continue
            budget = Budget(given.insertions, fine_tune=given.fine_tune)
            taught = not given.without_teacher
            row = row_of(target, evaluator, given.episodes, budget, given.runs, taught)
            new = not given.output.exists()
            with open(given.output, "a", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(row))
                if new:
                    writer.writeheader()
                writer.writerow(row)
            print(f"{target.name}: {row['before']:.3f} -> {row['after']:.3f}", flush=True)
    show(given.output)


if __name__ == "__main__":
    main()
