"""A peg in two-point contact jams and slides at the forces of the closed form."""

import runpy
from pathlib import Path

import pytest

SCRIPT = runpy.run_path(str(Path(__file__).parents[3] / "scripts" / "two_point_contact.py"))


@pytest.mark.parametrize("engine", ["bullet", "mujoco"])
@pytest.mark.parametrize("tilt", [0.04, 0.08])
def test_jamming_and_insertion_force(engine: str, tilt: float) -> None:
    if engine == "mujoco":
        pytest.importorskip("mujoco")
    way = SCRIPT["slide"](engine, 1000.0, tilt, 0.026)
    assert way.depth[-1] > way.depth[0] + 0.005  # it does slide
    assert way.onset(way.actual) == pytest.approx(1.0, abs=0.05)
    assert way.insertion(way.nominal) == pytest.approx(1.0, abs=0.05)
