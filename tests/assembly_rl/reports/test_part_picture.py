"""Picture of a part: its cuts, its solids, and the whole."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.geometry import hole_parts, peg_parts
from assembly_rl.envs.geometry.decomposition import prism
from assembly_rl.evaluation import inspection
from assembly_rl.evaluation.inspection import Engine, inspect_part
from assembly_rl.reports.part_cut import Cut, choose_cut, slice_of
from assembly_rl.reports.part_picture import plot_part
from assembly_rl.reports.solids import Solid, View, clipped, picture

SQUARE = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
FRONT = View.of(np.array([1.0, 0.0, 0.0]), np.array([0.0, -1.0, 0.0]), 0.0, 0.0)
RED, BLUE, WHITE = (200, 0, 0), (0, 0, 200), (255, 255, 255)


@pytest.mark.parametrize(
    ("part", "cut"),
    [
        (PegHole("square"), Cut(0, 0.0)),
        (PegHole("tube"), Cut(0, 0.0)),
        (PegHole("pins", {"columns": 3, "rows": 2}), Cut(0, -0.006)),
        (PegHole("pins", {"columns": 1, "rows": 4}), Cut(1, 0.0)),
    ],
)
def test_the_cut_goes_through_most_walls(part: PegHole, cut: Cut) -> None:
    found = choose_cut(part)
    assert found.axis == cut.axis and abs(found.offset) == pytest.approx(abs(cut.offset))


def test_slices_have_the_areas_of_the_cut() -> None:
    part = PegHole("square", tip_chamfer=1e-3, blind=True)
    for cut in (Cut(0, 0.001), Cut(1, -0.002)):
        peg = sum(slice_of(piece, cut).area for piece in peg_parts(part))
        assert peg == pytest.approx(0.02 * 0.04 - 1e-3**2)
        plate = sum(slice_of(piece, cut).area for piece in hole_parts(part))
        assert plate == pytest.approx(2 * (0.01 * 0.025 - 0.5 * 3e-4**2) + 0.0402 * 0.005)


def test_a_body_is_clipped_by_a_plane() -> None:
    cube = prism(SQUARE, -1.0, 1.0).vertices
    half = clipped(cube, np.array([1.0, 0.0, 0.0]), 0.5)
    assert half[:, 0].max() == 0.5 and np.ptp(half, axis=0).tolist() == [1.5, 2.0, 2.0]
    assert len(clipped(cube, np.array([1.0, 0.0, 0.0]), -1.5)) == 0


def test_what_is_nearer_hides_what_is_behind() -> None:
    near = prism(0.5 * SQUARE + [0.0, -3.0], -0.5, 0.5).vertices
    far = prism(SQUARE, -1.0, 1.0).vertices
    for order in (1, -1):
        shown = picture(
            [Solid([far], RED), Solid([near], BLUE)][::order], FRONT, (-2.0, 2.0, -2.0, 2.0), 40, 40
        )
        assert shown.shape == (40, 40, 3)
        assert tuple(shown[0, 0]) == WHITE
        assert shown[20, 20, 2] > 100 and shown[20, 20, 0] == 0
        assert shown[20, 12, 0] > 100 and shown[20, 12, 2] == 0


def test_a_cut_body_shows_the_faces_of_its_cut_and_no_seams() -> None:
    halves = [prism(0.5 * SQUARE + [x, 0.0], -1.0, 1.0).vertices for x in (-0.5, 0.5)]
    solid = Solid(halves, RED, (np.array([0.0, -1.0, 0.0]), 0.0), BLUE)
    row = picture([solid], FRONT, (-2.0, 2.0, -2.0, 2.0), 40, 40)[20]
    assert (row[13:27, 2] > 100).all() and (row[13:27, 0] == 0).all()


@pytest.mark.parametrize(
    "part",
    [
        PegHole("D", tip_chamfer=1e-3, blind=True, name="motor shaft"),
        PegHole("pins", {"columns": 1, "rows": 3}, chamfer=0.0, clearance=2e-5),
        PegHole("tube", chamfer=1e-3),
    ],
    ids=lambda part: part.label,
)
def test_a_picture_of_any_part_is_drawn(
    part: PegHole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "_engine", lambda part, task, name: Engine(name))
    plot_part(inspect_part(part, TaskConfig()), tmp_path / "part.png")
    with Image.open(tmp_path / "part.png") as image:
        assert (image.width, image.height) == (1600, 1200)
