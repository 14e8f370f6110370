"""Video of an episode: the scene, and beside it depth and force over time."""

import importlib
from collections.abc import Iterator
from itertools import chain
from math import ceil
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from assembly_rl.controllers.validation import InputError
from assembly_rl.reports.style import BLUE, GREEN, GREY, INK, PURPLE, VERMILION, legend, new_figure, tidy
from assembly_rl.reports.trace import Trace, draw_depth, phase_patches, shade_phases

GIF_RATE = 12.0
"""Highest frame rate of a GIF [Hz]."""

GIF_WIDTH = 800
"""Width of a GIF [pixels]."""

GIF_COLOURS = 192
"""Number of colours of a GIF."""

HOLD = 1.0
"""Display time of the last picture [s]."""


def write_video(trace: Trace, path: Path, speed: float = 1.0) -> None:
    """Write an episode as ``.mp4`` (H.264) or as ``.gif``.

    Args:
        trace: Record of the episode, with frames.
        path: File of the video; its suffix selects the format.
        speed: Playback speed; 0.5 is slow motion.

    Raises:
        ValueError: The trace has no frames, or the suffix is unknown.
        ImportError: The extra [video] is missing, which a GIF does not need.
    """
    if not trace.frames:
        raise InputError("the trace has no frames: record_episode(..., frames=True)")
    rate = trace.rate * speed
    stride = ceil(rate / GIF_RATE) if path.suffix == ".gif" else 1
    write_pictures(_pictures(trace, stride), path, rate / stride)


def write_pictures(pictures: Iterator[Image.Image], path: Path, rate: float) -> None:
    """Write pictures of one size as ``.mp4`` (H.264) or as ``.gif``; the last one is held.

    Args:
        pictures: At least one picture.
        path: File of the video; its suffix selects the format.
        rate: Pictures in a second; browsers slow a GIF of many more than ``GIF_RATE`` down.

    Raises:
        ValueError: The suffix is unknown.
        ImportError: The extra [video] is missing, which a GIF does not need.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".mp4":
        _write_mp4(pictures, path, rate)
    elif path.suffix == ".gif":
        _write_gif(pictures, path, 1.0 / rate)
    else:
        raise InputError(f"the suffix must be .mp4 or .gif, got {path.name!r}")


def _write_mp4(pictures: Iterator[Image.Image], path: Path, rate: float) -> None:
    try:
        ffmpeg = importlib.import_module("imageio_ffmpeg")
    except ImportError as error:
        raise ImportError("MP4 videos need ffmpeg: pip install assembly_rl[video]") from error
    picture = next(pictures)
    even = (picture.width // 2 * 2, picture.height // 2 * 2)  # as H.264 with yuv420p requires
    writer = ffmpeg.write_frames(
        str(path), even, fps=rate, codec="libx264", pix_fmt_out="yuv420p", quality=None, macro_block_size=2,
        output_params=["-crf", "20", "-preset", "veryfast", "-movflags", "+faststart"],
        ffmpeg_log_level="error",
    )  # fmt: skip
    writer.send(None)
    try:
        for each in chain([picture], pictures):
            image = each.crop((0, 0, *even)).tobytes()
            writer.send(image)
        for _ in range(round(HOLD * rate)):
            writer.send(image)
    finally:
        writer.close()


def _write_gif(pictures: Iterator[Image.Image], path: Path, period: float) -> None:
    small = []
    for picture in pictures:
        height = round(picture.height * GIF_WIDTH / picture.width)
        small.append(picture.resize((GIF_WIDTH, height), Image.Resampling.LANCZOS))
    sample = small[-1].copy()  # one palette for all frames avoids flicker
    for index, colour in enumerate((BLUE, GREEN, GREY, INK, PURPLE, VERMILION)):
        sample.paste(colour, (0, 30 * index, 60, 30 * index + 30))  # thin lines keep their colours
    palette = sample.quantize(GIF_COLOURS)
    still = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in small]
    durations = [round(1e3 * period)] * (len(still) - 1) + [round(1e3 * HOLD)]
    still[0].save(path, save_all=True, append_images=still[1:], duration=durations, loop=0, optimize=True)


def _pictures(trace: Trace, stride: int) -> Iterator[Image.Image]:
    """Yield scene and curves of every stride-th step, including the last one."""
    height, width, _ = trace.frames[0].shape
    plot = _Plot(trace, height)
    font, small = ImageFont.load_default(height / 24), ImageFont.load_default(height / 34)
    last = len(trace.frames) - 1
    for step in range(last % stride, last + 1, stride):
        picture = Image.new("RGB", (width + plot.width, height))
        picture.paste(Image.fromarray(trace.frames[step]))
        picture.paste(plot.at(step), (width, 0))
        draw = ImageDraw.Draw(picture)
        draw.text((height / 30, height / 34), f"{trace.time[step]:.2f} s", INK, font)
        draw.text((height / 5, height / 24), f"{trace.part}, episode {trace.seed}", INK, small)
        if step == last:
            _stamp(draw, trace, width, height)
        yield picture


def _stamp(draw: ImageDraw.ImageDraw, trace: Trace, width: int, height: int) -> None:
    colour = GREEN if trace.result == "success" else VERMILION
    middle, half = (0.785 * width, 0.1 * height), 0.045 * height
    font = ImageFont.load_default(height / 24)
    reach = 0.5 * draw.textlength(trace.title, font) + half
    box = (middle[0] - reach, middle[1] - half, middle[0] + reach, middle[1] + half)
    draw.rounded_rectangle(box, half, colour)
    draw.text(middle, trace.title, "white", font, "mm")


class _Plot:
    """Plot of depth and force, drawn once without and once with the curves; a cursor divides the two.

    Args:
        trace: Record of the episode.
        height: Height of the picture [pixels].
    """

    def __init__(self, trace: Trace, height: int) -> None:
        figure = new_figure(4.0, 4.8, dpi=height / 4.8)
        depth, force = figure.subplots(2, 1, sharex=True)
        draw_depth(depth, trace)
        tidy(force, "force [N]", "time [s]")
        force.plot(trace.time, trace.peak_force, color=GREY, linewidth=1.0, label="peak |F|")
        force.plot(trace.time, trace.wrench[:, 2], color=VERMILION, linewidth=2.0, label="$F_z$")
        force.set_ylim(*_margins(trace))
        shades = [shade for axes in (depth, force) for shade in shade_phases(axes, trace)]
        legend(force, place="upper left")
        patches = phase_patches(trace)
        place = {"loc": "upper right", "bbox_to_anchor": (0.97, 0.82)}
        depth.legend(handles=patches, fontsize=8, framealpha=0.85, edgecolor="none", **place)
        self._curves = _draw(figure)
        for drawn in (*depth.lines[:1], *force.lines[-2:], *shades):
            drawn.set_visible(False)
        self._empty = _draw(figure)
        self.width = self._empty.width
        self._dots = [
            (
                colour,
                [(x, height - y) for x, y in axes.transData.transform(np.column_stack((trace.time, values)))],
            )
            for axes, values, colour in (
                (depth, 1e3 * trace.depth, BLUE),
                (force, trace.wrench[:, 2], VERMILION),
            )
        ]
        low, high = force.bbox.y0, depth.bbox.y1
        self._top, self._bottom = height - high, height - low

    def at(self, step: int) -> Image.Image:
        """Return the plot at a step of the episode."""
        picture = self._empty.copy()
        x = self._dots[0][1][step][0]
        picture.paste(self._curves.crop((0, 0, round(x), picture.height)))
        draw = ImageDraw.Draw(picture)
        draw.line((x, self._top, x, self._bottom), INK, 1)
        for colour, points in self._dots:
            x, y = points[step]
            draw.ellipse((x - 4, y - 4, x + 4, y + 4), colour)
        return picture


def _draw(figure: Figure) -> Image.Image:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def _margins(trace: Trace) -> tuple[float, float]:
    low = min(0.0, float(trace.wrench[:, 2].min()))
    high = max(1.0, float(trace.peak_force.max()))
    return low - 0.05 * (high - low), high + 0.25 * (high - low)
