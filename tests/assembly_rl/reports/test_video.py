from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assembly_rl.reports import video
from assembly_rl.reports.trace import Trace
from assembly_rl.reports.video import write_video


def test_mp4_has_every_step_and_holds_the_last(trace: Trace, tmp_path: Path) -> None:
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    write_video(trace, tmp_path / "episode.mp4", speed=0.5)
    reader = imageio_ffmpeg.read_frames(str(tmp_path / "episode.mp4"))
    properties = next(reader)
    assert (properties["codec"], properties["pix_fmt"][:7], properties["fps"]) == ("h264", "yuv420p", 10.0)
    width, height = properties["source_size"]
    assert (width % 2, height) == (0, 480)
    frames = [np.frombuffer(frame, np.uint8).astype(int) for frame in reader]
    assert len(frames) == 13 + 10
    assert np.abs(frames[12] - frames[-1]).mean() < 1.0 < np.abs(frames[0] - frames[12]).mean()


def test_odd_frames_make_an_even_video(trace: Trace, tmp_path: Path) -> None:
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    odd = replace(trace, frames=[frame[:241, :321] for frame in trace.frames])
    write_video(odd, tmp_path / "odd.mp4")
    size = next(imageio_ffmpeg.read_frames(str(tmp_path / "odd.mp4")))["source_size"]
    assert (size[0] % 2, size[1]) == (0, 240)


def test_gif_is_small_and_slow_enough(trace: Trace, tmp_path: Path) -> None:
    path = tmp_path / "episode.gif"
    write_video(trace, path)
    with Image.open(path) as picture:
        assert (picture.n_frames, picture.width) == (7, video.GIF_WIDTH)  # every other step: 10 Hz
        assert picture.info["duration"] == 100
        picture.seek(6)
        assert picture.info["duration"] == 1000
    assert path.stat().st_size < 2.5e6


def test_refusals_say_what_to_do(trace: Trace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"record_episode\(..., frames=True\)"):
        write_video(replace(trace, frames=[]), tmp_path / "episode.mp4")
    with pytest.raises(ValueError, match=r"\.mp4 or \.gif, got 'episode.avi'"):
        write_video(trace, tmp_path / "episode.avi")
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    with pytest.raises(ImportError, match=r"pip install assembly_rl\[video\]"):
        write_video(trace, tmp_path / "episode.mp4")
    assert not list(tmp_path.iterdir())
