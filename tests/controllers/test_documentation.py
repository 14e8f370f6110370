"""The examples on the controllers' page run as they are and do what the page says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

PAGE = Path(__file__).parents[2] / "docs" / "controllers.md"


def test_the_loop_on_the_page_ends_where_the_page_says() -> None:
    text = PAGE.read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```\n\nIt ends at ([\d.]+) N", text, re.DOTALL)
    assert example
    run = subprocess.run([sys.executable, "-c", example[1]], capture_output=True, text=True, timeout=1800)
    assert not run.stderr
    assert run.stdout.splitlines()[-1].endswith(f"force {example[2]} N")


def test_the_ros_example_prints_what_the_page_says_and_writes_what_it_read(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(.*?)```\n\n```python\n(.*?)```\n\nprints `(.*?)`", text, re.DOTALL)
    assert found
    (tmp_path / "arm.yaml").write_text(found[1], encoding="utf-8")
    command = [sys.executable, "-c", found[2]]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=1800)
    assert (run.stderr, run.stdout.strip()) == ("", found[3])
    names = [tmp_path / name for name in ("arm.yaml", "out.yaml")]
    read, written = (yaml.load(name.read_text(encoding="utf-8"), yaml.SafeLoader) for name in names)
    filters = [
        content["admittance_controller"]["ros__parameters"]["ft_sensor"].pop("filter_coefficient")
        for content in (read, written)
    ]
    assert written == read
    assert filters == [0.2, pytest.approx(0.2, rel=1e-12)]
