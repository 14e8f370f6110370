"""Tables of a part's measures, and of its fit and cost in the physics engines."""

from rich import box
from rich.table import Table
from rich.text import Text

from assembly_rl.controllers.validation import is_finite
from assembly_rl.envs.geometry.part import MAX_WALL
from assembly_rl.envs.geometry.polygons import region
from assembly_rl.evaluation.inspection import Inspection


def part_table(found: Inspection) -> Table:
    """Create a table with the measures of a part."""
    part, section = found.part, region(found.part.peg_outlines)
    low, high = _extent(found)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    floor = ", blind" if part.blind else ", through"
    rows = [
        ("section", f"{high[0] - low[0]:.2f} x {high[1] - low[1]:.2f} mm, {_solids(found)}"),
        ("area, perimeter", f"{1e6 * section.area:.1f} mm2, {1e3 * section.length:.1f} mm"),
        ("corners", str(sum(map(len, part.peg_outlines)))),
        ("clearance on each side", f"{1e3 * part.clearance:g} mm"),
        ("chamfer of hole, of tip", f"{1e3 * part.chamfer:g} mm, {1e3 * part.tip_chamfer:g} mm"),
        (
            "depth of hole, length of peg",
            f"{1e3 * part.hole_depth:g} mm{floor}, {1e3 * part.peg_length:g} mm",
        ),
        ("chamfers catch an error of", _guidance(found)),
        ("symmetry", _symmetry(found)),
        ("narrowest place of the peg", f"{1e3 * found.peg_width:.2f} mm"),
        ("thinnest place of the plate", _wall(found)),
        ("convex parts", f"{found.peg_parts} of the peg, {found.plate_parts} of the plate"),
    ]
    for name, text in rows:
        table.add_row(name, Text(text))
    return table


def engine_table(found: Inspection) -> Table:
    """Create a table with penetration, certificate and cost in every engine and at every rate tried."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption_justify="left", padding=(0, 2, 0, 0))
    table.add_column("engine, physics rate", no_wrap=True)
    for name in ("at rest\n[um]", "impact\n[um]", "allowed\n[um]"):
        table.add_column(Text(name), justify="right", no_wrap=True)
    table.add_column("fit")
    table.add_column(Text("policy step\n[ms]"), justify="right", no_wrap=True)
    for engine in found.engines:
        if engine.refusal:
            table.add_row(engine.name, "", "", "", Text(engine.refusal), "")
        for fit in engine.fits:
            last = fit is engine.fits[-1]
            bold = "bold" if last and engine is found.suggested else ""
            table.add_row(
                f"{fit.engine}, {fit.rate:g} Hz",
                *(f"{1e6 * value:.1f}" for value in (fit.rest, fit.impact, fit.bound)),
                "certified" if fit.certified else "not certified",
                f"{1e3 * engine.cost:.1f}" if last and is_finite(engine.cost) else "",
                style=bold,
            )
    table.caption = (
        "Penetration of a peg that stands on the rim with the task's largest force, and of tilted ones that "
        "hit it at 20 mm/s; a third of the clearance is allowed. Policy step: processor time in contact."
    )
    return table


def suggestion(found: Inspection) -> str:
    """Return the overrides that select the suggested engine and rate, each after a space, if they differ."""
    engine, text = found.suggested, ""
    if engine is not None and engine.name != found.task.physics.engine:
        text += f" task.physics.engine={engine.name}"
    if engine is not None and not engine.fits[-1].default:
        text += f" task.physics.rate={engine.fits[-1].rate:g}"
    return text


def _extent(found: Inspection) -> tuple[list[float], list[float]]:
    left, low, right, high = region(found.part.peg_outlines).bounds
    return [1e3 * left, 1e3 * low], [1e3 * right, 1e3 * high]


def _solids(found: Inspection) -> str:
    text = "one solid" if found.solids == 1 else f"{found.solids} pins"
    return text + {0: "", 1: ", one bore"}.get(found.bores, f", {found.bores} bores")


def _symmetry(found: Inspection) -> str:
    if found.round:
        return "round within the clearance: fits in any direction"
    ways = (
        f"fits {found.order} ways, every {360 / found.order:g} deg"
        if found.order > 1
        else "fits one way only"
    )
    return f"{ways}; {'its own mirror image' if found.mirror else 'not its own mirror image'}"


def _wall(found: Inspection) -> str:
    if found.wall > 0.99 * MAX_WALL:
        return f"none below {1e3 * MAX_WALL:g} mm; the pictures, and the simulator, end the plate earlier"
    return f"{1e3 * found.wall:.2f} mm"


def _guidance(found: Inspection) -> str:
    lateral = found.task.randomization.hole_estimate.lateral
    search = ": beyond the chamfers it has to search" if lateral > found.guidance else ""
    return f"{1e3 * found.guidance:.2f} mm; the task has up to {1e3 * lateral:.2f} mm{search}"
