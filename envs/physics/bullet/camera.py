"""Pictures of a PyBullet world: a section view, a close-up of the hole's mouth, a plan, and the arm."""

from dataclasses import dataclass, replace
from math import atan2, cos, hypot, radians, sin

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from assembly_rl.controllers.se3 import Pose, Vector, rotation_matrix
from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.geometry.mesh import FLANGE_THICKNESS
from assembly_rl.envs.geometry.polygons import Array, region
from assembly_rl.envs.physics.bullet.library import pybullet
from assembly_rl.envs.physics.world import Pixels

OVERSAMPLING = 2
"""Factor of oversampling, because PyBullet's renderer does not smooth edges."""

CLOSE_UP = 0.005
"""Width of the close-up's view [m]."""

WRIST = 0.06
"""Radius [m] of the arm's last link, with some margin."""

LIGHT = (-0.5, -0.9, 1.1)  # direction towards the light
SKY, FLOOR = (250, 251, 253), (222, 227, 234)
INK = (44, 52, 64)
PEG, PLATE, HOLE = (237, 140, 38), (178, 190, 203), (250, 251, 253)
"""Colours of the plan."""

EDGE = 2e-4  # bend of the depth from pixel to pixel, of the depth range


@dataclass(frozen=True)
class _Camera:
    """Camera at ``distance`` [m] from ``target`` [m], with a view of ``width`` by ``height`` [m] there.

    Attributes:
        azimuth: Angle from the front (-y) to the right [rad]; elevation: upwards [rad].
        scene: Largest distance of an object from the target [m].
    """

    target: tuple[float, float, float]
    azimuth: float
    elevation: float
    distance: float
    width: float
    height: float
    scene: float

    def matrices(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return view and projection matrix, sixteen numbers each, column by column."""
        flat = self.distance * cos(self.elevation)
        eye = (
            self.target[0] + flat * sin(self.azimuth),
            self.target[1] - flat * cos(self.azimuth),
            self.target[2] + self.distance * sin(self.elevation),
        )
        near = self.distance - self.scene
        x, y = 0.5 * self.width * near / self.distance, 0.5 * self.height * near / self.distance
        view = pybullet.computeViewMatrix(eye, self.target, (0.0, 0.0, 1.0))
        return view, pybullet.computeProjectionMatrix(-x, x, -y, y, near, self.distance + self.scene)

    def pixel(self, point: tuple[float, float, float], width: int, height: int) -> tuple[float, float]:
        """Return the pixel of a point [m] in a picture of a given size, from its upper left corner."""
        view, projection = (np.reshape(matrix, (4, 4)).T for matrix in self.matrices())
        x, y, _, w = projection @ view @ (*point, 1.0)
        return 0.5 * width * (1.0 + x / w), 0.5 * height * (1.0 - y / w)


def render(
    client: int, part: PegHole, flange: Pose, arm_base: Vector | None, width: int, height: int
) -> Pixels:
    """Draw plate and peg, with a close-up along y of the mouth's right edge and a plan of their sections.

    With an arm, the whole arm is drawn with both as insets. The plate is cut open on the side of the camera.
    PyBullet's software renderer is used: on machines without a display it is as fast as OpenGL.

    Args:
        client: PyBullet client of a world that was built with ``visual=True``.
        part: Geometry of peg and hole.
        flange: Pose of the flange in the hole frame [m, xyzw].
        arm_base: Position of the arm's base in the hole frame [m]; None without an arm.
        width: Width of the picture [pixels].
        height: Height of the picture [pixels].

    Returns:
        Picture, (height, width, 3) uint8.
    """
    columns, rows = OVERSAMPLING * width, OVERSAMPLING * height
    left, margin = round(0.6 * columns), columns // 32
    picture = _backdrop(columns, rows)
    top, bottom = part.peg_length + FLANGE_THICKNESS + 0.003, -part.hole_depth - part.floor
    reach = float(np.max(np.abs(part.plate_outline))) + 0.5 * (top - bottom)
    corners = [vertex for outline in part.hole_outlines for vertex in outline.round(9).tolist()]
    x, y = max(corners, key=lambda vertex: (vertex[0], -vertex[1]))
    close = _Camera((x, 0.0, 0.0), 0.0, 0.0, 5.0, CLOSE_UP, CLOSE_UP, reach)
    target, tall = (0.0, 0.0, 0.5 * (top + bottom)), 1.3 * (top - bottom)
    main = _Camera(target, radians(24), radians(24), 8.0 * tall, tall * left / rows, tall, reach)
    if arm_base is not None:
        whole, side = _whole_arm(arm_base, left / rows), (rows - 3 * margin) // 2
        main = replace(main, width=tall, scene=reach + WRIST)
        right, below = columns - side - margin, rows - side - margin
        picture.paste(_shoot(client, whole, left, rows))
        origin = whole.pixel((0.0, 0.0, 0.0), left, rows)
        _add_inset(picture, _shoot(client, main, side, side), (right, margin), origin, main, 0.02)
        u, v = main.pixel((x, y, 0.0), side, side)
        corner, origin = (right, below), (right + u, margin + v)
    else:
        side = round(0.36 * columns)
        picture.paste(_shoot(client, main, left, rows))
        corner, origin = (columns - side - margin, (rows - side) // 2), main.pixel((x, y, 0.0), left, rows)
    _add_inset(picture, _shoot(client, close, side, side), corner, origin, close, 0.001)
    if arm_base is None:
        _write(picture, (margin, rows - margin), "plate cut open")
        _add_plan(picture, part, flange, (columns - margin, rows - margin), round(0.21 * rows))
    else:
        _write(picture, (right + margin // 2, margin + side - margin // 2), "cut open")
        _add_plan(picture, part, flange, (margin + round(0.25 * rows), rows - margin), round(0.25 * rows))
    return np.asarray(picture.reduce(OVERSAMPLING))


def _whole_arm(base: Vector, aspect: float) -> _Camera:
    """Return a side view of the whole arm with its table, scaled to the distance from base to hole."""
    x, y, z = base
    target, tall = (0.5 * x, 0.5 * y, z + 0.25), 1.2 * max(1.0, hypot(x, y) / 0.6)
    return _Camera(target, atan2(-y, -x) + radians(30), radians(15), 4.0, aspect * tall, tall, 1.5 * tall)


def _backdrop(width: int, height: int) -> Image.Image:
    gradient = np.linspace(SKY, FLOOR, height).round().astype(np.uint8)
    return Image.fromarray(gradient[:, None]).resize((width, height), Image.Resampling.NEAREST)


def _shoot(client: int, camera: _Camera, width: int, height: int) -> Image.Image:
    """Return one view on the backdrop, with outlined edges."""
    view, projection = camera.matrices()
    _, _, pixels, depth, bodies = pybullet.getCameraImage(
        width,
        height,
        view,
        projection,
        lightDirection=LIGHT,
        lightAmbientCoeff=0.65,
        lightDiffuseCoeff=0.42,
        lightSpecularCoeff=0.0,
        shadow=0,
        renderer=pybullet.ER_TINY_RENDERER,
        physicsClientId=client,
    )
    scene = Image.fromarray(np.reshape(pixels, (height, width, 4)).astype(np.uint8)).convert("RGB")
    scene.paste(INK, mask=Image.fromarray(_edges(np.reshape(depth, (height, width)))))
    picture = _backdrop(width, height)
    picture.paste(scene, mask=Image.fromarray(np.reshape(bodies, (height, width)) >= 0))
    return picture


def _edges(depth: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Detect edges of faces: depth is linear in the picture's coordinates on a plane, bent at its edge."""
    edges = np.zeros(depth.shape, dtype=bool)
    edges[1:-1] |= np.abs(depth[2:] - 2.0 * depth[1:-1] + depth[:-2]) > EDGE
    edges[:, 1:-1] |= np.abs(depth[:, 2:] - 2.0 * depth[:, 1:-1] + depth[:, :-2]) > EDGE
    return edges


def _add_inset(
    picture: Image.Image,
    inset: Image.Image,
    corner: tuple[int, int],
    origin: tuple[float, float],
    camera: _Camera,
    bar: float,
) -> None:
    """Paste a closer view at its upper left corner, and mark its origin, with a scale bar [m]."""
    (x, y), (u, v), side, line = corner, origin, inset.width, OVERSAMPLING
    draw, mark = ImageDraw.Draw(picture), side // 14
    if u < x:  # it is to the right, or else below
        draw.line((u + mark, v - mark, x, y), INK, line // 2)
        draw.line((u + mark, v + mark, x, y + side), INK, line // 2)
    else:
        draw.line((u - mark, v + mark, x, y), INK, line // 2)
        draw.line((u + mark, v + mark, x + side, y), INK, line // 2)
    draw.rectangle((u - mark, v - mark, u + mark, v + mark), outline=INK, width=line)
    picture.paste(inset, corner)
    draw.rectangle((x, y, x + side, y + side), outline=INK, width=line)
    length = side * bar / camera.width
    left, base = x + side - length - side // 14, y + side - side // 14
    draw.line((left, base, left + length, base), INK, 2 * line)
    label = f"{1e3 * bar:g} mm"
    draw.text((left + length / 2, base - line), label, INK, ImageFont.load_default(side // 13), "mb")


def _write(picture: Image.Image, place: tuple[int, int], text: str, anchor: str = "ls") -> None:
    """Write a text with its lower left corner, or another anchor of Pillow, at a place."""
    font = ImageFont.load_default(picture.height // 30)
    ImageDraw.Draw(picture).text(place, text, INK, font, anchor)


def _add_plan(picture: Image.Image, part: PegHole, flange: Pose, corner: tuple[int, int], side: int) -> None:
    """Draw hole and tip from above, to scale, into a square with a given lower right corner."""
    section = np.concatenate(part.hole_outlines)
    centre, reach = 0.5 * (section.min(0) + section.max(0)), 0.7 * np.ptp(section, axis=0).max()
    position, rotation = np.array(flange[0]), np.reshape(rotation_matrix(flange[1]), (3, 3))

    def moved(outline: Array) -> Array:
        tip = np.column_stack((outline, np.full(len(outline), -part.peg_length)))
        return (position + tip @ rotation.T)[:, :2]

    plan = Image.new("RGB", (side, side), PLATE)
    for outlines, colour in ((part.hole_outlines, HOLE), ([moved(one) for one in part.peg_outlines], PEG)):
        mask = Image.new("L", plan.size)
        draw, edges = ImageDraw.Draw(mask), []
        for area in sorted(shapely.get_parts(region(outlines)), key=lambda area: -float(area.envelope.area)):
            for fill, ring in ((255, area.exterior), *((0, ring) for ring in area.interiors)):
                x, y = (0.5 * side * (np.array(ring.coords) - centre) / reach).T
                points = list(zip((0.5 * side + x).tolist(), (0.5 * side - y).tolist(), strict=True))
                draw.polygon(points, fill)
                edges.append(points)
        plan.paste(colour, mask=mask)
        for points in edges:
            ImageDraw.Draw(plan).line(points, INK, OVERSAMPLING // 2)
    left, top = corner[0] - side, corner[1] - side
    picture.paste(plan, (left, top))
    ImageDraw.Draw(picture).rectangle((left, top, *corner), outline=INK, width=OVERSAMPLING)
    gap = side // 12
    if left > picture.width // 2:
        _write(picture, (left - gap, corner[1]), "from above", "rs")
    else:
        _write(picture, (corner[0] + gap, corner[1]), "from above")
