"""Configuration of LCRL with PEAD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from assembly_rl.methods.lcrl.config import LCRLConfig
from assembly_rl.methods.pead.config import PEADConfig
from assembly_rl.training.method import Method, register_method

if TYPE_CHECKING:
    from assembly_rl.training.config import TrainConfig


@dataclass
class LCRLPEADConfig(LCRLConfig, PEADConfig):
    """LCRL and PEAD combined: grouped action components share hidden units and the union of their inputs.

    A component that leaves its group gets a copy of the hidden units.
    """

    implementation: ClassVar[str | type[Method]] = "assembly_rl.methods.lcrl_pead.method:LCRLPEAD"

    name: str = "lcrl_pead"

    def __post_init__(self) -> None:
        LCRLConfig.__post_init__(self)
        PEADConfig.__post_init__(self)

    def check(self, training: TrainConfig) -> None:
        """Run the checks of both methods."""
        LCRLConfig.check(self, training)
        PEADConfig.check(self, training)


register_method("lcrl_pead", LCRLPEADConfig)
