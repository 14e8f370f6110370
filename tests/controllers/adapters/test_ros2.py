"""The ROS 2 node on a fake of rclpy, with the simulator's robot at the other end of the topics."""

import sys
from collections.abc import Callable, Iterator
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from adapter_bundles import BLIND, EXACT, PART, at_start, controller, write
from fake_ros import FakeRos

from assembly_rl.controllers.adapters import ros2
from assembly_rl.controllers.bundles import Command, Recording, State
from assembly_rl.controllers.se3 import Pose
from assembly_rl.envs.simulation import SimulatedRobot, insert

PERIOD = 0.005
SAMPLES = 20


class Scene:
    """Node, simulator and what goes between them."""

    def __init__(self, ros: FakeRos, robot: SimulatedRobot, node: ros2.BundleNode) -> None:
        self.ros, self.robot, self.node = ros, robot, node

    def measure(self, wrench: Any = None, pose: Pose | None = None) -> None:
        self.ros.send_wrench(self.robot.reading if wrench is None else wrench, "peg_flange")
        self.ros.send_pose(self.robot.pose if pose is None else pose, "base")

    def begin(self) -> tuple[bool, str]:
        for row in self.robot.free_readings.tolist():
            self.measure(row)
        return self.ros.call("~/start")

    def step(self) -> bool:
        """A control period; whether the insertion goes on."""
        self.ros.tick()
        if self.state != "running":
            return False
        sent = self.commands[-1].pose
        p, q = sent.position, sent.orientation
        self.robot.move(((p.x, p.y, p.z), (q.x, q.y, q.z, q.w)))
        self.ros.advance(PERIOD)
        return True

    @property
    def commands(self) -> list[Any]:
        return self.ros.published["command"]

    @property
    def states(self) -> list[str]:
        return [message.data for message in self.ros.published["~/state"]]

    @property
    def state(self) -> str:
        return self.states[-1]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("bundle") / "small.bundle")


@pytest.fixture(scope="module")
def blind() -> Iterator[SimulatedRobot]:
    robot = SimulatedRobot(PART, BLIND)
    yield robot
    robot.close()


Arrange = Callable[..., Scene]


@pytest.fixture
def arrange(bundle: Path, blind: SimulatedRobot, monkeypatch: pytest.MonkeyPatch) -> Arrange:
    def make(robot: SimulatedRobot = blind, seed: int = 0, **parameters: Any) -> Scene:
        (x, y, z), q = at_start(robot, seed)
        given = {
            "bundle": str(bundle),
            "base_frame": "base",
            "flange_frame": "peg_flange",
            "hole": [x, y, z, *q],
            "tare_samples": SAMPLES,
        }
        ros = FakeRos(**given | parameters)
        for name, module in ros.modules().items():
            monkeypatch.setitem(sys.modules, name, module)
        return Scene(ros, robot, ros2.BundleNode())

    return make


@pytest.mark.parametrize("task", [BLIND, EXACT], ids=["blind", "exact"])
def test_an_insertion_is_that_of_the_simulator(arrange: Arrange, task: Any) -> None:
    robot = SimulatedRobot(PART, task)
    expected: list[tuple[float, ...]] = []

    def keep(number: int, pose: Pose, command: Command) -> None:
        expected.append((*command.position, *command.orientation))

    own = controller()
    direct = insert(robot, own, 0, keep)
    assert direct is (State.success if task is EXACT else State.timeout)
    scene = arrange(robot)
    assert scene.begin() == (True, "the insertion runs")
    scene.measure()
    while scene.step():
        scene.measure()
    assert scene.states == ["idle", "running", direct.value]
    found = [
        (p.x, p.y, p.z, q.x, q.y, q.z, q.w)
        for p, q in ((sent.pose.position, sent.pose.orientation) for sent in scene.commands)
    ]
    assert len(found) == len(expected)
    assert np.allclose(found, expected, atol=1e-9, rtol=0)
    assert robot.success is (direct is State.success)
    robot.close()


def test_nothing_is_published_before_start_and_after_stop(arrange: Arrange) -> None:
    scene = arrange()
    scene.ros.tick()
    assert scene.commands == []
    assert scene.begin()[0]
    scene.measure()
    for _ in range(5):
        assert scene.step()
        scene.measure()
    assert len(scene.commands) == 5
    assert scene.commands[0].header.frame_id == "base"
    assert scene.ros.call("~/stop")[0]
    scene.ros.tick()
    assert len(scene.commands) == 5
    assert scene.states == ["idle", "running", "idle"]


def test_after_the_end_the_command_stands_still(arrange: Arrange) -> None:
    scene = arrange()
    scene.begin()
    scene.measure([100.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert not scene.step()
    assert scene.state == "force_limit"
    assert "insertion.limits.force" in scene.ros.log.infos[-1]
    scene.ros.tick()
    scene.ros.tick()
    first, *others = [sent.pose for sent in scene.commands]
    assert len(others) == 2
    assert all(other == first for other in others)
    at_start(scene.robot, 0)
    scene.ros.advance(PERIOD)
    assert scene.begin()[0]  # without ~/stop


def test_parameters_are_described(arrange: Arrange) -> None:
    scene = arrange()
    assert all(descriptor.description for descriptor in scene.ros.descriptors.values())
    changing = [name for name, descriptor in scene.ros.descriptors.items() if not descriptor.read_only]
    assert changing == ["hole"]
    assert scene.ros.timers[0][0] == pytest.approx(PERIOD)


def test_topics_are_parameters(arrange: Arrange) -> None:
    scene = arrange(wrench_topic="/ft/wrench", pose_topic="/ee/pose", command_topic="/servo/target")
    assert set(scene.ros.heard) == {"/ft/wrench", "/ee/pose"}
    assert "/servo/target" in scene.ros.published


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"bundle": ""}, "parameter 'bundle' is needed"),
        ({"bundle": "none.bundle"}, "cannot be read"),
        ({"flange_frame": ""}, "parameter 'flange_frame' is needed"),
        ({"recording": "no/such/folder"}, "names no folder"),
    ],
)
def test_parameters_that_cannot_be_used(arrange: Arrange, parameters: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        arrange(**parameters)


@pytest.mark.parametrize(
    ("hole", "message"),
    [([nan] * 7, "hole must be"), ([0.0] * 3, "seven numbers"), ([1.0, 0, 0, 0, 0, 0, 1], "offset_limit")],
)
def test_a_hole_that_cannot_be_used(arrange: Arrange, hole: list[float], message: str) -> None:
    scene = arrange(hole=hole)
    success, said = scene.begin()
    assert not success
    assert message in said
    scene.ros.tick()
    assert scene.commands == []


def test_start_without_readings_or_pose(arrange: Arrange) -> None:
    scene = arrange()
    success, said = scene.ros.call("~/start")
    assert (success, said.split(" ")[0]) == (False, "0")
    for row in scene.robot.free_readings.tolist():
        scene.ros.send_wrench(row, "peg_flange")
    success, said = scene.ros.call("~/start")
    assert not success
    assert "pose is nan s old" in said
    scene.measure()
    scene.ros.advance(0.1)
    success, said = scene.ros.call("~/start")
    assert not success
    assert "wrench is 0.1 s old" in said
    assert scene.states == ["idle"]


def test_start_twice(arrange: Arrange) -> None:
    scene = arrange()
    assert scene.begin()[0]
    assert scene.ros.call("~/start") == (False, "an insertion is running: call ~/stop first")


def test_start_with_readings_that_are_none(arrange: Arrange) -> None:
    scene = arrange()
    scene.robot.free_readings[3] = nan
    success, said = scene.begin()
    assert not success
    assert "reading 3 is not" in said


def run_on(scene: Scene, *, wrench: bool = True, pose: bool = True, value: Any = None) -> None:
    """Ten good periods, then one without this or that until the end."""
    assert scene.begin()[0]
    scene.measure()
    for number in range(300):
        if not scene.step():
            return
        good = number < 10
        if wrench or good:
            scene.ros.send_wrench(scene.robot.reading if good or value is None else value, "peg_flange")
        if pose or good:
            scene.ros.send_pose(scene.robot.pose, "base")


@pytest.mark.parametrize("missing", [{"wrench": False}, {"pose": False}, {"value": [nan] * 6}])
def test_measurements_that_cease_end_with_fault(arrange: Arrange, missing: Any) -> None:
    scene = arrange()
    run_on(scene, **missing)
    assert scene.state == "fault"
    assert 100 < len(scene.commands) < 125  # max_age, then safety.stop
    last = [sent.pose.position.z for sent in scene.commands[-5:]]
    assert np.ptp(last) < 1e-6


def test_a_wrong_rate_ends(arrange: Arrange) -> None:
    scene = arrange()
    assert scene.begin()[0]
    scene.measure()
    while scene.step():
        scene.ros.advance(PERIOD)  # once more: 100 Hz
        scene.measure()
    assert scene.state == "wrong_rate"
    assert "100 Hz" in scene.ros.log.infos[-1]


def test_another_frame_is_not_used(arrange: Arrange) -> None:
    scene = arrange()
    for _ in range(SAMPLES):
        scene.ros.send_wrench([0.0] * 6, "tool0")
    scene.ros.send_pose(scene.robot.pose, "world")
    (wrench, throttled), (pose, _) = scene.ros.log.errors[-2:]
    assert "'tool0'" in wrench
    assert "'peg_flange'" in wrench
    assert "'world'" in pose
    assert throttled == 5.0
    assert not scene.ros.call("~/start")[0]


def test_each_insertion_is_recorded_in_a_file_of_its_own(arrange: Arrange, tmp_path: Path) -> None:
    taken = tmp_path / "small-0001.csv"
    taken.write_text("mine")
    scene = arrange(recording=str(tmp_path))
    scene.begin()
    scene.measure()
    scene.step()
    scene.measure([100.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    scene.step()
    at_start(scene.robot, 0)
    scene.begin()
    for _ in range(3):
        scene.measure()
        scene.step()
    scene.ros.call("~/stop")
    scene.ros.call("~/stop")
    assert taken.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"small-000{n}.csv" for n in (1, 2, 3)]
    first, second = (Recording.load(tmp_path / f"small-000{n}.csv") for n in (2, 3))
    assert first.states == ["running", "force_limit"]
    assert len(second) == 3


def test_a_disk_that_is_full_does_not_end_the_node(
    arrange: Arrange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = arrange(recording=str(tmp_path))

    def full(*arguments: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Recording, "save", full)
    scene.begin()
    scene.measure()
    scene.step()
    assert scene.ros.call("~/stop")[0]
    assert "no space left" in scene.ros.log.errors[-1][0]


def test_spin_ends_with_ctrl_c(arrange: Arrange) -> None:
    scene = arrange()
    scene.ros.values.clear()
    ros2.spin()
    assert not scene.ros.running


@pytest.mark.parametrize("module", ["rclpy.node", "geometry_msgs.msg", "std_srvs.srv"])
def test_without_ros(arrange: Arrange, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    arrange()
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"{module} is not there: source a ROS 2 workspace"):
        ros2.BundleNode()
