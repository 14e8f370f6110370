"""Recognition of the contact state from the wrench, the pose and the command of the last half second."""

from assembly_rl.controllers.recognition.features import BLOCK, CHANNELS, PRESENT, WINDOW, features
from assembly_rl.controllers.recognition.file import load_recognizer, save_network
from assembly_rl.controllers.recognition.network import Network
from assembly_rl.controllers.recognition.recognizer import ContactRecognizer, Recognition
from assembly_rl.controllers.recognition.states import IN_HOLE, RIM, STATES

__all__ = [
    "BLOCK",
    "CHANNELS",
    "IN_HOLE",
    "PRESENT",
    "RIM",
    "STATES",
    "WINDOW",
    "ContactRecognizer",
    "Network",
    "Recognition",
    "features",
    "load_recognizer",
    "save_network",
]
