"""assembly-rl-part as a user types it."""

from pathlib import Path

import pytest
from command_line import Run
from PIL import Image

from assembly_rl.cli.part import picture_path, with_part
from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.geometry.files import check_part, read_part
from assembly_rl.envs.physics import ENGINES

ANGLE = "polygon: [[0, 0], [20, 0], [20, 8], [8, 8], [8, 20], [0, 20]]\ndepth: 22\n"


def test_a_part_is_shown_and_kept(command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ENGINES, "names", lambda: ("bullet", "mujoco"))  # other tests register more
    (tmp_path / "angle.yaml").write_text(ANGLE)
    shown = command("part", "angle.yaml", "geometry.clearance=5e-5", "output=a.png", "keep=new/own.yaml")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width >= 1600 and picture.height >= 1200
        assert len(picture.convert("RGB").getcolors(2**24) or []) > 100
    assert "20.00 x 20.00 mm, one solid" in shown and "256.0 mm2, 80.0 mm" in shown
    assert "fits one way only; its own mirror image" in shown
    assert "2 of the peg, 6 of the plate" in shown
    assert "warning: no engine certifies the fit at its own physics rate" in shown
    assert "assembly-rl-train geometry=new/own.yaml" in shown and "task.physics.rate=" in shown
    path = tmp_path / "new" / "own.yaml"
    kept = check_part(path, read_part(path))
    assert kept.hole_depth == 0.022 and kept.clearance == pytest.approx(5e-5, rel=1e-12)
    assert kept.parameters == PegHole(**read_part(tmp_path / "angle.yaml")).parameters


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "no part: give a file, or one of D, L,"),
        (["geometry.clearance=1e-4"], "no part: give a file"),
        (["LL"], "unknown geometry 'LL'; did you mean 'L'?"),
        (["missing.yaml"], "missing.yaml does not exist"),
        (["L", "T"], "'T' is not key=value"),
        (["L", "geometry=T"], "'geometry=L' and 'geometry=T' set the same"),
        (["L", "output=taken.png"], "taken.png exists; pictures are never overwritten"),
        (["L", "output=a.jpeg"], "output must end with .png, .svg, .pdf, got 'a.jpeg'"),
        (["L", "keep=taken.yaml"], "taken.yaml exists; nothing is overwritten"),
        (["L", "geometry.clearance=1"], "clearance"),
    ],
)
def test_bad_input(refused: Run, tmp_path: Path, arguments: list[str], told: str) -> None:
    for name in ("taken.png", "taken.yaml"):
        (tmp_path / name).write_text("")
    assert told in refused("part", *arguments)
    assert len(list(tmp_path.iterdir())) == 2


def test_only_a_first_argument_that_is_a_name_becomes_the_geometry() -> None:
    assert with_part(["L", "output=a.png"]) == ["geometry=L", "output=a.png"]
    for given in (["geometry=L"], ["--help"], ["--cfg", "job"], []):
        assert with_part(given) == given


def test_a_picture_without_a_given_name_takes_the_first_one_that_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert picture_path(None, "six pins") == Path("part-six_pins.png")
    Path("part-L.png").touch()
    Path("part-L-2.png").touch()
    assert picture_path(None, "L") == Path("part-L-3.png")
