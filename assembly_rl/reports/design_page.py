"""Page, task configuration and numbers of a designed law."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from assembly_rl.controllers.design import Design, Remedy
from assembly_rl.controllers.serialization import to_mapping

PICTURE = "design.png"
"""File of the picture beside the page."""


def numbers(found: Design) -> dict[str, Any]:
    """Return a design as a nested mapping of plain numbers."""
    return {
        "law": found.diagonals(),
        "robot": to_mapping(found.robot),
        "limits": to_mapping(found.limits),
        "contact": {"softest": found.softest, "stiffest": found.stiffest, "radius": found.radius},
        "predicted": {
            "settling": found.settling,
            "peak_per_reference": found.peak,
            "impact_per_speed": found.impact,
            "free_speed_per_force": found.free_speed,
            **asdict(found.margins),
        },
        "binding": found.binding._asdict(),
        "slowest": found.slowest._asdict(),
        "hardest": found.hardest._asdict(),
    }


def task_yaml(found: Design) -> str:
    """Return a file for ``--config-dir``: the default task with the law."""
    rows = [f"    {name}: {json.dumps(row)}" for name, row in found.diagonals().items()]
    return "\n".join(
        [
            "# @package _global_",
            "# The default task with a designed law (assembly-rl-design).",
            "defaults:",
            "  - default@task",
            "  - _self_",
            "",
            "task:",
            "  compliance:",
            *rows,
            "",
        ]
    )


def design_rows(found: Design) -> list[tuple[str, str]]:
    """Return names and values of what a design is predicted to do."""
    margins, limits = found.margins, found.limits
    phase = f"{margins.phase:.0f} deg" if margins.phase < 180.0 else "any"
    return [
        ("settling", f"{found.settling:.3g} s at most, at {found.slowest}"),
        ("force under a reference", f"{max(1.0, found.peak):.3g} times it at most"),
        ("impact", f"{found.impact:.4g} N per m/s at most, at {found.hardest}"),
        (
            "largest force",
            f"{found.peak_force(limits.approach_speed, limits.reference):.3g} N at "
            f"{limits.approach_speed:g} m/s and a reference of {limits.reference:g} N",
        ),
        ("speed in free space", f"{1e3 * found.free_speed:.3g} mm/s per N"),
        ("margins", f"sensitivity {margins.sensitivity:.3g}, gain {margins.gain:.3g}, phase {phase}"),
        ("binds", f"{found.binding}; the margin holds up to {found.largest_stiffness:.3g} N/m"),
    ]


def design_page(found: Design, ros2: str, reason: str) -> str:
    """Return the page of a design.

    Args:
        found: Design.
        ros2: File for ros2_controllers; empty if there is none.
        reason: Reason why there is none.
    """
    robot = found.robot
    law = [
        f"| {name} | {' | '.join(f'{value:g}' for value in row)} |" for name, row in found.diagonals().items()
    ]
    order = "first order" if robot.damping_ratio is None else f"damping ratio {robot.damping_ratio:g}"
    sensor = "without a filter" if robot.sensor_cutoff is None else f"of {robot.sensor_cutoff:g} Hz"
    return "\n".join(
        [
            "# A compliance law",
            "",
            f"Robot: {robot.rate:g} Hz, lag {robot.lag[0]:g} to {robot.lag[1]:g} s ({order}), delay "
            f"{robot.delay[0]:g} to {robot.delay[1]:g} s, sensor {sensor}.",
            f"Contacts: {found.softest:.4g} to {found.direct:.4g} N/m in series with the mount, up to "
            f"{found.stiffest:.4g} N/m where a force also turns the tool.",
            "",
            "| | x | y | z | rx | ry | rz |",
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
            *law,
            "",
            "| predicted, for every plant of the ranges | |",
            "| --- | --- |",
            *(f"| {name} | {value} |" for name, value in design_rows(found)),
            "",
            f"![Nyquist curves, sensitivity, force after contact, impact]({PICTURE})",
            "",
            "All of this is predicted from the description of the robot; nothing was measured.",
            "It is no safety function.",
            "",
            "## To train with it",
            "",
            "```",
            f"assembly-rl-train {' '.join(repr(text) for text in found.overrides())}",
            "assembly-rl-train --config-dir <this folder> task=designed",
            "```",
            "",
            "## For ros2_controllers",
            "",
            *(["```yaml", ros2.rstrip(), "```"] if ros2 else [f"No file: {reason}."]),
            "",
        ]
    )


def refusal_page(reason: str, found: Sequence[Remedy]) -> str:
    """Return the page of a request that no law keeps, with what would help."""
    rows = [f"- {remedy.text}" for remedy in found]
    return "\n".join(
        [
            "# No compliance law",
            "",
            f"{reason[0].upper()}{reason[1:]}.",
            "",
            "What one change alone would do:",
            "",
            *rows,
            "",
        ]
    )
