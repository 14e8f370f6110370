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
