"""What Bullet makes of the mesh files."""

import itertools
from pathlib import Path

import numpy as np
import pybullet
import pytest
from shapely.geometry import Point, Polygon

from assembly_rl.envs.geometry import PegHole, hole_mesh, hole_visual_mesh, peg_mesh, peg_visual_mesh
from assembly_rl.envs.geometry.polygons import offset

PROBE = 2e-4  # radius of a small sphere [m]; pybullet's rays pass through these small hulls
PRECISION = 2e-6  # of getClosestPoints [m]


def body(path: Path, mass: float, z: float = 0.0) -> int:
    flags = pybullet.URDF_INITIALIZE_SAT_FEATURES
    shape = pybullet.createCollisionShape(pybullet.GEOM_MESH, fileName=str(path), flags=flags)
    number = pybullet.createMultiBody(mass, shape, basePosition=[0.0, 0.0, z])
    pybullet.changeDynamics(number, -1, collisionMargin=0.0)
    return number


def distance(first: int, second: int, reach: float = 0.05) -> float:
    return min(contact[8] for contact in pybullet.getClosestPoints(first, second, reach))


def sphere() -> int:
    return pybullet.createMultiBody(1.0, pybullet.createCollisionShape(pybullet.GEOM_SPHERE, radius=PROBE))


def move(number: int, x: float, y: float, z: float) -> None:
    pybullet.resetBasePositionAndOrientation(number, [x, y, z], [0.0, 0.0, 0.0, 1.0])


def along_edges(outline: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Points on every edge, with the edge's outward normal."""
    edges = np.roll(outline, -1, axis=0) - outline
    normals = np.column_stack((edges[:, 1], -edges[:, 0])) / np.linalg.norm(edges, axis=1, keepdims=True)
    fractions = (0.2, 0.5, 0.8)
    return [(p + f * e, n) for p, e, n in zip(outline, edges, normals, strict=True) for f in fractions]


def test_a_centred_peg_has_the_clearance(part: PegHole, client: int) -> None:
    peg, hole = body(peg_mesh(part), 1.0, -0.02), body(hole_mesh(part), 0.0)
    assert distance(peg, hole) == pytest.approx(part.clearance, abs=PRECISION)
    near = [c for c in pybullet.getClosestPoints(peg, hole, 0.01) if c[8] < 1.05 * part.clearance]
    assert len(near) >= len(part.peg_outline)
    move(peg, 0.0, 0.0, 0.001)
    assert distance(peg, hole) > 5e-4


def test_every_wall_and_chamfer_is_in_place(part: PegHole, client: int) -> None:
    hole, probe = body(hole_mesh(part), 0.0), sphere()
    assert len(pybullet.getCollisionShapeData(hole, -1)) == len(part.hole_outline)
    for point, normal in along_edges(part.hole_outline):
        for z in (-0.001, -0.01, -0.024):
            move(probe, *(point - (PROBE + 5e-5) * normal), z)
            assert distance(probe, hole) == pytest.approx(5e-5, abs=PRECISION)
        away = PROBE + 5e-5  # from the middle of the chamfer, along its normal
        x, y = point + (0.5 * part.chamfer - away / 2**0.5) * normal
        move(probe, x, y, -0.5 * part.chamfer + away / 2**0.5)
        assert distance(probe, hole) == pytest.approx(5e-5, abs=PRECISION)


def test_the_hole_is_open_and_the_plate_solid(part: PegHole, client: int) -> None:
    hole, probe = body(hole_mesh(part), 0.0), sphere()
    inside, outside = Polygon(part.hole_outline), Polygon(offset(part.hole_outline, part.wall))
    grid = np.linspace(-0.024, 0.024, 13) + 1.7e-4
    checked = [0, 0]
    for x, y in itertools.product(grid, grid):
        gap = Point(x, y).distance(inside.exterior)
        move(probe, x, y, -0.012)
        if inside.contains(Point(x, y)):
            assert distance(probe, hole) == pytest.approx(gap - PROBE, abs=PRECISION)
            checked[0] += 1
        elif outside.contains(Point(x, y)):
            assert distance(probe, hole) < 0.0
            checked[1] += 1
    assert min(checked) > 5


@pytest.mark.parametrize("direction", [(0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (-0.6, 0.8, 0.0)])
def test_the_cutaway_shows_the_peg(part: PegHole, client: int, direction: tuple) -> None:
    eye = [0.5 * component for component in direction]
    view = pybullet.computeViewMatrix(eye, [0.0, 0.0, 0.0], [0.0, 0.0, 1.0])
    lens = pybullet.computeProjectionMatrixFOV(10.0, 1.0, 0.1, 1.0)

    def add(path: Path, z: float) -> int:
        shape = pybullet.createVisualShape(pybullet.GEOM_MESH, fileName=str(path))
        return pybullet.createMultiBody(0.0, -1, shape, [0.0, 0.0, z])

    def visible() -> int:
        renderer = pybullet.ER_TINY_RENDERER
        picture = pybullet.getCameraImage(96, 96, view, lens, renderer=renderer, shadow=0)
        return int(np.sum(np.reshape(picture[4], -1) == peg))

    peg = add(peg_visual_mesh(part), -0.02)
    alone = visible()
    cutaway = add(hole_visual_mesh(part, direction), 0.0)
    assert visible() > 0.97 * alone
    pybullet.removeBody(cutaway)
    add(hole_mesh(part), 0.0)
    assert visible() < 0.8 * alone
