import csv
from pathlib import Path

import pytest
from command_line import Run


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_baselines_over_geometries_clearances_and_frictions(command: Run, tmp_path: Path) -> None:
    arguments = ["controller=[fixed,reflex]", "geometries=[square,L]", "clearance=[1e-4,2e-4]"]
    command("eval", *arguments, "friction=[0.1,0.3]", "episodes=2", "output=rows.csv")
    rows = read(tmp_path / "rows.csv")
    assert len(rows) == 2 * 2 * 2 * 2 * 2
    assert len({(row["controller"], row["condition"]) for row in rows}) == 16
    assert {row["certificate_valid"] for row in rows} == {"True"}


def test_rows_do_not_depend_on_the_number_of_processes(command: Run, tmp_path: Path) -> None:
    for processes in (1, 2):
        output = f"output=rows{processes}.csv"
        command("eval", "controller=dither", "episodes=5", f"processes={processes}", output)
    assert (tmp_path / "rows1.csv").read_text() == (tmp_path / "rows2.csv").read_text()


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("eval", [], "nothing to evaluate"),
        ("eval", ["controller=reflx"], "did you mean 'reflex'? Known: dither"),
        ("eval", ["controller=reflex", "geometries=[squar]"], "did you mean 'square'?"),
        ("eval", ["run=nowhere"], "nowhere is not a run"),
        ("eval", ["controller=reflex", "episodes=0"], "episodes must be > 0, got 0"),
        ("eval", ["controller=reflex", "clearance=0"], "clearance must be more than 0"),
    ],
)
def test_bad_input_is_one_clear_error(
    refused: Run, tmp_path: Path, name: str, arguments: list[str], message: str
) -> None:
    assert message in refused(name, *arguments)
    assert not list(tmp_path.iterdir())


def test_results_are_never_overwritten(refused: Run, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("precious")
    assert "never overwritten" in refused("eval", "controller=reflex", "output=rows.csv")
    assert (tmp_path / "rows.csv").read_text() == "precious"
