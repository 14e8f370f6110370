from io import StringIO

from rich.console import Console

from assembly_rl.evaluation import Summary
from assembly_rl.reports.table import comparison_table

GOOD = Summary(100, 0.98, (0.93, 0.995), 2.345, 12.34, 9.87, 0.123, 10.0, {"success": 98, "timeout": 2}, 0)
BAD = Summary(
    10, 0.0, (0.0, 0.278), float("nan"), 31.0, 28.0, 1.6, -5.0, {"force_limit": 7, "certificate_failed": 3}, 3
)


def text(*entries: tuple[str, str, Summary], width: int = 100) -> str:
    console = Console(file=StringIO(), width=width)
    console.print(comparison_table(list(entries)))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_every_number_is_there() -> None:
    shown = text(("reflex", "square 0.10 mm, friction 0.2", GOOD))
    for cell in (
        "reflex",
        "98.0 %",
        "93.0 - 99.5",
        "2.35",
        "12.3",
        "9.9",
        "0.12",
        "98 success",
        "2 timeout",
        "[Nm]",
    ):
        assert cell in shown


def test_without_success_there_is_no_time() -> None:
    shown = text(("fixed", "L 0.05 mm, friction 0.1-0.5", BAD))
    assert "nan" not in shown
    assert " - " in shown
    assert "7 force limit" in shown
    assert "0.0 %" in shown and "0.0 - 27.8" in shown


def test_long_names_fit_into_100_columns_and_are_no_markup() -> None:
    shown = text(("runs/2030-01-01_sac_[bold]_seed3/best", "rectangle 0.05 mm, friction 0.1-0.5", BAD))
    lines = shown.splitlines()
    assert max(map(len, lines)) <= 100
    assert "[bold]" in "".join(line[:19].strip() for line in lines)
    assert "certificate" in shown and "…" not in shown
