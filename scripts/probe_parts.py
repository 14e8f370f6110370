"""Contact stiffness of the parts in series with the robot, for docs/transfer.md."""

from dataclasses import replace

import numpy as np
from rich.console import Console
from rich.table import Table

from assembly_rl.controllers.etcl import identify_contact_stiffness
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.probing import probe_contact

SQUARE, TASK = PegHole(), TaskConfig()
CASES = {
    "square": (SQUARE, TASK),
    "triangle": (PegHole(section="triangle"), TASK),
    "L": (PegHole(section="L"), TASK),
    "pentagon": (PegHole(section="pentagon"), TASK),
    "circle": (PegHole(section="circle"), TASK),
    "square of 30 mm": (PegHole(parameters={"width": 0.030}), TASK),
    "square, 0.05 mm": (replace(SQUARE, clearance=5e-5), TASK),
    "square, no chamfer": (replace(SQUARE, chamfer=0.0), TASK),
    "square, half the servo": (
        SQUARE,
        replace(TASK, physics=replace(TASK.physics, servo_stiffness=15e3)),
    ),
}


def main() -> None:
    """Print the table."""
    table = Table("part", "x", "y", "z", "rx", "ry", "rz", "residual", "asymmetry")
    for name, (part, task) in CASES.items():
        probes = probe_contact(part, task)
        found = identify_contact_stiffness(probes.offsets, probes.wrenches)
        diagonal = [f"{value:,.0f}" if value > 10 else f"{value:.1f}" for value in np.diag(found.matrix)]
        table.add_row(name, *diagonal, f"{found.residual:.2f}", f"{found.asymmetry:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
