"""What stands between a robot and a policy that inserts: path, controller, observation, action."""

from assembly_rl.controllers.insertion.action import ActionConfig, ActionKind, ActionMapping
from assembly_rl.controllers.insertion.config import InsertionConfig
from assembly_rl.controllers.insertion.coordinates import Coordinates
from assembly_rl.controllers.insertion.insertion import Insertion
from assembly_rl.controllers.insertion.limits import LimitConfig
from assembly_rl.controllers.insertion.observation import ObservationConfig, Observer
from assembly_rl.controllers.insertion.path import PathConfig

__all__ = [
    "ActionConfig",
    "ActionKind",
    "ActionMapping",
    "Coordinates",
    "Insertion",
    "InsertionConfig",
    "LimitConfig",
    "ObservationConfig",
    "Observer",
    "PathConfig",
]
