"""YAML of a part, read again."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.geometry.files import check_part, read_part
from assembly_rl.envs.geometry.part import MIN_LENGTHS
from assembly_rl.envs.geometry.part_yaml import part_yaml

OWN = [[0.0, 0.0], [0.02, 0.0], [0.02, 0.00812345], [0.008, 0.008], [0.0, 0.021]]


@pytest.mark.parametrize(
    "part",
    [
        PegHole("polygon", {"vertices": OWN}, clearance=7e-5, chamfer=0.0, hole_depth=0.022, peg_length=0.03),
        PegHole("pentagon", {"width": 0.0213}),
        PegHole("circle"),
        PegHole("pins", {"columns": 3, "rows": 2}, tip_chamfer=3e-4, blind=True, name="plug: 6 pins"),
        PegHole("tube"),
    ],
)
def test_the_same_part_is_read(part: PegHole, tmp_path: Path) -> None:
    path = tmp_path / "part.yaml"
    path.write_text(part_yaml(part), encoding="utf-8")
    again = check_part(path, read_part(path))
    for own, read in zip(part.peg_outlines, again.peg_outlines, strict=True):
        np.testing.assert_allclose(read, own, rtol=0.0, atol=1e-12)
    assert again.blind == part.blind and again.name == (part.name or "part")
    for name in MIN_LENGTHS:
        assert getattr(again, name) == pytest.approx(getattr(part, name), rel=1e-12)


def test_the_drawn_coordinates_are_kept() -> None:
    assert yaml.safe_load(part_yaml(PegHole("polygon", {"vertices": OWN})))["polygon"][1] == [20, 0]


def test_several_outlines_and_all_other_fields() -> None:
    part = PegHole("pins", tip_chamfer=2e-4, blind=True, name='plug "A": Ä')
    content = yaml.safe_load(part_yaml(part))
    assert content == {
        "name": 'plug "A": Ä',
        "polygons": [(1e3 * o).round(9).tolist() for o in part.peg_outlines],
        "clearance": 0.1, "chamfer": 0.3, "depth": 25, "length": 40, "tip_chamfer": 0.2, "blind": True,
    }  # fmt: skip
