"""Control of robot and simulation: SE(3), compliance law, admittance controller (numpy only)."""

from assembly_rl.controllers.admittance import AdmittanceController
from assembly_rl.controllers.bundles import BundleController, BundleError, Recording, load_bundle
from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.config import AdmittanceConfig, GainConfig, SafetyConfig
from assembly_rl.controllers.contact_config import ContactConfig
from assembly_rl.controllers.discretization import Discretization
from assembly_rl.controllers.faults import Fault
from assembly_rl.controllers.guidance import DitherGuidance, FixedGuidance, Guidance, ReflexGuidance
from assembly_rl.controllers.insertion import (
    ObservationTerm,
    Result,
    Signals,
    register_observation_term,
)
from assembly_rl.controllers.registry import Registry
from assembly_rl.controllers.stability import max_contact_stiffness, stabilized
from assembly_rl.controllers.wrench import ContactWrench, ToolConfig

__all__ = [
    "AdmittanceConfig",
    "AdmittanceController",
    "BundleController",
    "BundleError",
    "ComplianceLaw",
    "ContactConfig",
    "ContactWrench",
    "Discretization",
    "DitherGuidance",
    "Fault",
    "FixedGuidance",
    "GainConfig",
    "Guidance",
    "ObservationTerm",
    "Recording",
    "ReflexGuidance",
    "Registry",
    "Result",
    "SafetyConfig",
    "Signals",
    "ToolConfig",
    "load_bundle",
    "max_contact_stiffness",
    "register_observation_term",
    "stabilized",
]
