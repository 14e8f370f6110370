"""The example on the controllers' page runs as it is and does what the page says."""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "controllers.md"


def test_the_loop_on_the_page_ends_where_the_page_says() -> None:
    text = PAGE.read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```\n\nIt ends at ([\d.]+) N", text, re.DOTALL)
    assert example
    run = subprocess.run([sys.executable, "-c", example[1]], capture_output=True, text=True, timeout=60)
    assert not run.stderr
    assert run.stdout.splitlines()[-1].endswith(f"force {example[2]} N")
