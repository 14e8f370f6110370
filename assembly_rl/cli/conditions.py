"""Conditions of an evaluation: all combinations of what ``assembly-rl-eval`` varies, and pairs of them."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from assembly_rl.cli.config import EvalConfig
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.library import make_part
from assembly_rl.envs.physics import PhysicsConfig
from assembly_rl.envs.robots import RobotConfig


@dataclass(frozen=True)
class Condition:
    """Condition of an evaluation.

    Attributes:
        label: Text for tables.
        part: Part and hole.
        task: Task.
        number: Number of the combination of geometry, clearance, friction, lag and delay.
        robot: Name of the robot.
        engine: Name of the physics engine.
    """

    label: str
    part: PegHole
    task: TaskConfig
    number: int
    robot: str
    engine: str

    @property
    def key(self) -> tuple[int, str, str]:
        """Number, robot and engine, which no other condition shares."""
        return self.number, self.robot, self.engine


@dataclass(frozen=True)
class Pair:
    """Pair of conditions that differ in one thing only.

    Attributes:
        axis: ``robot`` or ``engine``.
        before, after: ``key`` of the first condition and of the other one.
        instead_of: Robot or engine of the first condition.
    """

    axis: str
    before: tuple[int, str, str]
    after: tuple[int, str, str]
    instead_of: str


def conditions(
    config: EvalConfig, part: PegHole, task: TaskConfig, robots: Sequence[RobotConfig]
) -> list[Condition]:
    """Return every combination of geometry, clearance, friction, lag, delay, robot and engine.

    Args:
        config: Values of the axes; an axis without values has that of part, task or robot.
        part: Part without ``config.geometries``.
        task: Task, whose robot is not used.
        robots: Robots, one or two.

    Raises:
        ValueError: A part is unknown or refused, or a value does not fit the task.
    """
    parts = [(Path(name).stem, replace(make_part(name), chamfer=part.chamfer)) for name in config.geometries]
    own: list[float | None] = [None]
    fits = itertools.product(
        parts or [(part.label, part)],
        config.clearance or own,
        config.friction or own,
        config.lag or own,
        config.delay or own,
    )
    engines = config.engine or [task.physics.engine]
    found = []
    for number, ((name, base), clearance, friction, lag, delay) in enumerate(fits):
        fit = base if clearance is None else replace(base, clearance=clearance)
        ranges = task.randomization
        if friction is not None:
            ranges = replace(ranges, friction=[friction] * 2)
        label = f"{name}, {fit.clearance * 1e3:g} mm, chamfer {fit.chamfer * 1e3:g} mm, "
        label += f"friction {_shown(ranges.friction)}"
        for (robot_name, robot), engine in itertools.product(_named(robots), engines):
            response = robot.response
            if lag is not None:
                response = replace(response, lag=[lag] * 2)
            if delay is not None:
                response = replace(response, delay=[delay] * 2)
            words = [label]
            for key, value, given in (("lag", response.lag, lag), ("delay", response.delay, delay)):
                if given is not None or any(value):
                    words.append(f"{key} {_shown([1e3 * end for end in value])} ms")
            words += [robot_name] if robot_name != RobotConfig.model else []
            words += [engine] if config.engine or engine != PhysicsConfig.engine else []
            varied = replace(
                task,
                randomization=ranges,
                robot=replace(robot, response=response),
                physics=task.physics.in_engine(engine),
            )
            found.append(Condition(", ".join(words), fit, varied, number, robot_name, engine))
    return found


def pairs(conditions: Sequence[Condition]) -> Iterator[Pair]:
    """Yield each condition with another robot or engine than the first, and the same one with the first's."""
    first = conditions[0]
    for one in conditions:
        if one.robot != first.robot:
            yield Pair("robot", (one.number, first.robot, one.engine), one.key, first.robot)
        if one.engine != first.engine:
            yield Pair("engine", (one.number, one.robot, first.engine), one.key, first.engine)


def _named(robots: Sequence[RobotConfig]) -> list[tuple[str, RobotConfig]]:
    """Return the robots with distinct names."""
    named: dict[str, RobotConfig] = {}
    for robot in robots:
        name = robot.name or robot.model
        named[f"other {name}" if name in named else name] = robot
    return list(named.items())


def _shown(values: Sequence[float]) -> str:
    """Return a range, or its only value, as text."""
    return "-".join(f"{value:g}" for value in sorted(set(values)))
