"""Labels of scenes that are made by hand in the simulators."""

from dataclasses import replace

import numpy as np
import pytest

from assembly_rl.controllers.recognition import STATES
from assembly_rl.controllers.se3 import IDENTITY, compose, quat_exp
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.physics import SupportsContacts
from assembly_rl.envs.scene import Scene
from assembly_rl.envs.workcell import make_workcell
from assembly_rl.recognition.episodes import Recording
from assembly_rl.recognition.labels import STEPS, states
from assembly_rl.recognition.truth import Truth, truth_of, wall_normals

SQUARE = PegHole("square", blind=True, chamfer=0.0)
LONG = SQUARE.peg_length


def pressed(
    engine: str,
    start: tuple[float, float, float],
    to: tuple[float, float, float],
    first: tuple[float, float, float] = (0.0, 0.0, 0.0),
    last: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Truth:
    """The truth after the servo moved the tip from one pose [m, rad] towards another."""
    task = TaskConfig()
    workcell = make_workcell(SQUARE, replace(task, physics=task.physics.in_engine(engine)), False, False)
    world = workcell.world
    begin, end = (
        compose((place, quat_exp(turn)), ((0.0, 0.0, LONG), IDENTITY))
        for place, turn in ((start, first), (to, last))
    )
    world.set_friction(0.2)
    world.reset(*begin)
    world.advance(500, *end)
    position, orientation = world.pose()
    tip = compose((position, orientation), ((0.0, 0.0, -LONG), IDENTITY))
    assert isinstance(world, SupportsContacts)
    scene = Scene(tip, ((0.001, 0.0, 0.0), quat_exp((0.0, 0.0, np.pi / 2))), world.contact_points())
    found = truth_of(SQUARE, scene, scene.contacts)
    workcell.close()
    return found


def recording(truths: list[Truth], force: float = 0.0, part: PegHole = SQUARE) -> Recording:
    """An episode with these truths, ten control steps each, under a constant axial force."""
    count = len(truths)
    readings = np.zeros((10 * count, 18), np.float32)
    readings[:, 2] = force
    columns = {name: np.array([getattr(own, name) for own in truths]) for name in truths[0].__dict__}
    names = {"heights": "height", "offsets": "offset", "sides": "side"}
    fields = ("heights", "highest", "touching", "spread", "lowest", "opposed", "offsets", "sides")
    return Recording(
        readings, 10 * np.arange(1, count + 1), np.zeros(count, np.int64), np.zeros(count, np.int64),
        np.zeros(count, np.int64), np.tile((part.hole_depth, part.chamfer, float(part.blind)), (count, 1)),
        **{name: columns[names.get(name, name)] for name in fields},
    )  # fmt: skip


def label(truth: Truth) -> str:
    return STATES[states(recording([truth]))[0]]


@pytest.mark.parametrize("engine", ["bullet", "mujoco"])
def test_scenes(engine: str) -> None:
    free = pressed(engine, (0.0, 0.0, 0.002), (0.0, 0.0, 0.002))
    assert label(free) == "free" and not free.touching
    flat = pressed(engine, (0.003, 0.0, 0.0005), (0.003, 0.0, -0.0005))
    assert label(flat) == "rim_edge" and flat.height == pytest.approx(0.0, abs=1e-4)
    turn = (0.04, 0.05, 0.0)
    corner = pressed(engine, (0.003, 0.003, 0.002), (0.003, 0.003, 0.0), turn, turn)
    assert label(corner) == "rim_point" and corner.highest > 5e-4
    half = pressed(engine, (0.0, 0.0, -0.01), (0.0, 0.0, -0.01))
    assert label(half) == "hole" and half.height == pytest.approx(-0.01, abs=1e-4)
    bottom = pressed(engine, (0.0, 0.0, -0.0245), (0.0, 0.0, -0.026))
    assert label(bottom) == "bottom" and bottom.height == pytest.approx(-0.025, abs=1e-4)
    leaning = pressed(engine, (0.0, 0.0, -0.01), (0.0005, 0.0, -0.01))
    assert label(leaning) == "hole" and leaning.touching and not leaning.opposed
    wedged = pressed(engine, (0.0, 0.0, -0.01), (0.0, 0.0, -0.01), last=(0.0, 0.05, 0.0))
    assert label(wedged) == "two_points"


def test_vectors_are_in_nominal_axes() -> None:
    """The nominal frame is turned by 90 degrees: x of the hole is -y there."""
    truth = pressed("mujoco", (0.003, 0.001, 0.0005), (0.003, 0.001, -0.0005))
    np.testing.assert_allclose(truth.offset, (0.001, -0.003), atol=2e-4)
    assert np.linalg.norm(truth.side) > 1e-3


INSIDE = Truth(-0.01, -0.0099, True, 0.0, -0.001, False, (0.0, 0.0), (0.0, 0.0))


def test_a_peg_that_stands_under_a_push_is_jammed() -> None:
    stands = [INSIDE] * (STEPS + 1)
    found = states(recording(stands, 5.0))
    assert [STATES[own] for own in found] == ["hole"] * STEPS + ["jammed"]
    assert STATES[states(recording(stands, 1.0))[-1]] == "hole"
    sinks = [replace(INSIDE, height=-0.01 - 2e-5 * step) for step in range(STEPS + 1)]
    assert STATES[states(recording(sinks, 5.0))[-1]] == "hole"
    late = [replace(INSIDE, highest=0.0), *[INSIDE] * STEPS]
    assert STATES[states(recording(late, 5.0))[-1]] == "hole"


def test_the_episode_before_is_not_looked_at() -> None:
    one = recording([INSIDE] * STEPS, 5.0)
    found = states(Recording.joined([one, one]))
    assert {STATES[own] for own in found} == {"hole"}


def test_two_sides() -> None:
    """Contacts at two heights, on the left and the right wall, and both on the right one."""
    half = 0.5 * np.ptp(SQUARE.hole_outlines[0][:, 0])
    scene = Scene(((0.0, 0.0, -0.01), IDENTITY), ((0.0, 0.0, 0.0), IDENTITY), np.zeros((0, 3)))
    for second, near, state in (
        (-half, -0.001, "two_points"),
        (half, -0.001, "hole"),
        (-half, -0.009, "hole"),
    ):
        points = np.array(((half, 0.0, -0.01), (second, 0.001, near)))
        assert label(truth_of(SQUARE, scene, points)) == state


def test_normals_of_walls() -> None:
    half = 0.5 * np.ptp(SQUARE.hole_outlines[0][:, 0])
    normals = wall_normals(SQUARE, np.array(((half, 0.001), (-half, 0.0), (0.0, half))))
    np.testing.assert_allclose(np.abs(normals), ((1, 0), (1, 0), (0, 1)), atol=1e-12)
    assert normals[0] @ normals[1] == pytest.approx(-1.0)


def test_a_hole_that_goes_through_has_no_bottom() -> None:
    deep = replace(INSIDE, height=-0.025, highest=-0.025, lowest=-0.025)
    assert label(deep) == "bottom"
    through = recording([deep], part=replace(SQUARE, blind=False))
    assert STATES[states(through)[0]] == "hole"


def test_a_point_and_an_edge_on_the_rim() -> None:
    on_rim = replace(INSIDE, height=0.0, highest=0.0)
    assert label(on_rim) == "rim_point"
    assert label(replace(on_rim, spread=0.002)) == "rim_edge"
    assert label(replace(on_rim, touching=False)) == "free"
