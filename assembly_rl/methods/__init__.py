"""Learning methods, one folder each; importing this package registers all of them."""

from assembly_rl.methods.lcrl.config import LCRLConfig
from assembly_rl.methods.lcrl_pead.config import LCRLPEADConfig
from assembly_rl.methods.pead.config import PEADConfig
from assembly_rl.methods.residual.config import ResidualConfig
from assembly_rl.methods.transfer.config import TransferConfig

__all__ = ["LCRLConfig", "LCRLPEADConfig", "PEADConfig", "ResidualConfig", "TransferConfig"]
