"""Force after contact by an integrator of its own: fine steps, scipy's exponential, delays as buffers."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from assembly_rl.controllers.design import RobotLoop

FINE = 20
"""Fine steps in a control period."""


def forces(
    robot: RobotLoop,
    lag: float,
    delay: float,
    stiffness: float,
    law: tuple[float, float, float],
    periods: int,
) -> NDArray[np.float64]:
    """Force at each control period after the tool met the surface at 1 / D, with a reference of 1 N."""
    mass, damping, spring = law
    dt = 1.0 / robot.rate
    fine = dt / FINE
    late, heard = round(delay / fine), round(robot.sensor_delay / fine)
    assert abs(late * fine - delay) < 1e-12 and abs(heard * fine - robot.sensor_delay) < 1e-12
    if robot.damping_ratio is None:
        flow = np.array([[-1.0 / lag, 1.0 / lag, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    else:
        w = 2.0 * robot.damping_ratio / lag
        flow = np.zeros((4, 4))
        flow[0, 1], flow[1, :3], flow[2, 3] = 1.0, [-w * w, -2.0 * robot.damping_ratio * w, w * w], 1.0
    step = expm(flow * fine)
    size = len(flow) - 2
    speed = 1.0 / damping
    lead_in = 40 + int(np.ceil(30.0 * (lag + delay + robot.sensor_delay) / dt))
    servo = np.zeros(size)
    commands: list[float] = []  # at the end of each fine step
    positions = []  # displacement, lead included, at the end of each fine step
    last, now = -speed * dt, 0.0

    def advance() -> None:
        nonlocal servo
        for part in range(FINE):
            if robot.lead is None:
                commands.append(now)
            else:
                commands.append(last + (now - last) * (part + 1) / FINE)
            wanted = commands[-1 - late] if len(commands) > late else 0.0
            if robot.lead is None:
                start, slope = wanted, 0.0
            else:
                start = commands[-2 - late] if len(commands) > late + 1 else 0.0
                slope = (wanted - start) / fine
            vector = step @ np.concatenate((servo, [start, slope]))
            servo = vector[:size]
            velocity = servo[1] if size == 2 else (wanted - servo[0]) / lag
            positions.append(servo[0] + (robot.lead or 0.0) * velocity)

    for _ in range(lead_in):
        advance()
        last, now = now, now + speed * dt
    surface = positions[-1 - heard]
    offset, velocity, first = last, speed, last
    felt = 0.0
    kept = 0.0 if robot.cutoff is None else np.exp(-2.0 * np.pi * robot.cutoff * dt)
    filtered, raw = 0.0, 0.0
    result = []
    seen = len(positions) - heard  # fine steps whose force the sensor has felt
    for _ in range(periods):
        inertia = mass if robot.explicit else mass + dt * damping + dt**2 * spring
        drag = damping * velocity if robot.explicit else 0.0
        velocity = (mass * velocity + dt * (1.0 - filtered - drag - spring * (offset - first))) / inertia
        offset += dt * velocity
        last, now = (now if result else first), offset
        advance()
        while seen < len(positions) - heard:
            before, after = (stiffness * (positions[n] - surface) for n in (seen - 1, seen))
            if robot.sensor_cutoff is None:
                felt = after
            else:  # a force that is linear during the fine step
                rate = 2.0 * np.pi * robot.sensor_cutoff
                slope, keep = (after - before) / fine, np.exp(-rate * fine)
                felt = keep * felt + (1.0 - keep) * (before - slope / rate) + slope * fine
            raw = after
            seen += 1
        filtered = kept * filtered + (1.0 - kept) * felt
        result.append(raw)
    return np.array(result)
