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
    """LCRL and PEAD together: grouped action components share hidden units and see all that any of them sees.

    When they leave their group, each gets copies of its own.
    """

    implementation: ClassVar[str | type[Method]] = "assembly_rl.methods.lcrl_pead.method:LCRLPEAD"

    name: str = "lcrl_pead"

    def __post_init__(self) -> None:
        LCRLConfig.__post_init__(self)
        PEADConfig.__post_init__(self)

    def check(self, training: TrainConfig) -> None:
        """Check as both methods do."""
        LCRLConfig.check(self, training)
        PEADConfig.check(self, training)


register_method("lcrl_pead", LCRLPEADConfig)
