"""Recordings for an identification from rosbag2 and MCAP files, read by the library rosbags."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.identification import MotionRecording
from assembly_rl.controllers.validation import InputError

Array = NDArray[np.float64]
TYPES = {"command": "PoseStamped", "pose": "PoseStamped", "wrench": "WrenchStamped"}
FEWEST = 100
"""Fewest messages of a topic."""


def is_bag(path: Path) -> bool:
    """Return True for the folder of a rosbag2, or a file of its storage."""
    return path.is_dir() or path.suffix.lower() in (".mcap", ".db3", ".bag")


def read_bag(path: Path, command: str, pose: str, wrench: str) -> MotionRecording:
    """Read a recording; its rows are at the times of the commands, by ``header.stamp``.

    Pose and wrench are interpolated linearly to these times, which delays neither.

    Args:
        path: Folder of a rosbag2.
        command: Topic of the commands, PoseStamped.
        pose: Topic of the measured poses of the same frame, PoseStamped.
        wrench: Topic of the wrenches that the environment applies, in that frame, WrenchStamped.

    Raises:
        ImportError: The library rosbags is not installed.
        ValueError: The bag cannot be read, or a topic is missing, of another type or too short.
    """
    topics = {"command": command, "pose": pose, "wrench": wrench}
    tables = {name: np.array(rows, dtype=np.float64) for name, rows in _messages(path, topics).items()}
    for name, table in tables.items():
        if len(table) < FEWEST:
            raise InputError(f"{path}: {topics[name]} has {len(table)} messages, too few to identify a robot")
        back = np.diff(table[:, 0]) <= 0.0
        if back.any():
            raise InputError(
                f"{path}: header.stamp of {topics[name]} does not rise at message "
                f"{int(np.argmax(back)) + 2}: "
                "every message needs the time of its measurement"
            )
    begin = max(table[0, 0] for table in tables.values())
    end = min(table[-1, 0] for table in tables.values())
    commands = tables["command"]
    commands = commands[(commands[:, 0] >= begin) & (commands[:, 0] <= end)]
    times = commands[:, 0]
    if len(times) < FEWEST:
        raise InputError(
            f"{path}: the topics overlap in {len(times)} commands only: are their clocks the same?"
        )
    measured = {name: _interpolated(times, tables[name]) for name in ("pose", "wrench")}
    poses = measured["pose"]
    poses[:, 3:] /= np.linalg.norm(poses[:, 3:], axis=1, keepdims=True)
    try:
        return MotionRecording(times - times[0], commands[:, 1:], poses, measured["wrench"])
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _interpolated(times: Array, table: Array) -> Array:
    """Interpolate rows to times; quaternions go the shorter way."""
    values = table[:, 1:].copy()
    if values.shape[1] == 7:
        turned = np.sum(values[1:, 3:] * values[:-1, 3:], axis=1) < 0.0
        signs = np.concatenate([[1.0], np.cumprod(np.where(turned, -1.0, 1.0))])
        values[:, 3:] *= signs[:, None]
    return np.stack([np.interp(times, table[:, 0], column) for column in values.T], axis=1)


def _messages(path: Path, topics: dict[str, str]) -> dict[str, list[tuple[float, ...]]]:
    try:
        highlevel = import_module("rosbags.highlevel")
        stores = import_module("rosbags.typesys")
    except ImportError as error:
        raise ImportError("a bag needs rosbags: pip install 'assembly_rl[rosbag]'") from error
    rows: dict[str, list[tuple[float, ...]]] = {name: [] for name in topics}
    zero: int | None = None
    try:
        store = stores.get_typestore(stores.Stores.ROS2_HUMBLE)
        with highlevel.AnyReader([path], default_typestore=store) as reader:
            connections = {name: list(_of_topic(path, reader, topics[name], TYPES[name])) for name in topics}
            for name, own in connections.items():
                for connection, _, raw in reader.messages(own):
                    message = reader.deserialize(raw, connection.msgtype)
                    zero = message.header.stamp.sec if zero is None else zero
                    rows[name].append(_row(message, zero))
    except InputError:
        raise
    except (highlevel.AnyReaderError, OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a bag: {error}") from None
    return rows


def _of_topic(path: Path, reader: Any, topic: str, kind: str) -> Iterator[Any]:
    """Yield the connections of a topic."""
    found = [connection for connection in reader.connections if connection.topic == topic]
    if not found:
        known = ", ".join(sorted({connection.topic for connection in reader.connections}))
        raise InputError(f"{path} has no topic {topic!r}; it has {known or 'none'}")
    for connection in found:
        if connection.msgtype.rpartition("/")[2] != kind:
            raise InputError(f"{path}: {topic} must be {kind}, it is {connection.msgtype}")
        yield connection


def _row(message: Any, zero: int) -> tuple[float, ...]:
    """Return time, and position and quaternion, or force and torque.

    Args:
        message: Message with a header.
        zero: Second from which time is counted, so that a float keeps its nanoseconds.
    """
    stamp = message.header.stamp
    time = (stamp.sec - zero) + 1e-9 * stamp.nanosec
    if hasattr(message, "pose"):
        p, q = message.pose.position, message.pose.orientation
        return time, p.x, p.y, p.z, q.x, q.y, q.z, q.w
    f, m = message.wrench.force, message.wrench.torque
    return time, f.x, f.y, f.z, m.x, m.y, m.z
