"""Bundle as a ROS 2 node: WrenchStamped and PoseStamped in, PoseStamped out.

ROS is imported when the node is created. Topics are parameters (and can be remapped):

- ``wrench_topic``, WrenchStamped: wrench that the ENVIRONMENT applies to the tool. Negate a sensor of the
  other sign where it is published (``multiplier`` of ros2_controllers' force_torque_sensor_broadcaster). Its
  ``header.frame_id`` must be ``flange_frame``, the bundle's flange: peg along its -z, unlike ``tool0``.
- ``pose_topic``, PoseStamped: measured pose of ``flange_frame`` in ``base_frame``. TF is not used: publish
  the pose (ros2_controllers' pose_broadcaster).
- ``command_topic``, PoseStamped: commanded pose of the same frame, to be reached at the end of the control
  period; for a controller that servos to poses.
- ``~/state``, String: ``idle``, then the values of ``State``; published on change, kept for late subscribers.

``~/start`` (Trigger) tares with the latest readings and begins at the measured pose; nothing is published
before. After the end the command stands still and is still published, so that the robot stands with a servo
that holds its last target and with one that stops when targets cease. ``~/stop`` (Trigger) ends an insertion
and the publishing; then others can move the robot without a stale target waiting for it.

A wrench or a pose in another frame, or older than the bundle's ``max_age`` by ``header.stamp`` on the node's
clock, is not used: the controller holds, fades and ends with ``fault``.
"""

from collections import deque
from collections.abc import Callable
from importlib import import_module
from itertools import count
from math import nan
from pathlib import Path
from typing import Any

from assembly_rl.controllers.bundles import State, load_bundle
from assembly_rl.controllers.se3 import Pose
from assembly_rl.controllers.validation import InputError
from assembly_rl.controllers.wrench import NOT_A_WRENCH, Wrench

NOT_A_POSE: Pose = ((nan,) * 3, (nan,) * 4)
MOST_SAMPLES = 10_000


def spin() -> None:
    """Run the node until Ctrl-C; its parameters are given as usual in ROS, ``--ros-args -p bundle:=...``.

    Raises:
        ImportError: No ROS 2 in this Python.
        ValueError: A parameter that is missing or unusable, or a bundle that ``load_bundle`` refuses.
    """
    spin_node(BundleNode)


def spin_node(create: Callable[[], "PoseNode"]) -> None:
    """Run a node until Ctrl-C.

    Args:
        create: Function that creates the node.

    Raises:
        ImportError: No ROS 2 in this Python.
        ValueError: A parameter that is missing or unusable.
    """
    rclpy = _ros("rclpy")
    rclpy.init()
    try:
        own = create()
        try:
            rclpy.spin(own.node)
        except KeyboardInterrupt:
            pass
        finally:
            own.finish()
    finally:
        rclpy.try_shutdown()


def _ros(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{module} is not there: source a ROS 2 workspace first (. /opt/ros/<distribution>/setup.sh) "
            "that was built for this Python; pip does not have it"
        ) from error


class PoseNode:
    """Node that measures wrench and pose and commands poses, from ``~/start`` until ``~/stop``.

    Args:
        name: Name of the node.
        recorded: Noun for what a file of the folder ``recording`` contains.

    Raises:
        ImportError: No ROS 2 in this Python.
        ValueError: A parameter that is missing or unusable.

    Attributes:
        node: Node of rclpy.
    """

    def __init__(self, name: str, recorded: str) -> None:
        geometry, standard = _ros("geometry_msgs.msg"), _ros("std_msgs.msg")
        interfaces, quality = _ros("rcl_interfaces.msg"), _ros("rclpy.qos")
        trigger = _ros("std_srvs.srv").Trigger
        self.node = node = _ros("rclpy.node").Node(name)
        self._recorded = recorded

        def parameter(name: str, default: Any, description: str, **more: Any) -> Any:
            descriptor = interfaces.ParameterDescriptor(description=description, **more)
            return node.declare_parameter(name, default, descriptor).value

        def text(name: str, description: str, default: str = "") -> str:
            value: str = parameter(name, default, description, read_only=True)
            if not value:
                raise InputError(f"the parameter {name!r} is needed: {description}")
            return value

        self._declare(parameter, text)
        self._base_frame = text("base_frame", "header.frame_id of poses and commands")
        self._flange_frame = text(
            "flange_frame", "header.frame_id of wrenches: the bundle's flange, peg along -z"
        )
        self._samples: int = parameter(
            "tare_samples",
            100,
            "Readings that ~/start takes the sensor's bias from",
            read_only=True,
            integer_range=[interfaces.IntegerRange(from_value=1, to_value=MOST_SAMPLES, step=1)],
        )
        self._folder: str = parameter(
            "recording", "", f"Folder for a CSV file of each {recorded}; empty for none", read_only=True
        )
        if self._folder and not Path(self._folder).is_dir():
            raise InputError(f"the parameter 'recording' names no folder: {self._folder!r}")

        self._readings: deque[Wrench] = deque(maxlen=self._samples)
        self._reading, self._wrench_at = NOT_A_WRENCH, nan
        self._pose, self._pose_at = NOT_A_POSE, nan
        self._commanding = False
        self._state = State.idle
        self._zero: int = node.get_clock().now().nanoseconds  # floats keep nanoseconds when counted from here
        self._pose_message, self._text_message = geometry.PoseStamped, standard.String
        topic = text("command_topic", "Topic of commands", "command")
        self._commands = node.create_publisher(geometry.PoseStamped, topic, 1)
        kept = quality.QoSProfile(depth=1, durability=quality.DurabilityPolicy.TRANSIENT_LOCAL)
        self._states = node.create_publisher(standard.String, "~/state", kept)
        for kind, name, heard in (
            (geometry.WrenchStamped, "wrench", self._on_wrench),
            (geometry.PoseStamped, "pose", self._on_pose),
        ):
            topic = text(f"{name}_topic", f"Topic of measured {name}s", name)
            node.create_subscription(kind, topic, heard, quality.qos_profile_sensor_data)
        node.create_service(trigger, "~/start", self._on_start)
        node.create_service(trigger, "~/stop", self._on_stop)
        node.create_timer(1.0 / self._rate(), self._on_timer)
        self._tell(State.idle)

    # ------------------------------------------------------------------ program

    def _declare(self, parameter: Callable[..., Any], text: Callable[..., str]) -> None:
        """Declare own parameters, and create what commands."""
        raise NotImplementedError

    def _rate(self) -> float:
        """Return the control rate [Hz]."""
        raise NotImplementedError

    def _max_age(self) -> float:
        """Return the largest age of a measurement [s]."""
        raise NotImplementedError

    def _begin(self) -> None:
        """Begin at the latest measurements."""
        raise NotImplementedError

    def _advance(self, pose: Pose, now: float) -> tuple[Pose, State]:
        """Return the command of a control period, and the state."""
        raise NotImplementedError

    def _reason(self) -> str:
        """Return the reason of the end."""
        raise NotImplementedError

    def _write(self, path: Path) -> None:
        """Write the recording."""
        raise NotImplementedError

    def _file_name(self) -> str:
        """Return the beginning of the names of recordings."""
        raise NotImplementedError

    # ------------------------------------------------------------------ time

    def _now(self) -> float:
        """Time on the node's clock, from its start [s]."""
        return 1e-9 * (self.node.get_clock().now().nanoseconds - self._zero)

    def _seconds(self, stamp: Any) -> float:
        """Time of a header's stamp, from the node's start [s]."""
        return 1e-9 * (stamp.sec * 1_000_000_000 + stamp.nanosec - self._zero)

    def _is_fresh(self, stamp: float, now: float) -> bool:
        return -1.0 / self._rate() <= now - stamp <= self._max_age()

    # ------------------------------------------------------------------ callbacks of ROS

    def _is_of(self, frame: str, message: Any) -> bool:
        found = message.header.frame_id
        if found != frame:
            self.node.get_logger().error(
                f"{type(message).__name__} in frame {found!r} is not used, it must be in {frame!r}: "
                "see the parameters base_frame and flange_frame",
                throttle_duration_sec=5.0,
            )
        return bool(found == frame)

    def _on_wrench(self, message: Any) -> None:
        if self._is_of(self._flange_frame, message):
            force, torque = message.wrench.force, message.wrench.torque
            self._reading = (force.x, force.y, force.z, torque.x, torque.y, torque.z)
            self._wrench_at = self._seconds(message.header.stamp)
            self._readings.append(self._reading)

    def _on_pose(self, message: Any) -> None:
        if self._is_of(self._base_frame, message):
            p, q = message.pose.position, message.pose.orientation
            self._pose = ((p.x, p.y, p.z), (q.x, q.y, q.z, q.w))
            self._pose_at = self._seconds(message.header.stamp)

    def _on_start(self, request: Any, response: Any) -> Any:
        try:
            self.start()
            response.success, response.message = True, f"the {self._recorded} runs"
        except ValueError as error:
            response.success, response.message = False, str(error)
        return response

    def _on_stop(self, request: Any, response: Any) -> Any:
        self.finish()
        self._tell(State.idle)
        response.success, response.message = True, "nothing is commanded any more"
        return response

    def _on_timer(self) -> None:
        if not self._commanding:
            return
        now = self._now()
        pose = self._pose if self._is_fresh(self._pose_at, now) else NOT_A_POSE
        # After the end the command stands still.
        command, state = self._advance(pose, now)
        self._publish(command)
        if state is not self._state:
            self._save()
            self._tell(state)

    # ------------------------------------------------------------------ start and end

    def start(self) -> None:
        """Begin.

        Raises:
            ValueError: It is running, readings or pose are missing or old, or the program refuses them.
        """
        if self._state is State.running:
            raise InputError(f"an {self._recorded} is running: call ~/stop first")
        if len(self._readings) < self._samples:
            raise InputError(
                f"{len(self._readings)} readings in frame {self._flange_frame!r} have come, tare_samples is "
                f"{self._samples}: wait, or check wrench_topic"
            )
        now = self._now()
        for name, stamp in (("wrench", self._wrench_at), ("pose", self._pose_at)):
            if not self._is_fresh(stamp, now):
                raise InputError(
                    f"the latest {name} is {now - stamp:.3g} s old: is it published, with header.stamp on "
                    "the clock of this node?"
                )
        self._begin()
        self._commanding = True
        self._tell(State.running)

    def finish(self) -> None:
        """End what runs, if anything, and stop publishing commands."""
        if self._state is State.running:
            self._save()
        self._commanding = False
        self._state = State.idle

    def _publish(self, command: Pose) -> None:
        message = self._pose_message()
        message.header.stamp = self.node.get_clock().now().to_msg()
        message.header.frame_id = self._base_frame
        p, q = message.pose.position, message.pose.orientation
        p.x, p.y, p.z = command[0]
        q.x, q.y, q.z, q.w = command[1]
        self._commands.publish(message)

    def _tell(self, state: State) -> None:
        self._state = state
        self._states.publish(self._text_message(data=state.value))
        reason = self._reason() if state not in (State.idle, State.running) else ""
        self.node.get_logger().info(f"{state.value}: {reason}" if reason else state.value)

    def _save(self) -> None:
        """Write the recording into a new file."""
        if not self._folder:
            return
        for number in count(1):
            path = Path(self._folder, f"{self._file_name()}-{number:04d}.csv")
            try:
                self._write(path)
                self.node.get_logger().info(f"recorded in {path}")
                return
            except FileExistsError:
                continue
            except OSError as error:
                self.node.get_logger().error(f"the recording cannot be written: {error}")
                return


class BundleNode(PoseNode):
    """Node of a bundle; call ``rclpy.init`` before and ``rclpy.spin(BundleNode().node)`` after.

    Raises:
        ImportError: No ROS 2 in this Python.
        ValueError: A parameter that is missing or unusable, or a bundle that ``load_bundle`` refuses.

    Attributes:
        node: Node of rclpy.
    """

    def __init__(self) -> None:
        super().__init__("insertion", "insertion")

    def _declare(self, parameter: Callable[..., Any], text: Callable[..., str]) -> None:
        self._controller = load_bundle(text("bundle", "File of the bundle"))
        parameter(
            "hole",
            [nan] * 7,
            "T_base_nominal: position [m] and quaternion xyzw of the hole, z out of it; read by ~/start",
        )

    def _rate(self) -> float:
        return self._controller.rate

    def _max_age(self) -> float:
        return self._controller.manifest.insertion.admittance.safety.max_age

    def _begin(self) -> None:
        x, y, z, qx, qy, qz, qw = self._hole()
        hole = ((x, y, z), (qx, qy, qz, qw))
        self._controller.reset(hole, self._pose, free_readings=list(self._readings))

    def _advance(self, pose: Pose, now: float) -> tuple[Pose, State]:
        command = self._controller.step(self._reading, pose, now, self._wrench_at)
        return (command.position, command.orientation), command.state

    def _reason(self) -> str:
        return self._controller.reason

    def _write(self, path: Path) -> None:
        self._controller.recording().save(path)

    def _file_name(self) -> str:
        return self._controller.manifest.name

    def _hole(self) -> list[float]:
        values = list(self.node.get_parameter("hole").value)
        if len(values) != 7:
            raise InputError(f"the parameter 'hole' must be seven numbers, got {values}")
        return values
