"""Motion that identifies a robot, in the simulator."""

import gymnasium

from assembly_rl.controllers.bundles import State
from assembly_rl.controllers.identification import Excitation
from assembly_rl.controllers.se3 import IDENTITY
from assembly_rl.envs.simulation import SimulatedRobot

BESIDE = 0.012
"""Distance of the peg from the axis of the hole: it meets the plate beside it [m]."""
ABOVE = 0.006
"""Height of the tip at the start [m]."""


def place_above_plate(robot: SimulatedRobot, seed: int) -> None:
    """Draw an episode's conditions, and place the tool at rest above the plate, beside the hole."""
    robot.draw(gymnasium.utils.seeding.np_random(seed)[0])
    robot.place(((BESIDE, 0.0, robot.part.peg_length + ABOVE), IDENTITY))


def excite(robot: SimulatedRobot, excitation: Excitation, seed: int) -> State:
    """Run the motion that identifies a robot, under the conditions of the episode with a seed.

    Args:
        robot: Simulated robot.
        excitation: Motion at the robot's control rate, which pushes along -z.
        seed: Seed of the episode.

    Returns:
        Final state; ``Excitation.reason`` says why.
    """
    place_above_plate(robot, seed)
    excitation.reset(robot.pose)
    while excitation.state is State.running:
        move = excitation.step(robot.reading, robot.pose, robot.time)
        robot.move((move.position, move.orientation))
    return excitation.state
