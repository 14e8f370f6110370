"""The script that tries mutated bundles finds nothing, and would find something."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "scripts" / "try_bundles.py"


def test_no_mutated_bundle_makes_a_controller_raise_or_exceed_its_limits() -> None:
    command = [sys.executable, str(SCRIPT), "--count", "60", "--seed", "9"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stdout
    assert "60 bundles" in run.stdout and "0 failures" in run.stdout
    ran = int(run.stdout.partition(" ran 500")[0].rpartition(" ")[2])
    assert ran > 5
