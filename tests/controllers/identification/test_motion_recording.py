"""Recordings as files, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from plants import Plant, record

from assembly_rl.controllers.bundles import Recording
from assembly_rl.controllers.identification import MotionRecording
from assembly_rl.controllers.identification.channels import coordinates, rotations
from assembly_rl.controllers.se3 import quat_conjugate, quat_log, quat_multiply, rotation_matrix
from assembly_rl.controllers.validation import InputError


@pytest.fixture(scope="module")
def recording() -> MotionRecording:
    return record(Plant(tilt=0.3), duration=1.0)


def test_a_file_has_the_same_rows(tmp_path: Path, recording: MotionRecording) -> None:
    recording.save(tmp_path / "a.csv")
    again = MotionRecording.load(tmp_path / "a.csv")
    for name, value in vars(recording).items():
        assert np.array_equal(value, getattr(again, name)), name
    assert (tmp_path / "a.csv").read_text().startswith("# units = s m N Nm\ntime,command_x,")
    with pytest.raises(FileExistsError):
        recording.save(tmp_path / "a.csv")


def test_the_recording_of_a_bundle_is_one(tmp_path: Path, recording: MotionRecording) -> None:
    rows = [
        (np.nan, time, *wrench, *pose, *command, 0, "running")
        for time, wrench, pose, command in zip(
            recording.times, recording.wrenches, recording.poses, recording.commands, strict=True
        )
    ]
    hole = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))
    Recording.of_rows(hole, [0.0] * 6, rows).save(tmp_path / "bundle.csv")
    found = MotionRecording.load(tmp_path / "bundle.csv")
    assert np.array_equal(found.commands, recording.commands)
    assert set(found.phases) == {"free"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("# units = s m N Nm", "# units = s mm N Nm", "units must be 's m N Nm'"),
        (",phase", ",stage", "unknown column 'stage'"),
        ("command_x", "command", "no column 'command_x'"),
        (",rest", ",idle", "row 1: phase must be one of rest, free, contact, other"),
    ],
)
def test_a_file_that_is_none(
    tmp_path: Path, recording: MotionRecording, old: str, new: str, told: str
) -> None:
    recording.save(tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text().replace(old, new, 1)
    (tmp_path / "b.csv").write_text(text)
    with pytest.raises(InputError, match=f"b.csv.*{told}"):
        MotionRecording.load(tmp_path / "b.csv")


def remade(recording: MotionRecording, **changes: np.ndarray) -> MotionRecording:
    return MotionRecording(**({name: value.copy() for name, value in vars(recording).items()} | changes))


def test_a_clock_that_runs_backwards_or_jumps(recording: MotionRecording) -> None:
    times = recording.times.copy()
    times[100:] -= 0.1
    with pytest.raises(InputError, match="row 101: the clock goes from .* must rise"):
        remade(recording, times=times)
    times = recording.times.copy()
    times[100:] += 3.0
    with pytest.raises(InputError, match="row 101: the clock jumps .* by 3.* s: record again"):
        remade(recording, times=times)


def test_too_many_rows_are_missing(recording: MotionRecording) -> None:
    keep = np.arange(len(recording)) % 8 < 5
    with pytest.raises(InputError, match="% of the rows are missing"):
        MotionRecording(**{name: value[keep] for name, value in vars(recording).items()})


@pytest.mark.parametrize(
    ("name", "row", "value", "told"),
    [
        ("wrenches", 7, np.nan, "row 8: wrenches of a recording must be finite"),
        ("poses", 7, 0.2, "row 8: the quaternion of poses must be unit"),
        ("commands", 7, 2e3, "row 8: the quaternion of commands must be unit"),
    ],
)
def test_values_that_are_refused(
    recording: MotionRecording, name: str, row: int, value: float, told: str
) -> None:
    values = getattr(recording, name).copy()
    values[row] = value
    with pytest.raises(InputError, match=told):
        remade(recording, **{name: values})


def test_millimetres_are_refused(recording: MotionRecording) -> None:
    poses = recording.poses.copy()
    poses[3, 0] = 1200.0
    with pytest.raises(InputError, match="row 4: a position of poses .* must be in metres"):
        remade(recording, poses=poses)


def test_marks(recording: MotionRecording) -> None:
    marked = recording.marked([[1.0, 2.0], [4.0, 4.5]])
    inside = (recording.times >= 1.0) & (recording.times <= 2.0)
    assert set(marked.phases[inside]) == {"contact"}
    assert "contact" not in recording.phases
    with pytest.raises(InputError, match="begin < end"):
        recording.marked([[2.0, 1.0]])
    with pytest.raises(InputError, match="has no row"):
        recording.marked([[1e4, 2e4]])


def test_coordinates_are_those_of_se3(recording: MotionRecording) -> None:
    origin = recording.poses[5]
    found, turned = coordinates(recording.poses, origin), rotations(recording.poses)
    back = quat_conjugate(tuple(origin[3:].tolist()))
    for row in range(0, len(recording), 97):
        quaternion = tuple(recording.poses[row, 3:].tolist())
        assert found[3:, row] == pytest.approx(quat_log(quat_multiply(back, quaternion)), abs=1e-9)
        assert turned[row] == pytest.approx(np.reshape(rotation_matrix(quaternion), (3, 3)), abs=1e-9)
