"""Recordings from bags that rosbags itself has written."""

from math import sin
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assembly_rl.controllers.validation import InputError
from assembly_rl.deployment.rosbag import is_bag, read_bag

rosbag2 = pytest.importorskip("rosbags.rosbag2")
typesys = pytest.importorskip("rosbags.typesys")

TOPICS = ("/command", "/pose", "/wrench")


def write(path: Path, mcap: bool = True, rows: int = 400, back: int | None = None) -> Path:
    """Commands at 100 Hz, poses at 500 Hz and wrenches at 250 Hz of a robot that follows at once."""
    store = typesys.get_typestore(typesys.Stores.ROS2_HUMBLE)
    types = store.types
    header, stamp = types["std_msgs/msg/Header"], types["builtin_interfaces/msg/Time"]
    pose, stamped = types["geometry_msgs/msg/Pose"], types["geometry_msgs/msg/PoseStamped"]
    point, quaternion = types["geometry_msgs/msg/Point"], types["geometry_msgs/msg/Quaternion"]
    vector, wrench = types["geometry_msgs/msg/Vector3"], types["geometry_msgs/msg/Wrench"]
    wrench_stamped = types["geometry_msgs/msg/WrenchStamped"]

    def place(time: float, sign: float) -> Any:
        half = 0.05 * sin(3.0 * time)
        turned = quaternion(sign * np.sin(half), 0.0, 0.0, sign * np.cos(half))
        return pose(point(0.01 * sin(4.0 * time), 0.0, 0.2), turned)

    plugin = rosbag2.StoragePlugin.MCAP if mcap else rosbag2.StoragePlugin.SQLITE3
    with rosbag2.Writer(path, version=9, storage_plugin=plugin) as writer:
        connections = [
            writer.add_connection(topic, kind.__msgtype__, typestore=store)
            for topic, kind in zip(TOPICS, (stamped, stamped, wrench_stamped), strict=True)
        ]
        for number in range(rows * 5):
            nano = 1_700_000_000 * 10**9 + number * 2_000_000
            time = number * 0.002
            own = header(stamp(nano // 10**9, nano % 10**9), "base")
            late = header(stamp(nano // 10**9 - 1, nano % 10**9), "base") if number == back else own
            sign = -1.0 if number % 7 == 0 else 1.0  # the same orientation
            sent = [
                stamped(late, place(time, sign)) if number % 5 == 0 else None,
                stamped(own, place(time, sign)),
            ]
            pushed = wrench(vector(1.0, 2.0, sin(time)), vector(0.1, 0.2, 0.3))
            sent.append(wrench_stamped(own, pushed) if number % 2 == 0 else None)
            for connection, message in zip(connections, sent, strict=True):
                if message is not None:
                    writer.write(connection, nano, store.serialize_cdr(message, connection.msgtype))
    return path


@pytest.mark.parametrize("mcap", [True, False])
def test_a_bag_is_read(tmp_path: Path, mcap: bool) -> None:
    path = write(tmp_path / "bag", mcap)
    assert is_bag(path) and not is_bag(tmp_path / "a.csv")
    found = read_bag(path, *TOPICS)
    assert len(found) == 400
    assert found.period == pytest.approx(0.01)
    times = found.times
    assert found.commands[:, 0] == pytest.approx(0.01 * np.sin(4.0 * times), abs=1e-9)
    assert found.poses[:, 0] == pytest.approx(0.01 * np.sin(4.0 * times), abs=1e-6)
    assert set(found.marked([[1.0, 2.0]]).phases) == {"free", "contact"}
    turned = np.abs(np.sum(found.poses[:, 3:] * found.commands[:, 3:], axis=1))
    assert turned == pytest.approx(1.0, abs=1e-9)
    assert found.wrenches[:, 2] == pytest.approx(np.sin(times), abs=1e-5)


def test_a_file_of_mcap_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "bag")
    (file,) = path.glob("*.mcap")
    assert len(read_bag(file, *TOPICS)) == len(read_bag(path, *TOPICS))


def test_bags_that_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "bag")
    with pytest.raises(InputError, match="no topic '/target'; it has /command, /pose, /wrench"):
        read_bag(path, "/target", *TOPICS[1:])
    with pytest.raises(
        InputError, match="/wrench must be PoseStamped, it is geometry_msgs/msg/WrenchStamped"
    ):
        read_bag(path, "/command", "/wrench", "/wrench")
    with pytest.raises(InputError, match="/command has 20 messages, too few"):
        read_bag(write(tmp_path / "short", rows=20), *TOPICS)
    with pytest.raises(InputError, match="header.stamp of /command does not rise at message 101"):
        read_bag(write(tmp_path / "back", back=500), *TOPICS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="cannot be read as a bag"):
        read_bag(tmp_path / "empty", *TOPICS)
