from collections.abc import Iterator
from pathlib import Path

import pybullet
import pytest
from pybullet_utils.bullet_client import BulletClient

from assembly_rl.envs.geometry import SECTIONS, PegHole

U_VERTICES = [(0, 0), (30, 0), (30, 20), (20, 20), (20, 8), (10, 8), (10, 20), (0, 20)]
NESTED = [  # a square tube, a pin in its bore the other way round, and an L beside them
    [(0, 0), (24, 0), (24, 24), (0, 24)],
    [(3, 3), (21, 3), (21, 21), (3, 21)],
    [(9, 9), (9, 15), (15, 15), (15, 9)],
    [(30, 0), (40, 0), (40, 5), (35, 5), (35, 14), (30, 14)],
]


def metres(vertices: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Vertices [m] of those in millimetres."""
    return [(0.001 * x, 0.001 * y) for x, y in vertices]


PARAMETERS = {name: {} for name in SECTIONS if name != "family"} | {
    "polygon": {"vertices": metres(U_VERTICES)},
    "polygons": {"outlines": [metres(outline) for outline in NESTED]},
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASSEMBLY_RL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "meshes"


@pytest.fixture(params=PARAMETERS)
def part(request: pytest.FixtureRequest) -> PegHole:
    """One part of every section; the polygon is a U, the polygons are a tube, a pin in it and an L."""
    return PegHole(request.param, PARAMETERS[request.param])


@pytest.fixture
def client() -> Iterator[BulletClient]:
    """A Bullet world without the SAT solver: with it, getClosestPoints finds nothing across a gap."""
    own = BulletClient(pybullet.DIRECT)
    own.setPhysicsEngineParameter(enableSAT=0, enableFileCaching=0)
    yield own
    own.disconnect()
