"""Telemetry of a robot controller as an observation term: names and scales of its channels."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assembly_rl.controllers.insertion.observation_config import ObservationConfig
from assembly_rl.controllers.insertion.observation_terms import (
    LIMIT,
    Components,
    ObservationTerm,
    Signals,
    register_observation_term,
)
from assembly_rl.controllers.validation import AXES

Array = NDArray[np.float64]

JOINTS = 6
"""Joints of the arm that publishes the telemetry."""


class Channels(NamedTuple):
    """Channels of one kind.

    Attributes:
        name: Their common name; a channel adds its axis or its number.
        scale: Physical value of 1.0 in an observation, in the unit that ``TelemetryTerm`` has.
        number: Number of channels; 0 for one along each axis.
    """

    name: str
    scale: tuple[float, ...]
    number: int = 0

    @property
    def names(self) -> list[str]:
        """Name of each channel."""
        suffixes = [str(1 + place) for place in range(self.number)] or AXES[: len(self.scale)]
        return [f"{self.name}_{suffix}" for suffix in suffixes]

    @property
    def scales(self) -> Array:
        """Scale of each channel."""
        return np.array(self.scale * (self.number or 1))


POSE_SCALE = (0.001, 0.001, 0.01, 0.0262, 0.0262, 0.0262)

INFLUENCED = (
    Channels("joint_position", (0.01,), JOINTS),  # rad, from the configuration above the hole
    Channels("joint_velocity", (0.05,), JOINTS),  # rad/s
    Channels("joint_current", (0.2,), JOINTS),  # A
    Channels("tool_acceleration", (0.1, 0.1, 0.1)),  # m/s2
    Channels("base_pose", POSE_SCALE),  # m, rad; in the axes of the arm's base, one policy step old
    Channels("flange_pose", POSE_SCALE),  # m, rad; of the flange, two policy steps old
)
"""Channels that the motion of the tool or its contact influences."""

TEMPERATURES = (
    Channels("joint_temperature", (8.0,), JOINTS),  # K, from the nominal temperature
    Channels("motor_temperature", (8.0,), JOINTS),
    Channels("drive_temperature", (8.0,), JOINTS),
    Channels("cabinet_temperature", (4.0,), 6),
)
SUPPLIES = (
    Channels("bus_voltage", (0.5,), 12),  # V, from the nominal voltage
    Channels("bus_current", (0.5,), 12),  # A
    Channels("supply_voltage", (0.2,), 12),  # V
)
NOISES = (
    Channels("analog_input", (1.0,), 12),  # V
    Channels("vibration", (0.2,), 12),  # m/s2, of the cell
    Channels("link_latency", (1e-4,), 12),  # s, from the mean
)
COUNTERS = (
    Channels("packet_counter", (64.0,), 6),  # from the middle of its range
    Channels("clock", (0.5,), 6),  # s, from the middle of its range
)
SWITCHES = (Channels("digital_input", (1.0,), 24), Channels("digital_output", (1.0,), 12))

EXOGENOUS = (*TEMPERATURES, *SUPPLIES, *NOISES, *COUNTERS, *SWITCHES)
"""Channels that no action influences, and that influence nothing."""

CHANNELS = tuple(name for channels in (*INFLUENCED, *EXOGENOUS) for name in channels.names)
"""Names of all channels, in order."""
SCALES = np.concatenate([channels.scales for channels in (*INFLUENCED, *EXOGENOUS)])
"""Scales of all channels, in order."""


def count_of(kinds: tuple[Channels, ...]) -> int:
    """Return the number of channels of some kinds."""
    return sum(len(channels.names) for channels in kinds)


class TelemetryTerm(ObservationTerm):
    """All that the controller of an arm publishes besides wrench and pose, most of it of no use.

    Joints, tool acceleration and two delayed poses depend on the motion; temperatures, supplies, noise,
    counters and switches on nothing that happens in an episode. Only the simulated robot publishes it.
    """

    measurable = False
    inputs = ("telemetry",)

    def components(self, config: ObservationConfig) -> Components:
        """Return all channels, those that the motion influences first."""
        return [(name, LIMIT) for name in CHANNELS]

    def scale(self, config: ObservationConfig) -> Array:
        """Return the scale of each channel: rad, rad/s, A, m/s2, m, K, V, s or counts."""
        return SCALES.copy()

    def value(self, config: ObservationConfig, signals: Signals, rng: np.random.Generator) -> Array:
        """Return the scaled channels."""
        return signals.telemetry / SCALES


register_observation_term("telemetry", TelemetryTerm())
