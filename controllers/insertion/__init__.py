"""Insertion with a policy in the loop: path, controller, observation, action, termination."""

from assembly_rl.controllers.insertion.action import ActionConfig, ActionKind, ActionMapping
from assembly_rl.controllers.insertion.config import InsertionConfig
from assembly_rl.controllers.insertion.coordinates import CoordinateTransform
from assembly_rl.controllers.insertion.insertion import Insertion
from assembly_rl.controllers.insertion.limits import LimitConfig
from assembly_rl.controllers.insertion.observation import ObservationConfig, Observer
from assembly_rl.controllers.insertion.observation_terms import (
    ObservationTerm,
    Signals,
    register_observation_term,
)
from assembly_rl.controllers.insertion.path import PathConfig
from assembly_rl.controllers.insertion.termination import Result, Termination

__all__ = [
    "ActionConfig",
    "ActionKind",
    "ActionMapping",
    "CoordinateTransform",
    "Insertion",
    "InsertionConfig",
    "LimitConfig",
    "ObservationConfig",
    "ObservationTerm",
    "Observer",
    "PathConfig",
    "Result",
    "Signals",
    "Termination",
    "register_observation_term",
]
