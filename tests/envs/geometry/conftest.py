from collections.abc import Iterator
from pathlib import Path

import pybullet
import pytest
from pybullet_utils.bullet_client import BulletClient

from assembly_rl.envs.geometry import SECTIONS, PegHole

U_VERTICES = [(0, 0), (30, 0), (30, 20), (20, 20), (20, 8), (10, 8), (10, 20), (0, 20)]
PARAMETERS = {name: {} for name in SECTIONS} | {
    "polygon": {"vertices": [(0.001 * x, 0.001 * y) for x, y in U_VERTICES]}
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASSEMBLY_RL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "meshes"


@pytest.fixture(params=PARAMETERS)
def part(request: pytest.FixtureRequest) -> PegHole:
    """One part of every section; the polygon is a U."""
    return PegHole(request.param, PARAMETERS[request.param])


@pytest.fixture
def client() -> Iterator[BulletClient]:
    """A Bullet world without the SAT solver: with it, getClosestPoints finds nothing across a gap."""
    own = BulletClient(pybullet.DIRECT)
    own.setPhysicsEngineParameter(enableSAT=0, enableFileCaching=0)
    yield own
    own.disconnect()
