"""The insertion world: does the physics do what it must, in numbers."""

import math
import resource

import numpy as np
import pybullet
import pytest
from scipy.spatial.transform import Rotation

from assembly_rl.envs.geometry import PegHole
from assembly_rl.envs.physics import ENGINES, BulletWorld, PhysicsConfig
from assembly_rl.envs.robots import FloatingRobot, RobotConfig
from assembly_rl.envs.workcell import Workcell

ASIDE = (0.001, 0.0005)  # a millimetre off the axis: the peg lands on the rim
UPRIGHT = (0.0, 0.0, 0.0, 1.0)
STIFFNESS, ROTATIONAL_STIFFNESS = 3e4, 500.0


def turned(x: float, y: float, z: float) -> tuple:
    return tuple(Rotation.from_rotvec((x, y, z)).as_quat().tolist())


def contacts(world: BulletWorld) -> list:
    return pybullet.getContactPoints(world.tool, world.plate, physicsClientId=world.client)


# ---------------------------------------------------------------------- the fit


def test_an_aligned_peg_drops_in_under_its_command(make_rig, section: str) -> None:
    rig = make_rig(section)
    rig.place((0.0, 0.0, 0.003))
    rig.move((0.0, 0.0, 0.001), 0.25)  # the force of the start has died away before the mouth
    wrenches = rig.move((0.0, 0.0, -0.025), 26 / 8)
    assert np.abs(wrenches[:, :3]).max() < 0.2
    rig.move((0.0, 0.0, -0.025), 0.1)
    np.testing.assert_allclose(rig.tip_position(), (0.0, 0.0, -0.025), atol=1e-6)


@pytest.mark.parametrize("section", ["square", "rectangle", "L", "T", "polygon"])  # with a wall across x
def test_the_clearance_can_be_used_up_but_not_passed(make_rig, section: str) -> None:
    """Pushed sideways in the hole, the peg stops at the wall in x after 0.1 mm, or earlier in a corner."""
    rig = make_rig(section)
    rig.place((0.0, 0.0, -0.010))
    rig.move((0.0, 0.0, -0.010), 0.02)
    assert not contacts(rig.world)
    wrench = rig.move((0.0003, 0.0, -0.010), 0.5)[-1]
    # It tilts a little about the flange.
    x = rig.world.pose()[0][0] - rig.length * Rotation.from_quat(rig.world.pose()[1]).as_matrix()[0, 2]
    assert x == pytest.approx(1e-4, abs=1.5e-5)
    assert wrench[0] < -4.0


@pytest.mark.parametrize("yaw", [0.03, -0.03])
def test_a_yawed_peg_is_blocked(make_rig, section: str, yaw: float) -> None:
    """The chamfer of 0.3 mm stops it, but what is round needs half a facet of yaw."""
    rig = make_rig(section)
    facets = {"circle": 16, "tube": 12}.get(section)
    angle = yaw if facets is None else math.copysign(math.pi / facets, yaw)
    rig.place((0.0, 0.0, 0.0005), turned(0.0, 0.0, angle))
    rig.move((0.0, 0.0, -0.002), 0.25)
    force = rig.move((0.0, 0.0, -0.002), 0.1)[-1, 2]
    assert rig.tip_position()[2] > -0.0004
    assert force == pytest.approx(STIFFNESS * (rig.tip_position()[2] + 0.002), rel=0.02)


def test_a_misaligned_peg_rests_on_the_rim(make_rig, section: str) -> None:
    rig = make_rig(section)
    rig.place((*ASIDE, 0.0005))
    rig.move((*ASIDE, -0.0005), 0.2)
    force = rig.move((*ASIDE, -0.0005), 0.3)[-1, 2]
    flange = rig.world.pose()[0]
    assert flange[2] - rig.length == pytest.approx(0.0, abs=2e-5)
    assert force == pytest.approx(STIFFNESS * 0.0005, rel=0.04)


def test_penetration_stays_below_its_bound(make_rig, section: str) -> None:
    rig = make_rig(section)
    rig.place((*ASIDE, 1e-4))
    for _ in range(20):
        rig.move((*ASIDE, rig.tip[2] - 9e-5), 0.01)
        rig.world.measure_penetration()
    wrenches = rig.move(tuple(rig.tip), 0.2)
    assert wrenches[-1, 2] == pytest.approx(50.0, abs=3.0)
    assert 5e-6 < rig.world.measure_penetration() < 1.2e-5
    assert rig.world.penetration < rig.world.penetration_bound == pytest.approx(1e-4 / 3.0)


# ---------------------------------------------------------------------- the wrench


@pytest.mark.parametrize("section", ["square", "pentagon", "L"])
def test_the_wrench_is_the_load_of_a_press(make_rig, section: str) -> None:
    rig = make_rig(section)
    rig.place((*ASIDE, 1e-5))
    rig.move((*ASIDE, -0.001), 0.2)
    wrench = rig.move((*ASIDE, -0.001), 0.5)[-1]
    position, orientation = rig.world.pose()
    deflection = np.array(position) - rig.flange((*ASIDE, -0.001))
    np.testing.assert_allclose(wrench[:3], STIFFNESS * deflection, rtol=1e-6, atol=1e-6)
    twisted = Rotation.from_quat(orientation).as_rotvec()
    np.testing.assert_allclose(wrench[3:], ROTATIONAL_STIFFNESS * twisted, rtol=1e-6, atol=1e-6)
    normal_force = sum(contact[9] * contact[7][2] for contact in contacts(rig.world))
    assert wrench[2] == pytest.approx(normal_force, rel=1e-4) == pytest.approx(30.0, abs=1.0)


@pytest.mark.parametrize("orientation", [UPRIGHT, turned(0.3, -0.2, 0.5), turned(0.0, 0.0, 2.5)])
@pytest.mark.parametrize(
    "force", [(3.0, 0.0, 0.0), (0.0, -2.0, 0.0), (0.0, 0.0, 5.0), (3.0, -2.0, 1.0)], ids=str
)
def test_the_wrench_is_what_the_environment_applies(make_rig, monkeypatch, orientation, force) -> None:
    """A known force at a known arm from the flange, in free space: same sign, hole axes."""
    rig, arm = make_rig("square"), np.array([0.01, 0.02, -0.03])
    simulate = pybullet.stepSimulation

    def pulled(client: int) -> None:
        point = (np.array(rig.world.pose()[0]) + arm).tolist()
        pybullet.applyExternalForce(rig.world.tool, -1, force, point, pybullet.WORLD_FRAME, client)
        simulate(client)

    position = (0.0, 0.0, 0.2)
    rig.world.reset(position, orientation)
    monkeypatch.setattr(pybullet, "stepSimulation", pulled)
    rig.world.advance(1500, position, orientation)
    np.testing.assert_allclose(rig.world.wrench, (*force, *np.cross(arm, force)), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(
        np.subtract(rig.world.pose()[0], position), np.array(force) / STIFFNESS, rtol=1e-6, atol=1e-12
    )
    tilt = Rotation.from_quat(rig.world.pose()[1]) * Rotation.from_quat(orientation).inv()
    np.testing.assert_allclose(
        tilt.as_rotvec(), np.cross(arm, force) / ROTATIONAL_STIFFNESS, rtol=1e-6, atol=1e-12
    )


def test_the_inertial_load_is_in_the_wrench(make_rig) -> None:
    rig, mass, acceleration = make_rig("square", tool_mass=2.0), 2.0, 0.5
    rig.place((0.0, 0.0, 0.1))
    for step in range(1, 400):
        height = 0.1 + 0.5 * acceleration * (step / 1000) ** 2
        rig.world.advance(1, rig.flange((0.0, 0.0, height)), UPRIGHT)
    assert rig.world.wrench[2] == pytest.approx(-mass * acceleration, rel=1e-3)


@pytest.mark.parametrize("angle", [0.0, 0.4, 2.0, 3.1])
@pytest.mark.parametrize("axis", [(0.0, 0.0, 1.0), (0.6, 0.0, 0.8), (0.48, 0.6, 0.64)])
def test_the_servo_follows_its_command_within_a_step(make_rig, axis: tuple, angle: float) -> None:
    """Without the feed-forward of speed it lags by 8 ms; the command's quaternion comes with either sign."""
    rig, velocity, rate = make_rig("square"), np.array((0.02, -0.03, 0.05)), np.array((0.25, -0.1, 0.15))
    start = Rotation.from_rotvec(angle * np.array(axis))
    rig.world.reset((0.0, 0.0, 0.2), tuple(start.as_quat().tolist()))
    for step in range(1, 101):
        time, sign = 0.005 * step, (-1.0) ** step
        place, target = time * velocity + (0.0, 0.0, 0.2), Rotation.from_rotvec(time * rate) * start
        rig.world.advance(5, tuple(place.tolist()), tuple((sign * target.as_quat()).tolist()))
    position, orientation = rig.world.pose()
    np.testing.assert_allclose(position, place, atol=1.01e-3 * np.abs(velocity).max())
    behind = (target * Rotation.from_quat(orientation).inv()).as_rotvec()
    np.testing.assert_allclose(behind, 0.0, atol=1.1e-3 * np.abs(rate).max())
    np.testing.assert_allclose(np.hstack(rig.world.twist()), [*velocity, *rate], rtol=1e-3)


@pytest.mark.parametrize("speed", [0.01, 0.02])
def test_the_impact_does_not_depend_on_the_time_step(make_rig, speed: float) -> None:
    peaks = []
    for rate in (500.0, 1000.0, 2000.0):
        rig = make_rig("square", rate=rate)
        rig.place((*ASIDE, 0.003))
        rig.move((*ASIDE, 0.001), 0.002 / speed)
        impact = rig.move((*ASIDE, -2e-4), 0.0012 / speed)
        after = rig.move((*ASIDE, -2e-4), 0.4)
        peaks.append(max(impact[:, 2].max(), after[:, 2].max()))
        static = after[-1, 2]
        assert static == pytest.approx(STIFFNESS * 1.9e-4, rel=0.02)
    assert min(peaks) > 1.1 * static
    assert max(peaks) < 1.1 * min(peaks)


@pytest.mark.parametrize("rate", [500.0, 1000.0, 4000.0])
def test_the_filter_is_first_order_at_every_rate(make_rig, monkeypatch, rate: float) -> None:
    """A step of the servo's force, seen through the filter: 1 - exp(-2 pi 40 t)."""
    rig = make_rig("square", rate=rate)
    rig.place((0.0, 0.0, 0.1))
    # A tool that does not move: the servo pulls with stiffness * 1e-4 = 3 N all the time.
    monkeypatch.setattr(pybullet, "stepSimulation", lambda client: None)
    rig.world._target = (*rig.flange((0.0, 0.0, 0.1001)), *UPRIGHT)
    response = []
    for _ in range(round(0.02 * rate)):
        rig.world.advance(1, rig.flange((0.0, 0.0, 0.1001)), UPRIGHT)
        response.append(rig.world.wrench[2])
    times = np.arange(1, len(response) + 1) / rate
    np.testing.assert_allclose(response, -3.0 * (1.0 - np.exp(-2.0 * math.pi * 40.0 * times)), rtol=1e-9)


# ---------------------------------------------------------------------- reset, pictures, memory


def searching(rig, seed: int, start: tuple = (*ASIDE, 1e-4), seconds: float = 0.15) -> list:
    """A random walk on the rim under load."""
    rng = np.random.default_rng(seed)
    rig.place(start, turned(0.003, -0.002, 0.01))
    trace = []
    for _ in range(round(seconds * 200)):
        goal = rig.tip + 1e-4 * rng.uniform((-1.0, -1.0, -1.0), (1.0, 1.0, 0.0))
        rig.move(tuple(goal.tolist()), 0.005)
        trace.append((rig.world.wrench, rig.world.pose(), rig.world.twist()))
    return trace


def test_reset_is_exact_to_the_bit(make_rig, section: str) -> None:
    rig = make_rig(section)
    first = searching(rig, 0)
    assert contacts(rig.world)
    assert searching(rig, 0) == first
    searching(rig, 1)
    assert searching(rig, 0) == first
    assert searching(make_rig(section), 0) == first


def test_reset_into_contact_is_exact_to_the_bit(make_rig, section: str) -> None:
    """A contact of the episode before must not stay in the solver's cache."""

    def press() -> list:
        rig.place((0.001, 0.0002, -5e-6))
        return rig.move((0.001, 0.0002, -5e-4), 0.1).tolist()

    rig = make_rig(section)
    first = press()
    assert press() == first
    searching(rig, 0)
    assert press() == first


def test_reset_clears_the_record(make_rig) -> None:
    rig = make_rig("square")
    searching(rig, 0)
    rig.world.measure_penetration()
    assert rig.world.penetration > 0.0
    rig.place((0.0, 0.0, 0.05), turned(0.0, 0.0, 0.1))
    assert rig.world.penetration == 0.0 and rig.world.wrench == (0.0,) * 6
    assert rig.world.twist() == ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    np.testing.assert_allclose(rig.world.pose()[0], (0.0, 0.0, 0.09), atol=1e-15)
    np.testing.assert_allclose(rig.world.pose()[1], turned(0.0, 0.0, 0.1), atol=1e-15)
    rig.move((0.0, 0.0, 0.05), 0.1)
    assert np.abs(rig.world.wrench).max() < 1e-9


@pytest.mark.parametrize("section", ["square", "L"])
def test_pictures_do_not_change_the_physics(make_rig, section: str) -> None:
    assert searching(make_rig(section, visual=True), 0) == searching(make_rig(section), 0)


def test_another_bullet_client_does_not_change_the_physics(make_rig) -> None:
    """PyBullet keeps contactBreakingThreshold in a variable of the whole process."""
    rig, fresh = make_rig("circle"), searching(make_rig("circle"), 0)
    other = pybullet.connect(pybullet.DIRECT)
    pybullet.setPhysicsEngineParameter(contactBreakingThreshold=0.02, physicsClientId=other)
    try:
        assert searching(rig, 0) == fresh
    finally:
        pybullet.setPhysicsEngineParameter(contactBreakingThreshold=2e-4, physicsClientId=other)
        pybullet.disconnect(other)


def test_memory_does_not_grow(make_rig) -> None:
    rig = make_rig("square")

    def work(episodes: int) -> None:
        for _ in range(episodes):
            rig.place((*ASIDE, 1e-4))
            rig.world.advance(100, rig.flange((*ASIDE, -1e-4)), UPRIGHT)
            rig.world.measure_penetration()

    work(50)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    work(1000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 5 * 1024


def test_worlds_can_be_made_and_closed_for_ever(make_rig) -> None:
    """PyBullet has 1024 clients at most."""
    for _ in range(30):
        world = BulletWorld(PegHole(), PhysicsConfig(), 40.0)
        client = world.client
        world.close()
        world.close()
        assert not pybullet.isConnected(client)
    assert client < 30


@pytest.mark.parametrize("engine", ["bullet", "mujoco"])
def test_the_hash_covers_solver_servo_and_geometry(engine: str) -> None:
    if engine == "mujoco":
        pytest.importorskip("mujoco")

    def hashed(part: PegHole, **settings: float) -> str:
        world = ENGINES.get(engine)(part, PhysicsConfig(**settings), 40.0, False)
        world.close()
        return Workcell(world, FloatingRobot(world, RobotConfig())).physics_hash

    default = hashed(PegHole())
    assert hashed(PegHole()) == default
    others = {
        hashed(PegHole(clearance=2e-4)),
        hashed(PegHole(), rate=500.0),
        hashed(PegHole(), servo_stiffness=2e4),
        hashed(PegHole(), solver_iterations=10),
    }
    assert len(others | {default}) == 5


@pytest.mark.parametrize("name", [name for name in PhysicsConfig.__dataclass_fields__ if name != "engine"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_settings_are_positive(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"PhysicsConfig.{name} must be > 0, got {value}"):
        PhysicsConfig(**{name: value})
