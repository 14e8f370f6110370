"""Every cell of the tutorial runs, in order, in an empty folder; with a short training."""

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import assembly_rl as arl

TUTORIAL = Path(__file__).parents[1] / "examples" / "tutorial.py"
FEWER = {"STEPS = 3_000": "STEPS = 60", "EPISODES = 50": "EPISODES = 1", "CHECKED = 10": "CHECKED = 1"}


def test_the_tutorial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(tmp_path)
    source = TUTORIAL.read_text(encoding="utf-8")
    for constant, fewer in FEWER.items():
        assert source.count(f"\n{constant} ") == 1
        source = source.replace(constant, fewer)
    first, *cells = re.split(r"^# %%(.*)\n", source, flags=re.MULTILINE)
    kinds, texts = cells[::2], cells[1::2]
    assert first == "" and set(kinds) == {" [markdown]", ""}
    assert len(texts) > 15 and kinds[0] == " [markdown]"
    names: dict[str, Any] = {"__name__": "__main__"}
    for kind, text in zip(kinds, texts, strict=True):
        if kind:
            assert all(line.startswith("#") for line in text.splitlines() if line)
        else:
            exec(compile(text, str(TUTORIAL), "exec"), names)

    (path,) = (tmp_path / "runs").iterdir()
    run = arl.open_run(path)
    assert [row["step"] for row in run.validations] == [20.0, 40.0, 60.0]
    assert run.finished and names["exported"].action_difference == 0.0
    found = ("pictures.png", "timeline.png", "insertion.gif", "insertion.csv", "export")
    assert {name for name in found if (path / name).exists()} == set(found)
    with Image.open(path / "insertion.gif") as film:
        assert film.n_frames > 10
    shown = capsys.readouterr().out
    assert f"runs/{path.name}/export/{path.name}.bundle" in shown
    # The bundle does what the policy did: the same end, to within the policy period.
    took = [float(text) for text in re.findall(r"after (\d+\.\d+) s", shown)]
    assert len(took) == 3 and abs(took[1] - took[2]) < 0.051
