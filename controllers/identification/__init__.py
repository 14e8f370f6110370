"""Identification of a robot from a recording: lag, delay, sensor, tool and contact (numpy only)."""

from assembly_rl.controllers.identification.estimate import Estimate, Identification
from assembly_rl.controllers.identification.excitation import Excitation, Move
from assembly_rl.controllers.identification.identify import identify
from assembly_rl.controllers.identification.motion import ExcitationConfig
from assembly_rl.controllers.identification.recording import MotionRecording

__all__ = [
    "Estimate",
    "Excitation",
    "ExcitationConfig",
    "Identification",
    "MotionRecording",
    "Move",
    "identify",
]
