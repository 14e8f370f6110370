"""Control: SE(3), compliance law, admittance controller, guidance without learning (numpy alone)."""

from assembly_rl.controllers.admittance import AdmittanceController
from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.guidance import DitherGuidance, FixedGuidance, Guidance, ReflexGuidance

__all__ = [
    "AdmittanceController",
    "ComplianceLaw",
    "DitherGuidance",
    "FixedGuidance",
    "Guidance",
    "ReflexGuidance",
]
