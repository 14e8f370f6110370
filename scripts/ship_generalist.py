"""Write the bundle of a generalist that comes with the package, its card, and the source of transfers.

    python scripts/ship_generalist.py runs/generalist rows.csv --path-speed 0.006 --lateral-force 10

The rows are those of ``evaluate_parts.py`` for the run in the conditions of its training, in both engines,
with the same settings.
Existing files are replaced: they are under version control.
"""

import argparse
import csv
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from evaluate_parts import acting, add_settings
from tabulate_parts import by_part, interval, succeeds

from assembly_rl.controllers.bundles import BundleController, Manifest, write_bundle
from assembly_rl.controllers.bundles.file import SHIPPED
from assembly_rl.controllers.wrench import ToolConfig
from assembly_rl.deployment.manifest import describe
from assembly_rl.deployment.parity import compare, make_golden
from assembly_rl.deployment.robustness import response_of
from assembly_rl.evaluation import HELD_OUT_SEED, LearnedPolicy, best_validation
from assembly_rl.methods.transfer.source import SHIPPED as SOURCES
from assembly_rl.methods.transfer.source import ship_source
from assembly_rl.runs import RunDirectory, read_rows
from assembly_rl.training.loading import load_actor, read_config

NAME = "generalist"


def main() -> None:
    """Check the controller in ten insertions, and write its files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("rows", type=Path)
    add_settings(parser)
    given = parser.parse_args()
    run, rows_path = RunDirectory.open(given.run), given.rows
    with open(rows_path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    config, policy = read_config(run), load_actor(run).network()
    part = config.geometry.part()
    config.task = acting(config.task, given)
    task = config.task
    own = [row for row in rows if row["engine"] == task.physics.engine]
    low, high = interval(own)
    parts = by_part(own)
    evaluation = {
        "episodes": len(own), "successes": sum(map(succeeds, own)), "interval": [low, high],
        "task": f"{len(parts)} parts and seeds never seen in training", "first_seed": HELD_OUT_SEED,
        "response": asdict(response_of(task)), "notes": [],
    }  # fmt: skip
    tool = ToolConfig([0.0, 0.0, -part.peg_length])
    content = describe(run, config, policy, tool, (0.0, 0.0, -9.81), evaluation) | {"name": NAME}
    content["provenance"]["steps"] = int(best_validation(read_rows(run.evaluations))["step"])
    made = BundleController(Manifest.read(content), policy)
    compare(part, task, LearnedPolicy(policy), made, range(HELD_OUT_SEED, HELD_OUT_SEED + 10))
    golden = make_golden(part, task, policy, made, HELD_OUT_SEED)
    SHIPPED.mkdir(exist_ok=True)
    path = SHIPPED / f"{NAME}.bundle"
    path.unlink(missing_ok=True)
    digest = write_bundle(path, content, policy, golden)
    script = Path(__file__).with_name("tabulate_parts.py")
    tables = subprocess.run(
        [sys.executable, str(script), str(rows_path)], check=True, capture_output=True, text=True
    )
    source = SOURCES / NAME
    shutil.rmtree(source, ignore_errors=True)
    ship_source(run, source, config.task)
    card = SHIPPED / f"{NAME}.md"
    card.write_text(
        f"# {NAME}\n\nSHA-256 {digest}\n\n`python scripts/evaluate_parts.py {NAME} --output rows.csv`, then "
        f"`python scripts/tabulate_parts.py rows.csv`: parts that nothing was trained or chosen on.\n\n"
        f"{tables.stdout}",
        encoding="utf-8",
    )
    print(f"{path}\n{card}\n{source}")


if __name__ == "__main__":
    main()
