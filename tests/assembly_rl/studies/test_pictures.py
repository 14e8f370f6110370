from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from assembly_rl.studies import pictures
from assembly_rl.studies.config import ComparedMethodConfig, StudyConfig
from assembly_rl.studies.pictures import plot_intervals, plot_learning_curves, plot_performance_profile
from assembly_rl.studies.statistics import bootstrap_band, interquartile_mean

NAN, INF = float("nan"), float("inf")
METHODS = ["sac", "td3", "ppo", "a", "z", "tqc", "bc", "reflex"]
Curves = dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]


def some_curves(methods: int, conditions: int, runs: int, evaluations: int) -> Curves:
    draw = np.random.default_rng(0)
    steps = 1000.0 * np.arange(1, evaluations + 1)
    return {
        name: {f"gap {k}": (steps, draw.random((runs, evaluations))) for k in range(conditions)}
        for name in METHODS[:methods]
    }


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that the test has saved."""
    figures: list[Figure] = []
    write = pictures.save

    def save(figure: Figure, path: Path) -> None:
        figures.append(figure)
        write(figure, path)

    monkeypatch.setattr(pictures, "save", save)
    return figures


def lines(figure: Figure, panel: int = 0) -> dict[str, Line2D]:
    found = {str(line.get_label()): line for line in figure.axes[panel].lines}
    return {name: line for name, line in found.items() if not name.startswith("_")}


@pytest.mark.parametrize(
    ("methods", "conditions", "runs", "evaluations", "panels"),
    [(1, 1, 1, 1, 1), (2, 1, 5, 4, 1), (3, 2, 1, 3, 3), (8, 5, 5, 1, 6), (8, 9, 3, 7, 10)],
)
@pytest.mark.filterwarnings("error")
def test_any_study_makes_a_picture(
    methods: int,
    conditions: int,
    runs: int,
    evaluations: int,
    panels: int,
    tmp_path: Path,
    drawn: list[Figure],
) -> None:
    curves = some_curves(methods, conditions, runs, evaluations)
    plot_learning_curves(curves, "success", tmp_path / "curves.png")
    scores = {name: {k: values[:, -1] for k, (_, values) in of.items()} for name, of in curves.items()}
    plot_performance_profile(scores, "success", tmp_path / "profile.png")
    plot_intervals(dict.fromkeys(curves, (0.5, 0.4, 0.7)), "success", tmp_path / "intervals.png")
    assert len(drawn[0].axes) == panels
    for path in tmp_path.iterdir():
        with Image.open(path) as picture:
            assert picture.width == 1500
    for figure in drawn[:2]:
        assert list(lines(figure)) == METHODS[:methods]
        looks = {(line.get_color(), line.get_marker()) for line in lines(figure).values()}
        assert len({colour for colour, _ in looks}) == len({marker for _, marker in looks}) == methods


def test_a_line_is_the_interquartile_mean_and_the_band_its_interval(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    curves = some_curves(2, 3, 5, 4)
    plot_learning_curves(curves, "success", tmp_path / "curves.png")
    for k, shown in enumerate([["gap 0", "gap 1", "gap 2"], ["gap 0"], ["gap 1"], ["gap 2"]]):
        for method, band in zip(curves, drawn[0].axes[k].collections, strict=True):
            strata = {name: curves[method][name][1] for name in shown}
            line = lines(drawn[0], k)[method]
            assert line.get_xdata() == pytest.approx([1000, 2000, 3000, 4000])
            assert line.get_ydata() == pytest.approx(
                interquartile_mean(np.vstack(list(strata.values())), axis=0)
            )
            _, low, high = bootstrap_band(strata, np.random.default_rng(pictures.SEED))
            corners = band.get_paths()[0].vertices
            for step, *ends in zip(line.get_xdata(), low, high, strict=True):
                heights = corners[corners[:, 0] == step, 1]
                assert (heights.min(), heights.max()) == pytest.approx(ends)
    assert [axes.get_title(loc="left") for axes in drawn[0].axes] == [
        "all 3 conditions",
        "gap 0",
        "gap 1",
        "gap 2",
    ]


def test_methods_keep_their_looks_and_names_stand_beside_their_ends(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    steps = np.array([1.0, 2.0])
    ends = {"low": 0.1, "top": 0.9, "top too": 0.9, "top three": 0.9, "middle": 0.5}
    plot_learning_curves(
        {name: {"": (steps, np.full((2, 2), end))} for name, end in ends.items()},
        "success",
        tmp_path / "a.svg",
    )
    assert [line.get_color() for line in lines(drawn[0]).values()] == list(pictures.COLOURS[:5])
    places = {text.get_text(): text.get_position()[1] for text in drawn[0].axes[0].texts}
    assert sorted(places, key=lambda name: places[name]) == ["low", "middle", "top", "top too", "top three"]
    assert np.diff(sorted(places.values())).min() >= 0.075 - 1e-9
    bottom, top = drawn[0].axes[0].get_ylim()
    assert places["low"] == pytest.approx((0.1 - bottom) / (top - bottom))
    assert max(places.values()) <= 1.0
    for text in drawn[0].axes[0].texts:
        assert text.get_color() == lines(drawn[0])[text.get_text()].get_color()


@pytest.mark.filterwarnings("error")
def test_no_value_is_a_gap_and_never_zero(tmp_path: Path, drawn: list[Figure]) -> None:
    steps = np.array([10.0, 20.0, 30.0])
    good = np.array([[5.0, 4.0, 3.0], [7.0, 6.0, 5.0]])
    late = np.array([[NAN, 9.0, 8.0], [8.0, 7.0, NAN]])
    never = np.full((2, 3), NAN)
    curves = {
        "sac": {"a": (steps, good), "b": (steps, late)},
        "td3": {"a": (steps, never), "b": (steps, good)},
    }
    plot_learning_curves(curves, "time [s]", tmp_path / "time.png")
    together, a, b = (lines(drawn[0], k) for k in range(3))
    assert together["sac"].get_ydata() == pytest.approx([NAN, 6.5, NAN], nan_ok=True)
    assert b["sac"].get_ydata() == pytest.approx([NAN, 8.0, NAN], nan_ok=True)
    assert a["sac"].get_ydata() == pytest.approx([6.0, 5.0, 4.0])
    assert np.isnan(together["td3"].get_ydata()).all()
    assert b["sac"].get_markevery() is None  # a point between gaps has no line
    assert [text.get_text() for text in drawn[0].axes[0].texts] == ["td3 (no value)", "sac"]
    assert drawn[0].axes[0].get_ylim()[0] > 2.0


def test_the_profile_is_the_share_of_runs_above(tmp_path: Path, drawn: list[Figure]) -> None:
    scores = {"sac": {"a": [0.2, 0.8], "b": [0.8, 1.0]}, "td3": {"b": [0.5], "a": [0.2]}}
    plot_performance_profile(scores, "success", tmp_path / "profile.png")
    sac, td3 = lines(drawn[0]).values()
    assert sac.get_drawstyle() == "steps-post"
    assert sac.get_xdata() == pytest.approx([0.176, 0.2, 0.5, 0.8, 1.0])
    assert sac.get_ydata() == pytest.approx([1.0, 0.75, 0.75, 0.25, 0.0])
    assert td3.get_ydata() == pytest.approx([1.0, 0.5, 0.0, 0.0, 0.0])
    legend = drawn[0].axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["sac", "td3"]
    corners = drawn[0].axes[0].collections[0].get_paths()[0].vertices
    band = {step: set(corners[np.isclose(corners[:, 0], step), 1]) for step in (0.176, 0.2, 0.5, 0.8)}
    assert band == {
        0.176: {1.0},
        0.2: {1.0, 0.5},
        0.5: {1.0, 0.5},
        0.8: {1.0, 0.5, 0.0},
    }  # falls at the level


@pytest.mark.filterwarnings("error")
def test_intervals_are_sorted_and_tell_what_they_lack(tmp_path: Path, drawn: list[Figure]) -> None:
    estimates = {
        "none": (NAN, NAN, NAN), "low": (100.0, 50.0, 150.0), "open": (900.0, 800.0, INF),
        "one": (300.0, NAN, NAN), "never": (INF, 1000.0, INF), "low too": (100.0, 90.0, 110.0),
    }  # fmt: skip
    plot_intervals(estimates, "steps", tmp_path / "intervals.png", reference=500.0)
    axes = drawn[0].axes[0]
    names = ["never", "open", "one", "low", "low too", "none"]
    assert [text.get_text() for text in axes.get_yticklabels()] == names
    assert [text.get_text() for text in axes.texts] == [
        "∞  [1,000, ∞]", "900  [800, ∞]", "300", "100  [50, 150]", "100  [90, 110]", "no value",
    ]  # fmt: skip
    dots = lines(drawn[0])
    for row, name in enumerate(names):
        assert dots[name].get_xdata() == pytest.approx([estimates[name][0]], nan_ok=True)
        assert dots[name].get_ydata() == [row]
    left, right = axes.get_xlim()
    bars = [list(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2][1:]
    assert bars[:2] == [[1000.0, right], [800.0, right]]
    assert bars[3:5] == [[50.0, 150.0], [90.0, 110.0]]
    assert [line.get_ydata()[0] for line in axes.lines if line.get_marker() == ">"] == [0, 1]
    assert not [line for line in axes.lines if line.get_marker() == "<"]
    assert axes.lines[0].get_xdata() == [500.0, 500.0]
    assert left < 50.0
    assert right > 1000.0


@pytest.mark.parametrize("estimate", [(0.5, 0.5, 0.5), (NAN, NAN, NAN), (INF, 0.0, INF)])
@pytest.mark.filterwarnings("error")
def test_a_single_estimate_makes_a_picture(estimate: tuple[float, float, float], tmp_path: Path) -> None:
    plot_intervals({"sac": estimate}, "success", tmp_path / "one.png")
    assert (tmp_path / "one.png").exists()


def test_the_same_data_make_the_same_file(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        plot_learning_curves(some_curves(2, 2, 4, 3), "success", tmp_path / name)
    assert (tmp_path / "a.svg").read_text() == (tmp_path / "b.svg").read_text()


STEPS = np.array([1.0, 2.0])


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda p: plot_learning_curves({}, "", p), r"1 to 9 methods, not 0"),
        (lambda p: plot_learning_curves({str(k): {} for k in range(10)}, "", p), r"1 to 9 methods, not 10"),
        (
            lambda p: plot_learning_curves({"sac": {}}, "", p),
            r"same conditions, at least one: \{'sac': \[\]\}",
        ),
        (
            lambda p: plot_performance_profile({"sac": {"a": [1]}, "td3": {"b": [1]}}, "", p),
            r"'td3': \['b'\]",
        ),
        (lambda p: plot_performance_profile({"sac": {"a": [1, NAN]}}, "", p), r"'sac', 'a': value 1 is nan"),
        (lambda p: plot_learning_curves({"sac": {"a": (STEPS, [1, 2])}}, "", p), r"'sac', 'a': .*\(2,\)"),
        (
            lambda p: plot_learning_curves({"sac": {"a": (STEPS, [[1, 2, 3]])}}, "", p),
            r"'sac', 'a': .*\(1, 3\)",
        ),
        (
            lambda p: plot_learning_curves(
                {"sac": {"a": (STEPS, [[1, 2]]), "b": (2 * STEPS, [[1, 2]])}}, "", p
            ),
            r"'sac', 'b': .* at \[2. 4.\].*\[1. 2.\]",
        ),
        (
            lambda p: plot_learning_curves({"sac": {"a": (STEPS, [[1, INF]])}}, "", p),
            r"'a': value 0, 1 is inf",
        ),
    ],
)
def test_bad_input_is_named(draw: Callable[[Path], None], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        draw(tmp_path / "picture.png")


def test_a_study_that_could_not_be_drawn_is_refused_before_it_runs() -> None:
    with pytest.raises(ValueError, match="the study has 10 methods, its pictures show 9"):
        StudyConfig("?", {str(number): ComparedMethodConfig() for number in range(10)})
