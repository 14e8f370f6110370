"""The script that draws the task runs; the measurements of plot_physics.py take too long here."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image

SCRIPTS = Path(__file__).parents[3] / "scripts"


def test_draw_task(tmp_path: Path) -> None:
    subprocess.run([sys.executable, SCRIPTS / "draw_task.py", tmp_path], check=True, timeout=120)
    with Image.open(tmp_path / "task.png") as picture:
        assert picture.size == (1800, 855)
    ElementTree.parse(tmp_path / "task.svg")
