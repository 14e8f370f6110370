"""What the simulator's robot did, played back."""

from pathlib import Path

import numpy as np
import pytest
from adapter_bundles import BLIND, PART, controller, manifest

from assembly_rl.controllers.adapters.playback import play_back
from assembly_rl.controllers.bundles import Recording, State
from assembly_rl.envs.simulation import SimulatedRobot, insert


@pytest.fixture(scope="module")
def recorded() -> Recording:
    robot, own = SimulatedRobot(PART, BLIND), controller()
    insert(robot, own, 0)
    robot.close()
    return own.recording()


def test_a_closed_loop_is_repeated_command_by_command(recorded: Recording, tmp_path: Path) -> None:
    recorded.save(tmp_path / "recorded.csv")
    own = controller()
    again = play_back(own, Recording.load(tmp_path / "recorded.csv"))
    assert own.state is State.timeout
    assert np.abs(again.commands - recorded.commands).max() < 1e-9
    assert again.states == recorded.states
    assert np.array_equal(again.wrenches, recorded.wrenches)


def test_another_law_gives_other_commands_for_the_same_readings(recorded: Recording) -> None:
    law = manifest()["law"]
    law["mass"] = np.diag([8.0, 8.0, 8.0, 0.1, 0.1, 0.1]).tolist()
    again = play_back(controller(law=law), recorded)
    assert np.array_equal(again.poses, recorded.poses)
    assert np.abs(again.commands - recorded.commands).max() > 1e-6


def test_an_empty_recording(recorded: Recording) -> None:
    with pytest.raises(ValueError, match="no rows"):
        play_back(controller(), Recording.of_rows(recorded.hole, recorded.bias, []))
