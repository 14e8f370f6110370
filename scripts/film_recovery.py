"""Film a recovery: an attempt that ends, the retreat, and the next attempt, with what the controller knows.

    python scripts/film_recovery.py --film docs/images/recovery.gif --picture docs/images/recovery.png

The shipped generalist acts with the supervisor in ``task=far``, in the setting "for these conditions", as the
entry "supervisor" of ``try_supervisor.py``. Beside the picture of the engine are the phase, the attempt, and
the contact state that the shipped recogniser sees; below it are true depth and largest force over time. The
picture has the moments at which the first two attempts change phases, and the end.
"""

import argparse
import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.patches import Patch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from try_supervisor import ENTRIES  # isort: skip

from assembly_rl.controllers.insertion.phases import Attempt, Phase
from assembly_rl.controllers.recognition import load_recognizer
from assembly_rl.controllers.se3 import quat_log
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs import PegInHoleEnv, make_environment
from assembly_rl.envs.geometry.part_family import PartFamily
from assembly_rl.evaluation import Policy
from assembly_rl.evaluation.episodes import Row, run_episode
from assembly_rl.reports.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    LIGHT,
    PHASE_COLOURS,
    VERMILION,
    new_figure,
    tidy,
)
from assembly_rl.reports.video import GIF_RATE, write_pictures

PANEL, STRIP = 380, 250
"""Width of the panel beside the picture of the engine and height of the strip below both [pixels]."""
WORDS = {
    Phase.approach: "down, until it touches",
    Phase.level: "pressed gently, until it lies flat",
    Phase.search: "policy, on the surface",
    Phase.insert: "policy, in the hole",
    Phase.recover: "retreat, compliantly",
    Phase.align: "to another start",
}
"""Phases in words."""


@dataclass(frozen=True)
class Moment:
    """Policy step of the episode.

    Attributes:
        picture: Picture of the engine (height, width, 3).
        time: Time since the start [s].
        phase: Phase of the step.
        ended: Attempts that ended.
        states: Contact state -> probability; empty before the first step.
        force: Largest force in the step [N].
        depth: True depth of the tip [m].
        result: Result of the episode, in its last step.
    """

    picture: NDArray[np.uint8]
    time: float
    phase: Phase
    ended: tuple[Attempt, ...]
    states: dict[str, float]
    force: float
    depth: float
    result: str

    @property
    def attempt(self) -> str:
        """Number of the attempt, and why the one before it ended."""
        if not self.ended:
            return "attempt 1"
        last = self.ended[-1]
        return f"attempt {len(self.ended) + 1}, after {last.reason} at {last.time:.1f} s"


def record(environment: PegInHoleEnv, policy: Policy, seed: int) -> list[Moment]:
    """Return the reset and the steps of an episode of an environment with ``rgb_array``."""
    recognizer, moments = load_recognizer(), list[Moment]()

    def watch(environment: PegInHoleEnv, info: Row, _: NDArray[np.float32]) -> None:
        if not moments:
            recognizer.reset()
        picture = environment.render()
        assert picture is not None
        moments.append(
            Moment(
                picture=picture,
                time=info["time"],
                phase=Phase(info["phase"]),
                ended=tuple(info["attempts"]),
                states=recognizer.read().states if moments else {},
                force=float(info["force"].max()) if moments else 0.0,
                depth=info["depth"],
                result=info.get("result", ""),
            )
        )

    environment.watch = recognizer.update
    run_episode(environment, policy, seed, watch)
    return moments


def key_moments(moments: Sequence[Moment]) -> list[tuple[str, int]]:
    """Return five labels and numbers of moments: search, its end, retreat, second attempt, end.

    Raises:
        ValueError: There was one attempt only, or the second one did not touch.
    """
    phases = [moment.phase for moment in moments]
    first = next((n for n, moment in enumerate(moments) if moment.ended), 0)
    second = next((n for n in range(first, len(phases)) if first and phases[n].of_policy), 0)
    if not second:
        raise InputError("the episode has no second attempt that touches: choose another part or seed")
    search = next(n for n, phase in enumerate(phases) if phase.of_policy)
    retreat = max(n for n in range(first, second) if phases[n] is Phase.recover)
    reason = moments[first].ended[0].reason
    why = {"jam": "stuck", "search": "hole not found"}.get(reason, f"{reason} near its limit")
    return [
        ("first search", (search + first) // 2),
        (f"{why} ({reason})", first - 1),
        ("retreat", retreat),
        ("second attempt, elsewhere", second),
        (moments[-1].result, len(moments) - 1),
    ]


class Strip:
    """Depth and force over time on the colours of the phases, drawn up to a moment.

    Args:
        moments: Moments of the episode.
        width: Width [pixels].
        height: Height [pixels].
        marks: Moments that get a number, from 1 on.
        dpi: Resolution [pixels per inch], which sets the size of the letters.
    """

    def __init__(
        self,
        moments: Sequence[Moment],
        width: int,
        height: int,
        marks: Sequence[int] = (),
        dpi: float = 100.0,
    ) -> None:
        figure = new_figure(width / dpi, height / dpi, dpi)
        upper, lower = figure.subplots(2, 1, sharex=True)
        tidy(upper, "true depth\n[mm]").invert_yaxis()
        tidy(lower, "force\n[N]", "time [s]")
        time = np.array([moment.time for moment in moments])
        curves = (
            *upper.plot(time, [1e3 * moment.depth for moment in moments], color=BLUE, linewidth=2.0),
            *lower.plot(time, [moment.force for moment in moments], color=VERMILION, linewidth=1.5),
        )
        upper.axhline(0.0, color=GREY, linewidth=1.0)
        shades = []
        for axes in (upper, lower):
            for start, end, phase in zip(time, time[1:], [m.phase for m in moments[1:]], strict=False):
                shades.append(axes.axvspan(start, end, color=PHASE_COLOURS[phase], linewidth=0.0, zorder=0))
            axes.set_xlim(0.0, time[-1])
        for number, mark in enumerate(marks, 1):
            upper.axvline(time[mark], color=INK, linewidth=1.0)
            lower.axvline(time[mark], color=INK, linewidth=1.0)
            place = {"xytext": (0.0, 4.0), "textcoords": "offset points", "ha": "center"}
            top = (time[mark], 1.0)
            upper.annotate(f"{number}", top, xycoords=("data", "axes fraction"), color=INK, **place)
        patches = [Patch(color=colour, label=phase.value) for phase, colour in PHASE_COLOURS.items()]
        figure.legend(
            handles=patches,
            loc="outside lower center",
            ncols=5 if width > 6 * dpi else 3,
            frameon=False,
            fontsize=9,
        )
        self.full = _drawn(figure)
        for artist in (*curves, *shades):
            artist.set_visible(False)
        self._empty = _drawn(figure)
        self._x = [round(x) for x, _ in upper.transData.transform([(t, 0.0) for t in time])]
        self._range = height - upper.bbox.y1, height - lower.bbox.y0

    def at(self, number: int) -> Image.Image:
        """Return the strip at a moment."""
        picture, x = self._empty.copy(), self._x[number]
        picture.paste(self.full.crop((0, 0, x, picture.height)))
        ImageDraw.Draw(picture).line((x, self._range[0], x, self._range[1]), INK, 2)
        return picture


def _drawn(figure: Any) -> Image.Image:
    figure.canvas.draw()
    return Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")


def _panel(moment: Moment, title: Sequence[str], height: int) -> Image.Image:
    """Return what is known at a moment, in words and bars."""
    panel = Image.new("RGB", (PANEL, height), "white")
    draw, large, small = ImageDraw.Draw(panel), ImageFont.load_default(24), ImageFont.load_default(16)
    left, right = 20, PANEL - 20
    for row, line in enumerate(title):
        draw.text((left, 8 + 20 * row), line, GREY, small)
    draw.text((left, 76), moment.attempt, VERMILION if moment.ended else INK, ImageFont.load_default(20))
    draw.rounded_rectangle((left, 106, right, 166), 8, PHASE_COLOURS[moment.phase])
    draw.text((left + 12, 136), moment.phase.value, INK, large, "lm")
    draw.text((right - 12, 136), WORDS[moment.phase], INK, small, "rm")
    values = (f"{moment.time:.2f} s", f"{moment.force:.1f} N", f"{1e3 * moment.depth:.1f} mm")
    for column, (value, name) in enumerate(zip(values, ("time", "force", "true depth"), strict=True)):
        x = left + column * (PANEL - 40) // 3
        draw.text((x, 180), value, INK, large)
        draw.text((x, 209), name, GREY, small)
    draw.text((left, 246), "recognised contact state", GREY, small)
    best = max(moment.states, key=lambda name: moment.states[name], default="")
    for row, (state, probability) in enumerate(moment.states.items()):
        y, length = 282 + 26 * row, 150 * probability
        colour = INK if state == best else GREY
        draw.text((left, y), state.replace("_", " "), colour, small, "lm")
        draw.rectangle((left + 110, y - 8, left + 260, y + 8), LIGHT)
        draw.rectangle((left + 110, y - 8, left + 110 + length, y + 8), BLUE if state == best else GREY)
        draw.text((right, y), f"{100 * probability:.0f} %", colour, small, "rm")
    if moment.result:
        _stamp(draw, moment.result.replace("_", " "), (left, 106, right, 166))
    return panel


def _stamp(draw: ImageDraw.ImageDraw, text: str, box: tuple[int, int, int, int]) -> None:
    draw.rounded_rectangle(box, 8, GREEN if text == "success" else VERMILION)
    middle = (0.5 * (box[0] + box[2]), 0.5 * (box[1] + box[3]))
    draw.text(middle, text, "white", ImageFont.load_default(24), "mm")


def frame(moment: Moment, title: Sequence[str], strip: Image.Image) -> Image.Image:
    """Return a picture of the film."""
    height, width, _ = moment.picture.shape
    picture = Image.new("RGB", (width + PANEL, height + strip.height), "white")
    picture.paste(Image.fromarray(moment.picture))
    picture.paste(_panel(moment, title, height), (width, 0))
    picture.paste(strip, (0, height))
    return picture


def still(moments: Sequence[Moment], title: Sequence[str]) -> Image.Image:
    """Return the key moments in two rows, with depth and force over time."""
    keys = key_moments(moments)
    height, width, _ = moments[0].picture.shape
    head, bar, gap = 60, 124, 14
    columns, rows = 3 * (width + gap) + gap, 2 * (height + bar + gap) + head
    picture = Image.new("RGB", (columns, rows), "white")
    draw, large, small = ImageDraw.Draw(picture), ImageFont.load_default(34), ImageFont.load_default(28)
    draw.text((gap, head // 2), "; ".join(title), INK, small, "lm")
    for number, (label, place) in enumerate(keys):
        moment = moments[place]
        x, y = gap + number % 3 * (width + gap), head + number // 3 * (height + bar + gap)
        draw.rectangle((x, y, x + width - 1, y + bar - 1), PHASE_COLOURS[moment.phase])
        draw.text((x + 12, y + 25), f"{number + 1}  {label}", INK, large, "lm")
        state = max(moment.states, key=lambda name: moment.states[name])
        values = f"{moment.time:.1f} s, {moment.force:.0f} N, depth {1e3 * moment.depth:.1f} mm"
        seen = f"recognised: {state.replace('_', ' ')} {100 * moment.states[state]:.0f} %"
        draw.text((x + 12, y + 65), values, INK, small, "lm")
        draw.text((x + 12, y + 99), seen, INK, small, "lm")
        picture.paste(Image.fromarray(moment.picture), (x, y + bar))
    strip = Strip(moments, width, height + bar, [place for _, place in keys], dpi=170.0)
    picture.paste(strip.full, (columns - width - gap, rows - height - bar - gap))
    return picture


def write_film(moments: Sequence[Moment], title: Sequence[str], path: Path, rate: float) -> None:
    """Write the film, with every n-th moment and the last one."""
    stride = math.ceil(rate / GIF_RATE) if path.suffix == ".gif" else 1
    last = len(moments) - 1
    strip = Strip(moments, moments[0].picture.shape[1] + PANEL, STRIP)
    numbers = range(last % stride, last + 1, stride)
    write_pictures((frame(moments[n], title, strip.at(n)) for n in numbers), path, rate / stride)


def title_of(environment: PegInHoleEnv, seed: int) -> list[str]:
    """Return lines about the present episode: part and seed, clearance, error of the estimate."""
    position, rotation = environment.scene().nominal
    off = f"{1e3 * math.hypot(*position[:2]):.1f} mm, {math.degrees(math.hypot(*quat_log(rotation))):.1f} deg"
    return [
        f"{environment.part.label}, episode {seed}",
        f"clearance {1e3 * environment.part.clearance:.2f} mm",
        f"hole estimate off by {off}",
    ]


def main() -> None:
    """Write the film and the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--part", type=int, default=1_000_204, help="seed of the part in its family")
    parser.add_argument("--seed", type=int, default=2_000_018, help="seed of the episode")
    parser.add_argument("--speed", type=float, default=1.0, help="of the film; 2 is twice as fast")
    parser.add_argument("--film", type=Path, help=".gif or .mp4")
    parser.add_argument("--picture", type=Path, help=".png")
    arguments = parser.parse_args()
    entry = next(entry for entry in ENTRIES if entry.name == "supervisor")
    part = PartFamily().part(arguments.part)
    policy, task = entry.acting(part, "bullet")
    with closing(make_environment(part, task, "rgb_array")) as environment:
        moments = record(environment, policy, arguments.seed)
        title = title_of(environment, arguments.seed)
    for attempt in moments[-1].ended:
        print(f"attempt ended at {attempt.time:.2f} s: {attempt.reason}")
    print(f"{'; '.join(title)}: {moments[-1].result} at {moments[-1].time:.2f} s")
    if arguments.film:
        write_film(moments, title, arguments.film, arguments.speed * task.policy_rate)
    if arguments.picture:
        still(moments, title).save(arguments.picture, optimize=True)


if __name__ == "__main__":
    main()
