"""Parts of a training over many parts."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from assembly_rl.controllers.validation import InputError, finite_numbers, require_count, require_seed
from assembly_rl.envs import PegHole
from assembly_rl.envs.geometry.families import HELD_OUT, KINDS
from assembly_rl.envs.geometry.part_family import PartFamily
from assembly_rl.envs.library import make_part

VALIDATION = 500_000
"""First seed of the parts on which a policy is chosen; ``HELD_OUT`` is that of the reported ones."""


@dataclass
class PartsConfig:
    """Random parts, of which an environment draws one at each reset, and further ones for evaluation.

    Attributes:
        count: Number of random parts in training; 0 for the training's single part.
        seed: Seed of the first one; the others have the following seeds.
        given: Parts in training besides the random ones, by name or file.
        validation: Number of parts of the validations, with seeds from ``VALIDATION`` on.
        held_out: Number of parts of the final result, with seeds from ``HELD_OUT`` on.
        kinds: Kinds of sections.
        more_of: Kinds of which there are more parts in training; each entry is a further share.
        size: Range of the largest extent of a section [m].
        clearance: Range of the clearance [m].
        chamfer: Range of the chamfer [m].
        sharp: Share of parts without a chamfer.
        hole_depth: Range of the depth [m].
    """

    count: int = 0
    seed: int = 0
    given: list[str] = field(default_factory=list)
    validation: int = 40
    held_out: int = 100
    kinds: list[str] = field(default_factory=lambda: list(KINDS))
    more_of: list[str] = field(default_factory=list)
    size: list[float] = field(default_factory=lambda: list(PartFamily.size))
    clearance: list[float] = field(default_factory=lambda: list(PartFamily.clearance))
    chamfer: list[float] = field(default_factory=lambda: list(PartFamily.chamfer))
    sharp: float = PartFamily.sharp
    hole_depth: list[float] = field(default_factory=lambda: list(PartFamily.hole_depth))

    def __post_init__(self) -> None:
        require_count(self, "count", least=0, most=VALIDATION)
        require_count(self, "validation", "held_out", most=HELD_OUT - VALIDATION)
        require_seed(self)
        if self.seed + self.count > VALIDATION:
            raise InputError(
                f"parts.seed {self.seed} and parts.count {self.count} reach the parts of the validation, "
                f"with the seeds from {VALIDATION} on: lower one of them"
            )
        for name in ("size", "clearance", "chamfer", "hole_depth"):
            if not finite_numbers(getattr(self, name), 2):
                raise InputError(f"parts.{name} must be [low, high], got {getattr(self, name)!r:.80}")
        strange = [kind for kind in self.more_of if kind not in self.kinds]
        if strange:
            raise InputError(f"parts.more_of must have some of parts.kinds {self.kinds}, got {strange[0]!r}")
        self.family()

    @property
    def several(self) -> bool:
        """True if the training has parts of its own."""
        return self.count > 0 or len(self.given) > 0

    def family(self, more_of: Sequence[str] = ()) -> PartFamily:
        """Return the family of the random parts.

        Args:
            more_of: Kinds with more shares.

        Raises:
            ValueError: A range or a kind is refused.
        """
        return PartFamily(
            (*self.kinds, *more_of),
            _range(self.size),
            _range(self.clearance),
            _range(self.chamfer),
            _range(self.hole_depth),
            self.sharp,
        )

    def training_parts(self) -> list[PegHole]:
        """Return the parts of the training: the given ones, then the random ones."""
        family = self.family(self.more_of)
        return [make_part(name) for name in self.given] + _drawn(family, self.seed, self.count)

    def validation_parts(self) -> list[PegHole]:
        """Return the parts of the validations."""
        return _drawn(self.family(), VALIDATION, self.validation)

    def held_out_parts(self) -> list[PegHole]:
        """Return the parts of the final result."""
        return _drawn(self.family(), HELD_OUT, self.held_out)


def _drawn(family: PartFamily, first: int, count: int) -> list[PegHole]:
    return [family.part(seed) for seed in range(first, first + count)]


def _range(values: list[float]) -> tuple[float, float]:
    low, high = values
    return low, high
