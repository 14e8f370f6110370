"""Motion that identifies a robot, as a ROS 2 node: the topics and services of ``adapters.ros2``.

Parameters besides those of the frames and topics: ``rate`` [Hz], ``force`` [N], 0 for no pushes,
``direction`` of the pushes in ``base_frame``, ``travel`` [m], and ``recording``, the folder of the
recordings, which is needed. ``~/start`` begins at the measured pose; ``~/stop`` ends the commands, so that
the robot stands still. A pose counts as measured when it is used: its age, on average half the time between
two poses, adds to the delay.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from assembly_rl.controllers.adapters.ros2 import PoseNode, spin_node
from assembly_rl.controllers.bundles import State
from assembly_rl.controllers.identification import Excitation, ExcitationConfig
from assembly_rl.controllers.se3 import Pose
from assembly_rl.controllers.validation import InputError
from assembly_rl.controllers.wrench import NOT_A_WRENCH

MAX_AGE = 0.02
"""Largest age of a measurement [s]."""


def spin() -> None:
    """Run the node until Ctrl-C.

    Raises:
        ImportError: No ROS 2 in this Python.
        ValueError: A parameter that is missing or unusable.
    """
    spin_node(ExcitationNode)


class ExcitationNode(PoseNode):
    """Node of an excitation; call ``rclpy.init`` before and ``rclpy.spin(ExcitationNode().node)`` after.

    Raises:
        ImportError: No ROS 2 in this Python.
        ValueError: A parameter that is missing or unusable.
    """

    def __init__(self) -> None:
        super().__init__("identification", "excitation")
        if not self._folder:
            raise InputError("the parameter 'recording' is needed: folder for the recordings")

    def _declare(self, parameter: Callable[..., Any], text: Callable[..., str]) -> None:
        own = ExcitationConfig()
        rate = parameter("rate", 200.0, "Control rate [Hz]", read_only=True)
        force = parameter("force", own.force, "Force of the pushes [N]; 0.0 for none", read_only=True)
        direction = parameter("direction", own.direction, "Their direction in base_frame", read_only=True)
        travel = parameter("travel", own.travel, "Longest way to the surface [m]", read_only=True)
        config = ExcitationConfig(force=force, direction=list(direction), travel=travel)
        self._excitation = Excitation(rate, config)

    def _rate(self) -> float:
        return self._excitation.rate

    def _max_age(self) -> float:
        return MAX_AGE

    def _begin(self) -> None:
        self._excitation.reset(self._pose)

    def _advance(self, pose: Pose, now: float) -> tuple[Pose, State]:
        reading = self._reading if self._is_fresh(self._wrench_at, now) else NOT_A_WRENCH
        move = self._excitation.step(reading, pose, now)
        return (move.position, move.orientation), move.state

    def _reason(self) -> str:
        return self._excitation.reason

    def _write(self, path: Path) -> None:
        try:
            self._excitation.recording().save(path)
        except InputError as error:
            self.node.get_logger().error(f"nothing is recorded: {error}")

    def _file_name(self) -> str:
        return "excitation"
