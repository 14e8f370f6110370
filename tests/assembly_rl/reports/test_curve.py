import re
from pathlib import Path

import pytest
from PIL import Image

from assembly_rl.reports.curve import plot_learning_curve

NAN = float("nan")


@pytest.mark.parametrize("evaluations", [0, 1, 5])
@pytest.mark.parametrize("episodes", [0, 1, 250])
@pytest.mark.filterwarnings("error")
def test_any_number_of_rows_makes_a_picture(evaluations: int, episodes: int, tmp_path: Path) -> None:
    rows = [
        {
            "step": 1000 * (k + 1), "success": 0.2 * k, "low": max(0.0, 0.2 * k - 0.1), "high": 0.2 * k + 0.1,
            "time": NAN if k == 0 else 4.0 - 0.2 * k, "peak_force": 12.0, "reward": 1.0,
        }
        for k in range(evaluations)
    ]  # fmt: skip
    training = [{"step": 20 * k, "success": k % 2, "reward": 0.0, "length": 20} for k in range(episodes)]
    plot_learning_curve(rows, training, tmp_path / "curve.png", "title")
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.size == (1500, 630)


def test_svg_is_reproducible_and_has_the_title(tmp_path: Path) -> None:
    rows = [{"step": 10, "success": 1.0, "low": 0.9, "high": 1.0, "time": 2.0, "peak_force": 9.0}]
    for name in ("a.svg", "b.svg"):
        plot_learning_curve(rows, [], tmp_path / name, "sac, square 0.10 mm")
    first, second = ((tmp_path / name).read_text() for name in ("a.svg", "b.svg"))
    assert "sac, square 0.10 mm" in first
    assert "<dc:date>" not in first
    assert first == second


def test_a_training_without_a_success_says_so_beside_the_points(tmp_path: Path) -> None:
    rows = [{"step": 10, "success": 0.0, "low": 0.0, "high": 0.49, "time": NAN, "peak_force": 9.0}]
    plot_learning_curve(rows, [], tmp_path / "curve.svg", "title")
    text = (tmp_path / "curve.svg").read_text()
    assert "no success" in text and "nan" not in text
    # The first 0% is on the axis, the second one beside the point at the same height.
    heights = [float(y) for y in re.findall(r"<!-- 0% -->\s*<g [^>]*translate\(\S+ ([0-9.]+)\)", text)]
    assert len(heights) == 2 and abs(heights[0] - heights[1]) < 15.0
