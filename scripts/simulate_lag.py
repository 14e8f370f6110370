"""Insertions of a bundle with a robot that lags behind its commands; for docs/adapters.md.

    python scripts/simulate_lag.py square.bundle

The simulator's robot reaches the command within a control period but for its spring. Here the command first
goes through a first-order lag. Beside the insertions, the table has the stiffest contact along each axis
alone in which the law of the bundle is stable by ``max_contact_stiffness``. The stiffness of the simulated
robot is 30 kN/m and 500 Nm/rad.
"""

import sys
from dataclasses import asdict, fields
from math import exp

from rich.console import Console
from rich.table import Table

from assembly_rl.controllers import BundleController, load_bundle, max_contact_stiffness
from assembly_rl.controllers.bundles import State
from assembly_rl.controllers.insertion import InsertionConfig
from assembly_rl.controllers.se3 import Pose, displace, offset_between
from assembly_rl.envs import PegHole, TaskConfig
from assembly_rl.envs.simulation import SimulatedRobot, insert

LAGS = (0.0, 0.01, 0.02, 0.03, 0.05, 0.1)
SEEDS = range(1_000_000, 1_000_100)


class LaggingRobot(SimulatedRobot):
    """Simulated robot with a first-order lag between command and motion."""

    share = 1.0

    def place(self, flange: Pose) -> None:
        """Place the flange, without any lag left."""
        self._target = flange
        super().place(flange)

    def move(self, command: Pose) -> None:
        """Move towards the command through the lag."""
        ahead = offset_between(self._target, command)
        self._target = displace(self._target, [self.share * value for value in ahead])
        super().move(self._target)


def successes(robot: LaggingRobot, controller: BundleController, lag: float) -> int:
    """Number of successful insertions with all seeds, for a lag [s]."""
    robot.share = 1.0 - exp(-1.0 / (lag * controller.rate)) if lag else 1.0
    return sum(insert(robot, controller, seed) is State.success for seed in SEEDS)


def main() -> None:
    """Print the table."""
    controller = load_bundle(sys.argv[1])
    own = controller.manifest
    task = TaskConfig(**{field.name: getattr(own.insertion, field.name) for field in fields(InsertionConfig)})
    robot = LaggingRobot(PegHole(**asdict(own.part)), task)
    table = Table("lag [ms]", f"successes of {len(SEEDS)}", "x [kN/m]", "z [kN/m]", "rx [Nm/rad]")
    for lag in LAGS:
        stable = max_contact_stiffness(
            own.law.law(), controller.rate, delay=own.sensor.delay, lag=lag, sensor_cutoff=own.sensor.cutoff
        )
        done = successes(robot, controller, lag)
        x, z, rx = 1e-3 * stable[0], 1e-3 * stable[2], stable[3]
        table.add_row(f"{1e3 * lag:g}", str(done), f"{x:.0f}", f"{z:.0f}", f"{rx:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
