"""Design of compliance laws: from a robot and a range of contact stiffness to mass, damping and stiffness."""

from assembly_rl.controllers.design.config import DesignLimits, PlantPoint, RobotLoop
from assembly_rl.controllers.design.law import Design, design
from assembly_rl.controllers.design.margins import Margins
from assembly_rl.controllers.design.remedies import Remedy, remedies
from assembly_rl.controllers.design.search import Infeasible

__all__ = [
    "Design",
    "DesignLimits",
    "Infeasible",
    "Margins",
    "PlantPoint",
    "Remedy",
    "RobotLoop",
    "design",
    "remedies",
]
