"""A part of one's own, from a file, wherever a command takes a geometry."""

import json
from pathlib import Path

from command_line import QUICK, Run

PART = "polygon: [[0, 0], [20, 0], [20, 8], [8, 8], [8, 20], [0, 20]]\nclearance: 0.3\ndepth: 22\n"


def test_a_part_from_a_file_is_learned_and_evaluated(command: Run, tmp_path: Path) -> None:
    (tmp_path / "bracket.yaml").write_text(PART)
    command("train", "geometry.chamfer=0.0005", "geometry=bracket.yaml", *QUICK, "run_dir=run")
    started = json.loads((tmp_path / "run" / "run.json").read_text())
    assert "geometry=bracket.yaml" in started["command"]  # as it was typed
    kept = started["inputs"][0]
    assert kept["path"] == "bracket.yaml" and (tmp_path / "run" / kept["file"]).read_text() == PART
    geometry = started["config"]["geometry"]
    assert geometry["name"] == "bracket"
    assert geometry["parameters"]["vertices"][1] == [0.02, 0.0]
    assert (geometry["clearance"], geometry["hole_depth"], geometry["chamfer"]) == (3e-4, 0.022, 5e-4)
    shown = command("eval", "run=run", "geometries=[bracket.yaml,L]", "episodes=2", "output=rows.csv")
    assert "bracket" in shown


def test_a_file_that_is_none_is_refused(refused: Run, tmp_path: Path) -> None:
    assert "missing.yaml does not exist" in refused("train", "geometry=missing.yaml")
    (tmp_path / "part.yaml").write_text("polygon: [[0, 0], [10, 10], [10, 0], [0, 10]]")
    assert "Self-intersection near x = 5 mm, y = 5 mm" in refused("train", "geometry=part.yaml")
