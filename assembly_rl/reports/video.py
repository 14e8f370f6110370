"""An episode as a video: the scene, and beside it depth and force as they develop."""

import importlib
from collections.abc import Iterator
from math import ceil
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from assembly_rl.reports.style import INK
from assembly_rl.reports.trace import Trace

GIF_RATE = 12.0
"""Most pictures a second of a GIF [Hz]."""

GIF_WIDTH = 720
"""Width of a GIF [pixels]."""

GIF_COLOURS = 96
HOLD = 1.0
"""Time for which the last picture stays [s]."""


def write_video(trace: Trace, path: Path, speed: float = 1.0) -> None:
    """Write an episode as ``.mp4`` (H.264) or as ``.gif``.

    Args:
        trace: Recorded with frames.
        path: The file; its suffix chooses the format.
        speed: Of playing; 0.5 is slow motion.

    Raises:
        ValueError: The trace has no frames, or the suffix is another one.
        ImportError: The extra [video] is missing; a GIF does without.
    """
    if not trace.frames:
        raise ValueError("the trace has no frames: record_episode(..., frames=True)")
    path.parent.mkdir(parents=True, exist_ok=True)
    rate = trace.rate * speed
    if path.suffix == ".mp4":
        _write_mp4(_pictures(trace, 1), path, rate)
    elif path.suffix == ".gif":
        stride = ceil(rate / GIF_RATE)
        _write_gif(_pictures(trace, stride), path, stride / rate)
    else:
        raise ValueError(f"the suffix must be .mp4 or .gif, got {path.name!r}")


def _write_mp4(pictures: Iterator[Image.Image], path: Path, rate: float) -> None:
    try:
        ffmpeg = importlib.import_module("imageio_ffmpeg")
    except ImportError as error:
        raise ImportError("MP4 videos need ffmpeg: pip install assembly_rl[video]") from error
    picture = next(pictures)
    even = (picture.width // 2 * 2, picture.height // 2 * 2)  # as H.264 with yuv420p wants it
    writer = ffmpeg.write_frames(
        str(path), even, fps=rate, codec="libx264", pix_fmt_out="yuv420p", quality=None, macro_block_size=2,
        output_params=["-crf", "20", "-preset", "veryfast", "-movflags", "+faststart"],
        ffmpeg_log_level="error",
    )  # fmt: skip
    writer.send(None)
    try:
        writer.send(picture.crop((0, 0, *even)).tobytes())
        for picture in pictures:  # noqa: B007 (the last one is used)
            writer.send(picture.crop((0, 0, *even)).tobytes())
        for _ in range(round(HOLD * rate)):
            writer.send(picture.crop((0, 0, *even)).tobytes())
    finally:
        writer.close()


def _write_gif(pictures: Iterator[Image.Image], path: Path, period: float) -> None:
    small = []
    for picture in pictures:
        height = round(picture.height * GIF_WIDTH / picture.width)
        small.append(picture.resize((GIF_WIDTH, height), Image.Resampling.LANCZOS))
    palette = small[-1].quantize(GIF_COLOURS)  # one for all: what does not move does not flicker
    still = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in small]
    durations = [round(1e3 * period)] * (len(still) - 1) + [round(1e3 * HOLD)]
    still[0].save(path, save_all=True, append_images=still[1:], duration=durations, loop=0, optimize=False)


def _pictures(trace: Trace, stride: int) -> Iterator[Image.Image]:
    """Scene and curves of every stride-th step, counted so that the last one is among them."""
    height, width, _ = trace.frames[0].shape
    ahead, done, columns, points = _curves(trace, height)
    last = len(trace.frames) - 1
    for step in range(last % stride, last + 1, stride):
        picture = Image.new("RGB", (width + ahead.width, height))
        picture.paste(Image.fromarray(trace.frames[step]))
        picture.paste(ahead, (width, 0))
        picture.paste(done.crop((0, 0, columns[step], height)), (width, 0))
        draw = ImageDraw.Draw(picture)
        x = width + columns[step]
        draw.line((x, points[0][step][1], x, points[-1][step][2]), INK, 1)
        for line in points:
            y, radius = line[step][0], height / 110
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), line[step][3])
        font = ImageFont.load_default(height / 24)
        draw.text((height / 30, height / 34), f"{trace.time[step]:.2f} s", INK, font)
        if step == last:
            _stamp(draw, trace, width, height)
        yield picture
