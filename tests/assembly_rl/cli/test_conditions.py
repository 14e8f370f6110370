"""Conditions of an evaluation: lag, delay and engine beside the others, and the pairs that are compared."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import Run

from assembly_rl.cli.conditions import conditions, pairs
from assembly_rl.cli.config import EvalConfig
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs import PegHole, TaskConfig, register_engine
from assembly_rl.envs.physics import BulletWorld, PhysicsConfig
from assembly_rl.envs.physics.engines import ENGINES
from assembly_rl.envs.robots import ResponseConfig, RobotConfig

EASY = [  # a known hole, and an end just below its mouth
    "task.randomization.hole_estimate={lateral:0,tilt:0,yaw:0}",
    "task.limits.goal_margin=0.0245",
    "controller=fixed",
    "processes=1",
]


class Fast(BulletWorld):
    """An engine of its own rate."""

    default_rate = 2000.0


class Soft(BulletWorld):
    """An engine in which everything penetrates too deep."""

    penetration_bound = -1.0


@pytest.fixture(autouse=True)
def engines() -> Iterator[None]:
    register_engine("fast", Fast)
    register_engine("soft", Soft)
    yield
    for name in ("fast", "soft"):
        ENGINES._items.pop(name)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def made(task: TaskConfig | None = None, robots: tuple[RobotConfig, ...] = (), **axes: list) -> list:
    task = task or TaskConfig()
    return conditions(EvalConfig(**axes), PegHole(), task, robots or (task.robot,))


# ---------------------------------------------------------------------- labels and values


def test_without_axes_there_is_the_condition_of_the_task() -> None:
    (one,) = made()
    assert one.task == TaskConfig() and one.part == PegHole()
    assert one.label == "square, 0.1 mm, chamfer 0.3 mm, friction 0.2, lag 0-40 ms, delay 0-10 ms"
    ideal = TaskConfig(robot=RobotConfig(response=ResponseConfig([0.0, 0.0], [0.0, 0.0])))
    assert made(ideal)[0].label == "square, 0.1 mm, chamfer 0.3 mm, friction 0.2"


def test_each_lag_and_delay_is_a_range_of_one_value() -> None:
    found = made(lag=[0.0, 0.03], delay=[0.0075], friction=[0.3])
    assert [one.task.robot.response.lag for one in found] == [[0.0, 0.0], [0.03, 0.03]]
    assert {tuple(one.task.robot.response.delay) for one in found} == {(0.0075, 0.0075)}
    assert [one.label.partition("friction 0.3, ")[2] for one in found] == [
        "lag 0 ms, delay 7.5 ms",
        "lag 30 ms, delay 7.5 ms",
    ]
    assert made(delay=[0.01])[0].task.robot.response.lag == [0.0, 0.04]  # the robot's own range


def test_another_engine_has_its_own_rate() -> None:
    task = replace(TaskConfig(), physics=PhysicsConfig(rate=400.0))
    own, fast = made(task, engine=["bullet", "fast"])
    assert (own.task.physics.engine, own.task.physics.rate, own.task.physics_steps()) == ("bullet", 400.0, 2)
    assert (fast.task.physics.engine, fast.task.physics.rate, fast.task.physics_steps()) == ("fast", None, 10)
    assert own.label.endswith(", bullet") and fast.label.endswith(", fast")
    there = replace(task, physics=PhysicsConfig(engine="fast"))
    assert made(there)[0].label.endswith(", fast")


def test_robots_have_names_that_differ() -> None:
    named = replace(RobotConfig(), name="mine")
    for robots, names in (
        ((RobotConfig(), RobotConfig(model="iiwa")), ["floating", "iiwa"]),
        ((RobotConfig(), named), ["floating", "mine"]),
        (
            (RobotConfig(), RobotConfig(response=ResponseConfig(speed=[1.0, 1.0]))),
            ["floating", "other floating"],
        ),
    ):
        found = made(robots=robots)
        assert [one.robot for one in found] == names
        assert "floating" not in found[0].label and found[1].label.endswith(f", {names[1]}")


def test_pairs_differ_in_robot_or_engine_alone() -> None:
    robots = (RobotConfig(), RobotConfig(model="iiwa"))
    found = made(robots=robots, engine=["bullet", "fast"], lag=[0.0, 0.01])
    assert len({one.label for one in found}) == len({one.key for one in found}) == 8
    assert [(pair.axis, pair.before, pair.after) for pair in pairs(found[4:])] == [
        ("engine", (1, "floating", "bullet"), (1, "floating", "fast")),
        ("robot", (1, "floating", "bullet"), (1, "iiwa", "bullet")),
        ("robot", (1, "floating", "fast"), (1, "iiwa", "fast")),
        ("engine", (1, "iiwa", "bullet"), (1, "iiwa", "fast")),
    ]
    assert not list(pairs(made(lag=[0.0, 0.01])))


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"lag": [-0.01]}, r"lag must be times from 0 to 1 s, such as 0.03, got \[-0.01\]"),
        ({"delay": [30.0]}, "delay must be times from 0 to 1 s"),
        ({"lag": [float("nan")]}, "lag must be times"),
        ({"engine": ["bulet"]}, "unknown physics engine 'bulet'; did you mean 'bullet'?"),
        ({"engine": ["bullet", "bullet"]}, "engine has a value twice"),
        ({"friction": [0.2, 0.2]}, "friction has a value twice"),
    ],
)
def test_values_that_are_none_are_refused(axes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        EvalConfig(**axes)


# ---------------------------------------------------------------------- the command


def test_lags_are_conditions_of_the_same_episodes(command: Run, tmp_path: Path) -> None:
    shown = command("eval", *EASY, "lag=[0,0.03]", "delay=[0,0.01]", "episodes=2", "output=rows.csv")
    rows = rows_of(tmp_path / "rows.csv")
    assert [row["seed"] for row in rows] == ["2000000", "2000001"] * 4
    assert len({row["condition"] for row in rows}) == 4
    assert len({row["physics_hash"] for row in rows}) == 1
    times = {row["condition"].partition("friction 0.2, ")[2]: float(row["time"]) for row in rows}
    assert times["lag 0 ms, delay 0 ms"] < times["lag 30 ms, delay 10 ms"]
    assert "McNemar" not in shown and "success with a robot" not in shown


def test_a_single_result_is_a_sentence_at_the_end(command: Run) -> None:
    shown = command("eval", *EASY, "lag=0.03", "episodes=2", "output=rows.csv")
    last = shown.strip().splitlines()[-1]
    assert last == "success with a robot that lags by 30 ms: 100.0 % (95 % interval 34 to 100)"


def test_engines_are_compared_episode_by_episode(command: Run, tmp_path: Path) -> None:
    arguments = ["engine=[bullet,fast,soft]", "episodes=2", "output=rows.csv"]
    told = " ".join(command("eval", *EASY, *arguments).split())
    assert len({row["physics_hash"] for row in rows_of(tmp_path / "rows.csv")}) == 2  # two have one rate
    condition = "fixed, square, 0.1 mm, chamfer 0.3 mm, friction 0.2, lag 0-40 ms, delay 0-10 ms"
    assert (
        f"{condition}, fast, instead of bullet: success 100.0 % -> 100.0 %, 0 lost and 0 gained of 2 "
        "episodes (McNemar p = 1) fixed" in told
    )
    assert (
        f"{condition}, soft, instead of bullet: success 100.0 % -> 0.0 %, 2 lost and 0 gained of 2 episodes "
        "(McNemar p = 0.5): this result leans on the engine" in told
    )


def test_an_engine_that_refuses_the_task_is_told_before_the_episodes(refused: Run, tmp_path: Path) -> None:
    def refusing(*arguments: object) -> BulletWorld:
        raise InputError("this engine simulates no such part")

    register_engine("refusing", refusing)
    try:
        error = refused("eval", "controller=fixed", "engine=[bullet,refusing]", "output=rows.csv")
    finally:
        ENGINES._items.pop("refusing")
    assert "this engine simulates no such part" in error
    assert not list(tmp_path.iterdir())
