"""What Bullet makes of the mesh files."""

import dataclasses
import itertools
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from pybullet_utils.bullet_client import BulletClient
from shapely.geometry import Point, Polygon

from assembly_rl.envs.geometry import (
    PegHole,
    hole_mesh,
    hole_parts,
    hole_visual_mesh,
    peg_mesh,
    peg_visual_mesh,
)
from assembly_rl.envs.geometry.polygons import region

PROBE = 3e-4  # radius of a small sphere [m]; pybullet's rays pass through these small hulls
LARGE_PROBE = 1e-3  # getClosestPoints of a smaller sphere and a chamfered peg is wrong by up to 0.2 mm
PRECISION = 2e-6  # of getClosestPoints [m]


def body(client: BulletClient, path: Path, mass: float, z: float = 0.0) -> int:
    flags = client.URDF_INITIALIZE_SAT_FEATURES
    shape = client.createCollisionShape(client.GEOM_MESH, fileName=str(path), flags=flags)
    number = client.createMultiBody(mass, shape, basePosition=[0.0, 0.0, z])
    client.changeDynamics(number, -1, collisionMargin=0.0)
    return number


def distance(client: BulletClient, first: int, second: int, reach: float = 0.05) -> float:
    return min(contact[8] for contact in client.getClosestPoints(first, second, reach))


def sphere(client: BulletClient, radius: float = PROBE) -> int:
    return client.createMultiBody(1.0, client.createCollisionShape(client.GEOM_SPHERE, radius=radius))


def move(client: BulletClient, number: int, x: float, y: float, z: float) -> None:
    client.resetBasePositionAndOrientation(number, [x, y, z], [0.0, 0.0, 0.0, 1.0])


def along_edges(outlines: Iterable[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Points on every edge of all outlines, with the edge's outward normal."""
    return [found for outline in outlines for found in _along_one(outline)]


def _along_one(outline: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    edges = np.roll(outline, -1, axis=0) - outline
    normals = np.column_stack((edges[:, 1], -edges[:, 0])) / np.linalg.norm(edges, axis=1, keepdims=True)
    fractions = (0.2, 0.5, 0.8)
    return [(p + f * e, n) for p, e, n in zip(outline, edges, normals, strict=True) for f in fractions]


def test_a_centred_peg_has_the_clearance(part: PegHole, client: BulletClient) -> None:
    peg, hole = body(client, peg_mesh(part), 1.0, -0.02), body(client, hole_mesh(part), 0.0)
    assert distance(client, peg, hole) == pytest.approx(part.clearance, abs=PRECISION)
    near = [c for c in client.getClosestPoints(peg, hole, 0.01) if c[8] < 1.05 * part.clearance]
    assert len(near) >= sum(map(len, part.peg_outlines))
    move(client, peg, 0.0, 0.0, 0.001)
    assert distance(client, peg, hole) > 5e-4


def test_every_wall_and_chamfer_is_in_place(part: PegHole, client: BulletClient) -> None:
    hole, probe = body(client, hole_mesh(part), 0.0), sphere(client)
    assert len(client.getCollisionShapeData(hole, -1)) == len(hole_parts(part))
    for point, normal in along_edges(part.hole_outlines):
        for z in (-0.001, -0.01, -0.024):
            move(client, probe, *(point - (PROBE + 5e-5) * normal), z)
            assert distance(client, probe, hole) == pytest.approx(5e-5, abs=PRECISION)
        away = PROBE + 5e-5  # from the middle of the chamfer, along its normal
        x, y = point + (0.5 * part.chamfer - away / 2**0.5) * normal
        move(client, probe, x, y, -0.5 * part.chamfer + away / 2**0.5)
        assert distance(client, probe, hole) == pytest.approx(5e-5, abs=PRECISION)


def test_the_hole_is_open_and_the_plate_solid(part: PegHole, client: BulletClient) -> None:
    hole, probe = body(client, hole_mesh(part), 0.0), sphere(client)
    inside, plate = region(part.hole_outlines), Polygon(part.plate_outline)
    reach = 0.9 * np.max(np.abs(part.plate_outline))
    grid = np.linspace(-reach, reach, 13 if len(part.hole_outlines) == 1 else 21) + 1.7e-4
    checked = [0, 0]
    for x, y in itertools.product(grid, grid):
        gap = Point(x, y).distance(inside.boundary)
        move(client, probe, x, y, -0.012)
        if inside.contains(Point(x, y)):
            assert distance(client, probe, hole) == pytest.approx(gap - PROBE, abs=PRECISION)
            checked[0] += 1
        elif plate.contains(Point(x, y)):
            assert distance(client, probe, hole) < 0.0
            checked[1] += 1
    assert min(checked) > 5


def test_a_blind_hole_has_a_floor_and_a_chamfered_tip_its_slope(part: PegHole, client: BulletClient) -> None:
    part = dataclasses.replace(part, blind=True, tip_chamfer=5e-4, hole_depth=0.008, peg_length=0.012)
    hole, peg = body(client, hole_mesh(part), 0.0), body(client, peg_mesh(part), 0.0)
    probe, away = sphere(client, LARGE_PROBE), LARGE_PROBE + 5e-5
    for point, normal in along_edges(part.peg_outlines)[1::3]:  # the middle of each edge
        move(client, probe, *(point - 1.2e-3 * normal), away - part.hole_depth)
        assert distance(client, probe, hole) == pytest.approx(5e-5, abs=2 * PRECISION)
        x, y = point + (away / 2**0.5 - 2.5e-4) * normal
        move(client, probe, x, y, 2.5e-4 - away / 2**0.5)
        assert distance(client, probe, peg) == pytest.approx(5e-5, abs=2 * PRECISION)
    move(client, probe, *part.peg_outlines[0].mean(axis=0), -part.hole_depth - part.floor - away)
    assert distance(client, probe, hole) == pytest.approx(5e-5, abs=2 * PRECISION)


@pytest.mark.parametrize("direction", [(0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (-0.6, 0.8, 0.0)])
def test_the_cutaway_shows_the_peg(part: PegHole, client: BulletClient, direction: tuple) -> None:
    eye = [0.5 * component for component in direction]
    view = client.computeViewMatrix(eye, [0.0, 0.0, 0.0], [0.0, 0.0, 1.0])
    lens = client.computeProjectionMatrixFOV(10.0, 1.0, 0.1, 1.0)

    def add(path: Path, z: float) -> int:
        shape = client.createVisualShape(client.GEOM_MESH, fileName=str(path))
        return client.createMultiBody(0.0, -1, shape, [0.0, 0.0, z])

    def visible() -> int:
        renderer = client.ER_TINY_RENDERER
        picture = client.getCameraImage(96, 96, view, lens, renderer=renderer, shadow=0)
        return int(np.sum(np.reshape(picture[4], -1) == peg))

    peg = add(peg_visual_mesh(part), -0.02)
    alone = visible()
    cutaway = add(hole_visual_mesh(part, direction), 0.0)
    # Of a slot and a D, parts stay of which less than 5 % are in front of the hole.
    assert visible() > (0.95 if part.section in ("slot", "D") else 0.97) * alone
    client.removeBody(cutaway)
    add(hole_mesh(part), 0.0)
    assert visible() < 0.8 * alone
