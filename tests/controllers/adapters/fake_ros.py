"""The part of rclpy and of the messages that the node uses: no middleware, time stands until it is moved."""

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

NANO = 1_000_000_000


def message(**fields: Callable[[], Any]) -> Callable[..., Any]:
    """A message type: its fields with what makes their defaults."""

    def make(**values: Any) -> SimpleNamespace:
        assert set(values) <= set(fields), values
        return SimpleNamespace(**{name: default() for name, default in fields.items()} | values)

    return make


class Numbers(SimpleNamespace):
    """A message of floats, which takes nothing else, as rosidl's do."""

    def __setattr__(self, name: str, value: Any) -> None:
        assert isinstance(value, float), (name, value)
        super().__setattr__(name, value)


def vector() -> Numbers:
    return Numbers(x=0.0, y=0.0, z=0.0)


def quaternion() -> Numbers:
    return Numbers(x=0.0, y=0.0, z=0.0, w=1.0)


def stamp() -> SimpleNamespace:
    return SimpleNamespace(sec=0, nanosec=0)


Header = message(stamp=stamp, frame_id=str)
Pose = message(position=vector, orientation=quaternion)
Wrench = message(force=vector, torque=vector)


def pose_stamped() -> Any:
    return SimpleNamespace(header=Header(), pose=Pose())


def wrench_stamped() -> Any:
    return SimpleNamespace(header=Header(), wrench=Wrench())


class Clock:
    """The same for all."""

    nanoseconds = 0

    def now(self) -> "Clock":
        return self

    def to_msg(self) -> SimpleNamespace:
        return SimpleNamespace(sec=self.nanoseconds // NANO, nanosec=self.nanoseconds % NANO)


class Log:
    """What was logged, by level."""

    def __init__(self) -> None:
        self.infos: list[str] = []
        self.errors: list[tuple[str, float | None]] = []

    def info(self, text: str) -> None:
        self.infos.append(text)

    def error(self, text: str, throttle_duration_sec: float | None = None) -> None:
        self.errors.append((text, throttle_duration_sec))


class FakeRos:
    """A graph with one node in it.

    Args:
        parameters: Overrides, as ``--ros-args -p`` gives them.
    """

    def __init__(self, **parameters: Any) -> None:
        self.clock, self.log = Clock(), Log()
        self.clock.nanoseconds = 1_700_000_000 * NANO
        self.overrides = parameters
        self.values: dict[str, Any] = {}
        self.descriptors: dict[str, Any] = {}
        self.heard: dict[str, Callable[[Any], None]] = {}
        self.services: dict[str, Callable[[Any, Any], Any]] = {}
        self.published: dict[str, list[Any]] = {}
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.running = False

    def modules(self) -> dict[str, ModuleType]:
        """For ``sys.modules``."""
        content: dict[str, dict[str, Any]] = {
            "rclpy": {"init": self.init, "spin": self.spin, "try_shutdown": self.shutdown},
            "rclpy.node": {"Node": self.node},
            "rclpy.qos": {
                "DurabilityPolicy": SimpleNamespace(TRANSIENT_LOCAL=1),
                "QoSProfile": message(depth=int, durability=int),
                "qos_profile_sensor_data": "sensor data",
            },
            "rcl_interfaces.msg": {
                "IntegerRange": message(from_value=int, to_value=int, step=int),
                "ParameterDescriptor": message(description=str, read_only=bool, integer_range=list),
            },
            "geometry_msgs.msg": {"PoseStamped": pose_stamped, "WrenchStamped": wrench_stamped},
            "std_msgs.msg": {"String": message(data=str)},
            "std_srvs.srv": {"Trigger": "Trigger"},
        }
        modules = {}
        for name, values in content.items():
            modules[name] = ModuleType(name)
            vars(modules[name]).update(values)
        return modules

    # ------------------------------------------------------------------ rclpy

    def init(self) -> None:
        self.running = True

    def shutdown(self) -> None:
        self.running = False

    def spin(self, node: Any) -> None:
        raise KeyboardInterrupt

    # ------------------------------------------------------------------ Node

    def node(self, name: str) -> "FakeRos":
        return self

    def declare_parameter(self, name: str, default: Any, descriptor: Any) -> Any:
        assert name not in self.values
        value = self.overrides.get(name, default)
        assert type(value) is type(default)
        if descriptor.integer_range:
            limits = descriptor.integer_range[0]
            assert limits.from_value <= value <= limits.to_value
        self.values[name], self.descriptors[name] = value, descriptor
        return self.get_parameter(name)

    def get_parameter(self, name: str) -> Any:
        return SimpleNamespace(value=self.values[name])

    def get_clock(self) -> Clock:
        return self.clock

    def get_logger(self) -> Log:
        return self.log

    def create_publisher(self, kind: Any, topic: str, quality: Any) -> Any:
        sent = self.published[topic] = []
        return SimpleNamespace(publish=sent.append)

    def create_subscription(self, kind: Any, topic: str, heard: Callable[[Any], None], quality: Any) -> None:
        self.heard[topic] = heard

    def create_service(self, kind: Any, name: str, asked: Callable[[Any, Any], Any]) -> None:
        self.services[name] = asked

    def create_timer(self, period: float, due: Callable[[], None]) -> None:
        self.timers.append((period, due))

    # ------------------------------------------------------------------ for tests

    def advance(self, seconds: float) -> None:
        self.clock.nanoseconds += round(seconds * NANO)

    def tick(self) -> None:
        for _, due in self.timers:
            due()

    def call(self, service: str) -> tuple[bool, str]:
        response = self.services[service](object(), SimpleNamespace(success=False, message=""))
        return response.success, response.message

    def send_wrench(self, values: Any, frame: str, topic: str = "wrench") -> None:
        sent = wrench_stamped()
        sent.header = Header(stamp=self.clock.to_msg(), frame_id=frame)
        force, torque = sent.wrench.force, sent.wrench.torque
        force.x, force.y, force.z, torque.x, torque.y, torque.z = values
        self.heard[topic](sent)

    def send_pose(self, pose: Any, frame: str, topic: str = "pose") -> None:
        sent = pose_stamped()
        sent.header = Header(stamp=self.clock.to_msg(), frame_id=frame)
        (p, q), to = pose, sent.pose
        to.position.x, to.position.y, to.position.z = p
        to.orientation.x, to.orientation.y, to.orientation.z, to.orientation.w = q
        self.heard[topic](sent)
