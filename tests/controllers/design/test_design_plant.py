"""The exact step of robot and contact, against an integrator of its own and against ContactLoop."""

import numpy as np
import pytest
from plant_by_hand import forces

from assembly_rl.controllers import ComplianceLaw, ContactConfig
from assembly_rl.controllers.contact_loop import ContactLoop
from assembly_rl.controllers.design import RobotLoop
from assembly_rl.controllers.design.margins import crossing, law_response, margins, unit_circle
from assembly_rl.controllers.design.motion import contact
from assembly_rl.controllers.design.plant import Plant, filter_response

LAW = (2.0, 300.0, 30.0)


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("ratio", [None, 0.5, 1.0, 1.5])
@pytest.mark.parametrize(
    ("delay", "sensor_delay", "cutoff", "sensor_cutoff"),
    [
        (0.0, 0.0, None, None),
        (0.002, 0.001, None, 60.0),
        (0.0115, 0.0, 30.0, 60.0),
        (0.005, 0.005, 30.0, None),
    ],
)
def test_the_force_is_that_of_fine_steps(
    ratio: float | None,
    delay: float,
    sensor_delay: float,
    cutoff: float | None,
    sensor_cutoff: float | None,
    explicit: bool,
) -> None:
    robot = RobotLoop(
        200.0, [0.02, 0.02], [delay, delay], ratio, sensor_delay, sensor_cutoff, cutoff, explicit=explicit
    )
    plant = Plant.of(robot, 0.02, delay)
    found = contact(robot, [plant], np.array([4000.0]), np.array(LAW)[:, None], 0.5, keep=True)
    by_hand = forces(robot, 0.02, delay, 4000.0, LAW, 100)
    assert found.forces is not None
    assert np.abs(by_hand).max() > 0.9
    if sensor_cutoff is None:
        assert found.forces[:, 0, 0, 0] == pytest.approx(by_hand, abs=1e-9)
    else:  # the force is not quite linear during a fine step
        assert found.forces[:, 0, 0, 0] == pytest.approx(by_hand, abs=2e-4)


@pytest.mark.parametrize("delay", [0.0, 0.0035, 0.0125])
@pytest.mark.parametrize("lead", [0.0, 0.005])
def test_a_command_that_is_reached_linearly(lead: float, delay: float) -> None:
    robot = RobotLoop(200.0, [0.02, 0.02], [delay, delay], lead=lead)
    plant = Plant.of(robot, 0.02, delay)
    found = contact(robot, [plant], np.array([4000.0]), np.array(LAW)[:, None], 0.5, keep=True)
    assert found.forces is not None
    by_hand = forces(robot, 0.02, delay, 4000.0, LAW, 100)
    assert found.forces[:, 0, 0, 0] == pytest.approx(by_hand, abs=1e-9)


@pytest.mark.parametrize("lag", [0.0, 0.004, 0.04])
@pytest.mark.parametrize("delay", [0.0, 0.005, 0.02])
@pytest.mark.parametrize("lead", [None, 0.0, 0.007])
@pytest.mark.parametrize("cutoff", [None, 30.0])
def test_the_bound_of_stability_is_that_of_the_eigenvalues(
    lag: float, delay: float, lead: float | None, cutoff: float | None
) -> None:
    robot = RobotLoop(200.0, [lag, lag], [delay, delay], sensor_cutoff=40.0, cutoff=cutoff, lead=lead)
    points = unit_circle(3000)
    response = (
        law_response(*map(np.array, LAW), 0.005, points)
        * Plant.of(robot, lag, delay).response(points)
        * filter_response(robot, points)
    )
    law = ComplianceLaw.from_diagonals(*([value] * 6 for value in LAW))
    loop = ContactLoop(law, 200.0, ContactConfig([1.0] * 6, delay, lag, 40.0, lead), cutoff)
    expected = loop.largest(np.diag(np.eye(6)[0]))
    assert float(crossing(response)) == pytest.approx(expected, rel=0.01)


def test_margins_of_an_integrator_with_delay() -> None:
    # L = exp(-j w) / (j w) * a: gain margin pi / 2 / a, phase margin 90 deg - a rad.
    frequency = np.geomspace(1e-3, 3.1, 20_000)
    found = margins((0.5 * np.exp(-1j * frequency) / (1j * frequency))[None, :])
    assert found.gain == pytest.approx(np.pi, rel=1e-3)
    assert found.phase == pytest.approx(90.0 - np.degrees(0.5), abs=0.1)
