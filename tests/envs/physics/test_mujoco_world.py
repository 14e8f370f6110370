"""The second engine: does it agree with statics, geometry, the servo's law, and the first engine?"""

import inspect
import json
import math
import subprocess
import sys
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from assembly_rl.envs import PegHole, PegInHoleEnv
from assembly_rl.envs.physics import ENGINES, MujocoWorld, PhysicsConfig
from assembly_rl.envs.physics.mujoco import model

mujoco = pytest.importorskip("mujoco")

ASIDE = (0.001, 0.0005)  # a millimetre off the axis: the peg lands on the rim
UPRIGHT = (0.0, 0.0, 0.0, 1.0)
STIFFNESS, ROTATIONAL_STIFFNESS = 3e4, 500.0
DAMPING, ROTATIONAL_DAMPING = 1.4 * math.sqrt(3e4), 1.4 * math.sqrt(500.0 * 0.02)
KEEP = math.exp(-2.0 * math.pi * 40.0 / 1000.0)

engines = pytest.mark.parametrize("engine", ["bullet", "mujoco"])


def turned(x: float, y: float, z: float) -> tuple:
    return tuple(Rotation.from_rotvec((x, y, z)).as_quat().tolist())


def tip_at(position: np.ndarray, orientation: Rotation, length: float) -> tuple:
    """Position of the flange with the tip at a position."""
    return tuple((position + orientation.apply((0.0, 0.0, length))).tolist())


def sampled_twists(seed: int, count: int = 8) -> list[tuple[np.ndarray, np.ndarray]]:
    """Velocities [m/s] and angular velocities [rad/s]."""
    rng = np.random.default_rng(seed)
    return [(0.05 * rng.normal(size=3), 0.3 * rng.normal(size=3)) for _ in range(count)]


# ---------------------------------------------------------------------- the library


def test_mujoco_is_imported_with_the_first_world() -> None:
    code = "import sys, assembly_rl.envs; assert 'mujoco' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_mujoco_is_one_clear_error(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "mujoco", None)
    with pytest.raises(ValueError, match=r"needs MuJoCo: pip install 'assembly_rl\[mujoco\]'$"):
        PegInHoleEnv(task={"physics": {"engine": "mujoco"}})


@pytest.mark.parametrize(
    ("task", "render_mode", "message"),
    [
        ({}, "rgb_array", "'mujoco' draws no pictures"),
        ({"robot": {"model": "iiwa"}}, None, "'mujoco' simulates no arms"),
    ],
)
def test_what_it_cannot_do_is_refused(task: dict, render_mode: str | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PegInHoleEnv(task={"physics": {"engine": "mujoco"}} | task, render_mode=render_mode)


# ---------------------------------------------------------------------- the servo


@pytest.mark.parametrize("rate", [1000.0, 2000.0])
@pytest.mark.parametrize("start", [(0.0, 0.0, 0.0), (0.3, -0.2, 2.5), (0.0, 0.0, 3.13)], ids=str)
def test_free_motion_is_that_of_bullet(make_rig, start: tuple, rate: float) -> None:
    """The quaternion of a command comes with either sign."""
    worlds = [make_rig("square", engine, rate=rate).world for engine in ("bullet", "mujoco")]
    position, orientation = np.array((0.0, 0.0, 0.2)), Rotation.from_rotvec(start)
    for world in worlds:
        world.reset(tuple(position.tolist()), tuple(orientation.as_quat().tolist()))
    for velocity, speed in sampled_twists(0):
        for period in range(20):
            position = position + velocity / 200.0
            orientation = Rotation.from_rotvec(speed / 200.0) * orientation
            quaternion = tuple(((-1.0) ** period * orientation.as_quat()).tolist())
            for world in worlds:
                world.advance(round(rate / 200.0), tuple(position.tolist()), quaternion)
            bullet, other = worlds
            np.testing.assert_allclose(other.pose()[0], bullet.pose()[0], atol=1e-12)
            turns = Rotation.from_quat([other.pose()[1], bullet.pose()[1]])
            assert (turns[0] * turns[1].inv()).magnitude() < 1e-8
            np.testing.assert_allclose(other.twist()[0], bullet.twist()[0], atol=1e-12)
            np.testing.assert_allclose(other.twist()[1], bullet.twist()[1], atol=1e-6)
            np.testing.assert_allclose(other.wrench, bullet.wrench, atol=2e-6)
            np.testing.assert_allclose(other.pull, bullet.pull, atol=2e-6)


def test_the_servo_obeys_its_law_in_contact(make_rig) -> None:
    """In each physics step: the wrench of the spring-damper for the pose before it, and the filter."""
    rig = make_rig("square", "mujoco")
    world, rng, filtered = rig.world, np.random.default_rng(0), np.zeros(6)
    rig.place((*ASIDE, 1e-5), turned(0.002, -0.003, 0.01))
    target, turn = np.array(rig.flange(tuple(rig.tip))), Rotation.from_quat(rig.orientation)
    for _ in range(300):
        velocity, speed = rng.uniform(-0.02, 0.02, 3) - (0.0, 0.0, 0.005), rng.uniform(-0.2, 0.2, 3)
        target, turn = target + velocity / 1000.0, Rotation.from_rotvec(speed / 1000.0) * turn
        pose, twist = world.pose(), world.twist()
        world.advance(1, tuple(target.tolist()), tuple(turn.as_quat().tolist()))
        error = (turn * Rotation.from_quat(pose[1]).inv()).as_rotvec()
        force = STIFFNESS * (target - pose[0]) + DAMPING * (velocity - twist[0])
        torque = ROTATIONAL_STIFFNESS * error + ROTATIONAL_DAMPING * (speed - np.array(twist[1]))
        np.testing.assert_allclose(world.pull, [*force, *torque], rtol=1e-8, atol=1e-8)
        filtered = KEEP * filtered - (1.0 - KEEP) * np.array([*force, *torque])
        np.testing.assert_allclose(world.wrench, filtered, rtol=1e-8, atol=1e-8)
    assert np.abs(filtered[:3]).max() > 5.0


def test_a_long_motion_is_many_short_ones(make_rig) -> None:
    """In free space and in contact, with more steps than the record holds, and with fewer."""
    whole, parts = (make_rig("L", "mujoco").world for _ in range(2))
    place, angle = np.array((*ASIDE, 0.0405)), np.zeros(3)
    for world in (whole, parts):
        world.reset(tuple(place.tolist()), UPRIGHT)
    for steps in (3, 5, model.RECORD, 37, 1, 80):
        move, turn = np.array((2e-5, -2e-5, -2e-4)), np.array((0.0002, 0.0, 0.0004))
        for step in range(1, steps + 1):
            rotation = Rotation.from_rotvec(angle + step / steps * turn)
            target = tuple((place + step / steps * move).tolist()), tuple(rotation.as_quat().tolist())
            parts.advance(1, *target)
        place, angle = place + move, angle + turn
        whole.advance(steps, *target)
        np.testing.assert_allclose(parts.wrench, whole.wrench, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(parts.pose()[0], whole.pose()[0], atol=1e-10)
    assert whole.wrench[2] > 5.0


def test_the_wrench_is_what_the_environment_applies(make_rig) -> None:
    """A known force and a known torque in free space: same sign, hole axes."""
    world, orientation = make_rig("square", "mujoco").world, turned(0.0, 0.0, 2.5)
    world.reset((0.0, 0.0, 0.2), orientation)
    world.data.xfrc_applied[1, :3] = (3.0, -2.0, 1.0)
    world.data.qfrc_applied[3:] = Rotation.from_quat(orientation).inv().apply((0.1, 0.2, -0.3))
    world.advance(1500, (0.0, 0.0, 0.2), orientation)
    np.testing.assert_allclose(world.wrench[:3], (3.0, -2.0, 1.0), rtol=1e-9)
    np.testing.assert_allclose(world.wrench[3:], (0.1, 0.2, -0.3), rtol=5e-3)
    deflection = np.subtract(world.pose()[0], (0.0, 0.0, 0.2))
    np.testing.assert_allclose(deflection, np.array((3.0, -2.0, 1.0)) / STIFFNESS, rtol=1e-9)


# ---------------------------------------------------------------------- geometry


def test_contact_begins_where_the_clearance_ends(make_rig, section: str) -> None:
    """Beside every edge, to a hundredth of the clearance: no phantom material, in concave parts neither."""
    world = make_rig(section, "mujoco").world
    outlines, clearance = world.part.peg_outlines, world.part.clearance
    edges = np.concatenate([np.roll(outline, -1, axis=0) - outline for outline in outlines])
    normals = np.column_stack((edges[:, 1], -edges[:, 0])) / np.linalg.norm(edges, axis=1)[:, None]
    for normal in normals:
        for share, touches in ((0.99, False), (1.01, True)):
            x, y = share * clearance * normal
            world.reset((x, y, 0.03), UPRIGHT)
            world.advance(1, (x, y, 0.03), UPRIGHT)  # its contacts are those of the pose before the step
            depth = world.measure_penetration()
            assert (world.data.ncon > 0) == touches
            assert depth == pytest.approx(0.01 * clearance if touches else 0.0, abs=2e-9)


def test_an_aligned_peg_drops_in_under_its_command(make_rig, section: str) -> None:
    rig = make_rig(section, "mujoco")
    rig.place((0.0, 0.0, 0.003))
    rig.move((0.0, 0.0, 0.001), 0.25)  # the force of the start has died away before the mouth
    wrenches = rig.move((0.0, 0.0, -0.025), 26 / 8)
    assert np.abs(wrenches[:, :3]).max() < 0.2
    rig.move((0.0, 0.0, -0.025), 0.1)
    np.testing.assert_allclose(rig.tip_position(), (0.0, 0.0, -0.025), atol=1e-6)


# ---------------------------------------------------------------------- contact


@pytest.mark.parametrize(("engine", "tolerance"), [("bullet", 0.06), ("mujoco", 5e-3)])
@pytest.mark.parametrize("depth", [1e-3, 2e-4])
def test_a_press_on_the_rim_has_the_force_of_the_spring(make_rig, engine, tolerance, depth) -> None:
    rig = make_rig("square", engine)
    rig.place((*ASIDE, 1e-5))
    rig.move((*ASIDE, -depth), 0.2)
    wrench = rig.move((*ASIDE, -depth), 0.3)[-1]
    assert wrench[2] == pytest.approx(STIFFNESS * depth, rel=tolerance)
    assert rig.world.measure_penetration() < (1.01e-5 if engine == "bullet" else 4e-6)


@engines
@pytest.mark.parametrize("rate", [1000.0, 2000.0, 4000.0])
def test_the_impact_depends_neither_on_engine_nor_on_rate(make_rig, engine: str, rate: float) -> None:
    """At 20 mm/s on the rim, as the sensor sees it."""
    rig = make_rig("square", engine, rate=rate)
    rig.place((*ASIDE, 0.003))
    rig.move((*ASIDE, 0.001), 0.1)
    forces = np.vstack([rig.move((*ASIDE, -2e-4), 0.06), rig.move((*ASIDE, -2e-4), 0.1)])[:, 2]
    assert 7.9 < forces.max() < 8.6


def test_penetration_stays_below_its_bound(make_rig, section: str) -> None:
    """On the rim at 20 mm/s, flat and on an edge or a corner, and then in the chamfer."""
    rig, rng = make_rig(section, "mujoco"), np.random.default_rng(0)
    world = rig.world
    for tilt in (0.0, 0.03, 0.03):
        turn = Rotation.from_rotvec(rng.uniform(-tilt, tilt, 3))
        tip, deepest = np.array((*ASIDE, 0.0009)), 0.0
        world.reset(tip_at(tip, turn, rig.length), tuple(turn.as_quat().tolist()))
        for step in range(150):
            tip = tip - (0.0, 0.0, 2e-5 * (step < 90))
            world.advance(1, tip_at(tip, turn, rig.length), tuple(turn.as_quat().tolist()))
            deepest = max(deepest, world.measure_penetration())
        assert world.data.ncon
        assert 0.0 < world.penetration == deepest < world.penetration_bound == pytest.approx(1e-4 / 3.0)


@engines
@pytest.mark.parametrize("friction", [0.1, 0.2, 0.4])
def test_a_sliding_peg_feels_the_friction_that_was_set(make_rig, engine: str, friction: float) -> None:
    rig = make_rig("square", engine)
    rig.world.set_friction(friction)
    rig.place((0.0005, 0.0005, 1e-5))
    rig.move((0.0005, 0.0005, -2e-4), 0.1)
    wrenches = rig.move((0.0020, 0.0005, -2e-4), 0.3)[150:]
    lateral = np.linalg.norm(wrenches[:, :2], axis=1)
    assert np.mean(lateral) / np.mean(wrenches[:, 2]) == pytest.approx(friction, rel=0.01)


def insertions(world, count: int) -> np.ndarray:
    """Peak force and final depth of stiff straight paths, (count, 2), with errors of 0.3 mm and 3 mrad."""
    rng, rows = np.random.default_rng(0), []
    for _ in range(count):
        angle, radius = rng.uniform(0.0, 2.0 * math.pi), 3e-4 * math.sqrt(rng.uniform())
        turn = Rotation.from_rotvec(rng.uniform(-1.0, 1.0, 3) * 3e-3 / math.sqrt(3.0))
        tip = np.array((radius * math.cos(angle), radius * math.sin(angle), 0.001))
        quaternion, peak = tuple(turn.as_quat().tolist()), 0.0
        world.reset(tip_at(tip, turn, 0.04), quaternion)
        for _ in range(110):
            tip = tip - (0.0, 0.0, 1e-4)
            world.advance(round(world.config.rate / 200.0), tip_at(tip, turn, 0.04), quaternion)
            peak = max(peak, math.hypot(*world.wrench[:3]))
        rows.append((peak, 0.04 - world.pose()[0][2]))
    return np.array(rows)


def test_stiff_insertions_agree_with_bullet(make_rig) -> None:
    bullet, other = (insertions(make_rig("square", engine).world, 40) for engine in ("bullet", "mujoco"))
    assert bullet[:, 1].min() > 0.0098 and other[:, 1].min() > 0.0098
    assert np.corrcoef(bullet[:, 0], other[:, 0])[0, 1] > 0.97
    assert np.mean(bullet[:, 0]) == pytest.approx(np.mean(other[:, 0]), rel=0.1)


# ---------------------------------------------------------------------- determinism


def trace(world, seed: int) -> str:
    """Hash of a random walk on the rim under load."""
    import hashlib

    import numpy as np

    rng, digest = np.random.default_rng(seed), hashlib.sha256()
    place = np.array((0.001, 0.0005, 0.0401))
    world.set_friction(0.2)
    world.reset(tuple(place.tolist()), (0.0015, -0.001, 0.005, (1.0 - 2.825e-5) ** 0.5))
    for _ in range(60):
        place = place + 1e-4 * rng.uniform((-1.0, -1.0, -1.0), (1.0, 1.0, 0.0))
        world.advance(5, tuple(place.tolist()), (0.0, 0.0, 0.0, 1.0))
        digest.update(repr((world.pose(), world.twist(), world.wrench, world.measure_penetration())).encode())
    return digest.hexdigest()


@pytest.mark.parametrize("section", ["circle", "L"])
def test_reset_is_exact_to_the_bit(make_rig, section: str) -> None:
    """After any history, in another world, and in another process, which has done other things before."""
    world = make_rig(section, "mujoco").world
    first = trace(world, 0)
    assert world.penetration > 0.0
    assert trace(world, 0) == first
    assert trace(world, 1) != first
    world.set_friction(0.5)
    world.advance(7, (0.0, 0.0, 0.03), turned(0.0, 0.0, 0.5))  # it ends in a jam
    assert trace(world, 0) == first
    assert trace(make_rig(section, "mujoco").world, 0) == first
    code = f"""
from assembly_rl.envs.physics import MujocoWorld, PhysicsConfig
from assembly_rl.envs.geometry import PegHole
{inspect.getsource(trace)}
for section in ("square", {section!r}):
    world = MujocoWorld(PegHole(section), PhysicsConfig(), 40.0)
    trace(world, 2)
print(trace(world, 0))
"""
    other = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert other.stdout.strip() == first


def test_reset_clears_the_record(make_rig) -> None:
    world = make_rig("square", "mujoco").world
    trace(world, 0)
    assert world.penetration > 0.0 and world.pull != (0.0,) * 6
    world.reset((0.0, 0.0, 0.09), turned(0.0, 0.0, 0.1))
    assert world.penetration == world.measure_penetration() == 0.0
    assert world.wrench == world.pull == (0.0,) * 6
    assert world.pose() == ((0.0, 0.0, 0.09), turned(0.0, 0.0, 0.1))
    assert world.twist() == ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    world.advance(100, (0.0, 0.0, 0.09), turned(0.0, 0.0, 0.1))
    assert np.abs(world.wrench).max() < 1e-9


def test_an_episode_can_be_repeated_and_copied() -> None:
    env = PegInHoleEnv(task={"physics": {"engine": "mujoco"}})
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, (12, 6)).astype(np.float32)

    def episode() -> list:
        env.reset(seed=3)
        return [env.step(action)[0].tolist() for action in actions]

    first = episode()
    env.reset(seed=4)
    assert episode() == first
    other = deepcopy(env)
    assert other.step(actions[0])[0].tolist() == env.step(actions[0])[0].tolist()


# ---------------------------------------------------------------------- the rest


def test_the_hash_covers_the_contacts(monkeypatch: pytest.MonkeyPatch) -> None:
    def content() -> list[Any]:
        world = MujocoWorld(PegHole(), PhysicsConfig(), 40.0)
        world.close()
        world.close()
        return world.content()

    default = content()
    assert content() == default
    monkeypatch.setattr(model, "CORRECTION", 0.5)
    assert content() != default


def test_a_world_keeps_its_own_part_and_configuration() -> None:
    part, config = PegHole(), PhysicsConfig(engine="mujoco")
    world = ENGINES.get("mujoco")(part, config, 40.0, False)
    config.servo_stiffness = world.config.servo_stiffness = 1.0
    assert world.config.servo_stiffness == STIFFNESS and world.config.rate == MujocoWorld.default_rate
    assert world.part == part and world.part is not part
    assert json.loads(json.dumps(world.content())) == world.content()
    with pytest.raises(TypeError, match="cannot copy or pickle"):
        deepcopy(world)
