from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.physics import ENGINES, PhysicsConfig

U_VERTICES = [(0, 0), (30, 0), (30, 20), (20, 20), (20, 8), (10, 8), (10, 20), (0, 20)]
U_SHAPE = {"vertices": [(0.001 * x, 0.001 * y) for x, y in U_VERTICES]}
PARAMETERS: dict[str, dict] = {
    "circle": {},
    "square": {},
    "rectangle": {},
    "triangle": {},
    "pentagon": {},
    "hexagon": {},
    "L": {},
    "T": {},
    "polygon": U_SHAPE,
    "tube": {},
    "pins": {},
}
CUTOFF = 40.0
UPRIGHT = (0.0, 0.0, 0.0, 1.0)


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSEMBLY_RL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


class Rig:
    """A world and the commanded tip pose; ``move`` takes it to another one at constant speed."""

    def __init__(self, section: str, engine: str = "bullet", visual: bool = False, **settings: Any) -> None:
        part = PegHole(section, PARAMETERS[section])
        self.world: Any = ENGINES.get(engine)(part, PhysicsConfig(engine=engine, **settings), CUTOFF, visual)
        self.world.set_friction(0.2)
        self.length = part.peg_length
        self.rate = self.world.config.rate

    def flange(self, tip: tuple[float, float, float]) -> tuple[float, float, float]:
        return (tip[0], tip[1], tip[2] + self.length)

    def place(self, tip: tuple[float, float, float], orientation: tuple = UPRIGHT) -> None:
        self.tip, self.orientation = np.array(tip), orientation
        self.world.reset(self.flange(tip), orientation)

    def move(self, tip: tuple[float, float, float], seconds: float) -> np.ndarray:
        """Wrenches at every physics step, (steps, 6)."""
        start, steps = self.tip, round(seconds * self.rate)
        wrenches = []
        for step in range(1, steps + 1):
            self.tip = start + (np.array(tip) - start) * (step / steps)
            self.world.advance(1, self.flange(tuple(self.tip.tolist())), self.orientation)
            wrenches.append(self.world.wrench)
        return np.array(wrenches)

    def tip_position(self) -> np.ndarray:
        """Of an upright peg [m]."""
        return np.array(self.world.pose()[0]) - (0.0, 0.0, self.length)


@pytest.fixture
def make_rig() -> Iterator[type[Rig]]:
    yield Rig


@pytest.fixture(params=PARAMETERS)
def section(request: pytest.FixtureRequest) -> str:
    return request.param
