"""Nothing that a program hands over, or is given, is the controller's own memory; nothing foreign raises."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from bundle_maker import HOLE, manifest, policy
from loop import LAW

from assembly_rl.controllers import (
    AdmittanceConfig,
    AdmittanceController,
    BundleController,
    ContactConfig,
    ContactWrench,
    Fault,
    ToolConfig,
)
from assembly_rl.controllers.bundles import Manifest
from assembly_rl.controllers.gains import GainSchedule
from assembly_rl.controllers.insertion import Insertion, InsertionConfig, Observer, Termination
from assembly_rl.controllers.se3 import compose, quat_exp
from assembly_rl.controllers.serialization import from_mapping

IDENTITY = (0.0, 0.0, 0.0, 1.0)
FREE = [0.0] * 6


class Hostile:
    """An object of which everything raises."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __iter__(self) -> Iterator[float]:
        raise LookupError("iter")

    def __len__(self) -> int:
        raise ZeroDivisionError("len")

    def __float__(self) -> float:
        raise AssertionError("float")

    def __add__(self, other: Any) -> Any:
        raise MemoryError("add")

    __radd__ = __mul__ = __rmul__ = __sub__ = __rsub__ = __add__


class Treacherous(float):
    """A float whose arithmetic raises."""

    def __float__(self) -> float:
        raise OSError("float")

    def __rmul__(self, other: Any) -> Any:
        raise OSError("mul")


def tensors() -> list[Any]:
    torch = pytest.importorskip("torch")
    return [
        torch.zeros(6, 1),
        torch.zeros(6, requires_grad=True),
        torch.zeros(6, 1, requires_grad=True),
        list(torch.zeros(6, requires_grad=True)),
        torch.zeros(6, device="meta"),
    ]


def foreign() -> list[Any]:
    class Endless:
        def __iter__(self) -> Iterator[float]:
            while True:
                yield 0.0

    class Late:
        def __iter__(self) -> Iterator[float]:
            yield from (0.0, 0.0, 0.0)
            raise EOFError("late")

    hostile = Hostile()
    objects = np.empty(6, dtype=object)
    objects[0] = hostile
    return [
        *tensors(), None, hostile, [hostile] * 6, [0.0] * 5 + [hostile], [Treacherous(0.0)] * 6, Endless(),
        Late(), [10**400] * 6, [0.0] * 5 + [10**400], "123456", ["1"] * 6, b"123456", [b"1"] * 6, {},
        {1, 2, 3, 4, 5, 6}, dict.fromkeys(range(6)), 3.0, np.zeros((6, 1)), np.zeros((1, 6)), np.zeros(5),
        np.array(1.0), objects,
        np.array(["1"] * 6), np.zeros(6, dtype=complex), [1j] * 6, [[0.0]] * 6, [Decimal(0)] * 6,
        [np.zeros(1)] * 6, (float(value) for value in range(5)), [nan] * 6, [inf] * 6,
        np.zeros(6, dtype="datetime64[s]"), object(), int,
    ]  # fmt: skip


TIMES: list[Any] = [None, nan, "0.5", Hostile(), 10**400, [0.0], Treacherous(0.0), 1j, np.zeros(3), True]


def test_foreign_objects_never_make_a_step_raise_and_are_reported() -> None:
    for wrong in foreign():
        for arguments in ((wrong, FREE), (FREE, wrong)):
            controller = AdmittanceController(LAW, 200.0)
            offset, faults = controller.step(*arguments)
            assert Fault.INVALID_INPUT in faults and offset == FREE
    for time in TIMES:
        for stamp in TIMES:
            AdmittanceController(LAW, 200.0).step(FREE, FREE, time, stamp)


def test_foreign_objects_never_make_a_step_of_a_bundle_raise_and_are_reported() -> None:
    own = BundleController(Manifest.read(manifest()), policy())
    start = own.reset(HOLE)[:2]
    for wrong in foreign():
        for arguments in (
            (wrong, start), (FREE, wrong), (FREE, (wrong, start[1])), (FREE, (start[0], wrong)),
        ):  # fmt: skip
            own.reset(HOLE)
            command = own.step(*arguments, 0.0)
            assert Fault.INVALID_INPUT in command.faults and command[:2] == start
    for time in TIMES:
        for stamp in TIMES:
            own.reset(HOLE)
            assert np.isfinite(own.step(FREE, start, time, stamp).position).all()
    idle = BundleController(Manifest.read(manifest()), policy())
    for wrong in foreign():
        assert idle.step(wrong, wrong, wrong).state == "idle"


def test_foreign_objects_are_no_contact_wrench() -> None:
    contact = ContactWrench(ToolConfig())
    for wrong in foreign():
        assert np.isnan(contact(wrong, IDENTITY)).all()
        assert np.isnan(contact(FREE, wrong)).all()


def test_numbers_of_numpy_are_numbers() -> None:
    for kind in (np.float32, np.float64, np.int64):
        for values in (np.ones(6, dtype=kind), list(np.ones(6, dtype=kind)), tuple(np.ones(6, dtype=kind))):
            _, faults = AdmittanceController(LAW, 200.0).step(values, FREE)
            assert not faults
    assert not AdmittanceController(LAW, 200.0).step([1] * 6, [0] * 6, np.float64(0.0), np.float32(0.0))[1]


def test_a_program_that_makes_underflow_an_error_does_not_make_a_step_raise() -> None:
    values = manifest(InsertionConfig())
    values["insertion"]["action"]["kind"] = "stiffness"
    own = BundleController(Manifest.read(values), policy())
    with np.errstate(all="raise"):
        pose = own.reset(HOLE)[:2]
        for number in range(300):
            wrench = [1e-300] * 6 if number < 150 else [nan] * 6
            pose = own.step(wrench, pose, number / 200.0)[:2]
    assert own.state == "fault"


# ---------------------------------------------------------------------- whose memory


def run(own: BundleController, spoil: Callable[[], object] | None) -> np.ndarray:
    """Commands of an insertion; at step 50 the program changes what it handed over or was given."""
    commands = []
    pose = own.reset(HOLE)[:2]
    for number in range(150):
        if number == 50 and spoil is not None:
            spoil()
        command = own.step([1.0, -0.5, 2.0, 0.01, 0.02, 0.0], pose, number / 200.0)
        pose = command[:2]
        commands.append((*command.position, *command.orientation))
    return np.array(commands)


def test_a_hole_that_is_changed_in_flight_does_not_move_the_command() -> None:
    expected, found = [], []
    own = BundleController(Manifest.read(manifest()), policy())
    position, orientation = np.array(HOLE[0]), np.array(HOLE[1])
    start = compose(HOLE, own.start)
    pose, turn = np.array(start[0]), np.array(start[1])
    bias = np.full(6, 0.1)
    for commands in (expected, found):
        own.reset((position, orientation), (pose, turn), bias=bias)  # type: ignore[arg-type]
        if commands is found:
            position += 0.005
            orientation[:] = quat_exp((0.3, 0.0, 0.0))
            pose += 1.0
            bias += 5.0
        for number in range(50):
            commands.append(own.step(FREE, start, number / 200.0))
    assert found == expected
    assert own.recording().hole == HOLE and set(own.recording().bias) == {0.1}


def test_nothing_that_was_handed_over_or_given_changes_a_running_bundle() -> None:
    expected = run(BundleController(Manifest.read(manifest()), policy()), None)
    given, network = Manifest.read(manifest()), policy()
    own = BundleController(given, network)

    def spoil() -> None:
        for one in (given, own.manifest):
            one.insertion.limits.force = 1e-9
            one.insertion.path.speed = 1.0
            one.insertion.admittance.speed_limit[:] = [1e-9] * 6
            one.insertion.admittance.safety.max_age = 1e-9
            one.insertion.action.wrench[:] = [0.0] * 6
            one.insertion.observation.wrench_scale[:] = [1e9] * 6
            one.tool.centre[:] = [1.0] * 3
            one.gravity[:] = [50.0] * 3
            one.law.stiffness[0][0] = 1e9
            one.part.hole_depth = 1e-3
        for layer in network.layers:
            for array in layer[:2]:
                with pytest.raises(ValueError, match="read-only"):
                    array[:] = nan
        own.actions[:] = nan
        own.recording().commands[:] = 0.0

    np.testing.assert_array_equal(run(own, spoil), expected)


def test_nothing_that_was_handed_over_or_given_changes_a_running_controller() -> None:
    def made() -> tuple[AdmittanceController, AdmittanceConfig, ContactConfig]:
        config = AdmittanceConfig(deadband=[0.1] * 6, cutoff=30.0)
        contact = ContactConfig([100.0] * 6, sensor_cutoff=40.0)
        return AdmittanceController(LAW, 200.0, config, contact), config, contact

    def course(spoiled: bool) -> list[Any]:
        controller, config, contact = made()
        start = np.full(6, 1e-3)
        controller.reset(start)
        if spoiled:
            start[:] = 1.0
            for own in (config, controller.config):
                own.speed_limit[:] = [1e-9] * 6
                own.deadband[:] = [1e3] * 6
                own.reference_limit[:] = [0.0] * 6
                own.safety.safe_reference[:] = [1e3] * 6
                own.gains.damping_rate[:] = [1e-9] * 6
            for stated in (contact, controller.contact):
                assert stated is not None
                stated.stiffness[:] = [1e12] * 6
            for array in (controller.offset, controller.velocity, controller.steady_wrench_bound):
                array[:] = 1.0
        found = []
        for _ in range(20):
            offset, faults = controller.step([5.0] * 6, [1.0] * 6)
            found.append((list(offset), faults))
            if spoiled:
                offset[:] = [1.0] * 6
        found.append(controller.request(LAW.damped(np.full(6, 1.1))))
        found.append([controller.step([5.0] * 6) for _ in range(20)])
        return found

    assert course(True) == course(False)


def test_parts_of_a_controller_keep_copies_of_their_configurations() -> None:
    config, tool = InsertionConfig(), ToolConfig([0.0, 0.0, -0.1], 1.0, [0.0, 0.0, -0.05])
    gravity = np.array([0.0, 0.0, -9.81])
    insertion = Insertion(config, LAW, tool, gravity)  # type: ignore[arg-type]
    termination, observer = Termination(config, 0.025), Observer(config.observation)
    schedule = GainSchedule(config.admittance.gains, 0.005, lambda *_: np.zeros((12, 18)))
    contact = ContactWrench(tool, gravity)  # type: ignore[arg-type]
    bias = np.zeros(6)
    contact.bias = bias  # type: ignore[assignment]
    before = contact(FREE, IDENTITY)
    start = np.zeros(6)
    first = insertion.reset(HOLE, start)  # type: ignore[arg-type]
    action = np.zeros(6)
    insertion.apply(action)
    bias += 1.0
    gravity[:] = 0.0
    start += 1.0
    action += nan
    tool.centre[:], tool.mass = [0.0] * 3, 0.0
    config.limits.force, config.path.speed, config.observation.history = 1e-9, 1.0, 9
    config.admittance.gains.tank = None
    assert contact(FREE, IDENTITY) == before
    assert insertion.reset(HOLE) == first
    assert termination.of_wrench([5.0, 0.0, 0.0, 0.0, 0.0, 0.0]) is None
    assert len(observer.names) == 42
    schedule.reset(LAW)
    assert schedule.filling
    values = {"deadband": [0.0] * 6}
    from_mapping(AdmittanceConfig, values).deadband[0] = 1.0
    assert values == {"deadband": [0.0] * 6}


# ---------------------------------------------------------------------- quaternions


def test_a_quaternion_that_is_not_quite_unit_is_normalized_at_every_border() -> None:
    turn = quat_exp((0.3, -0.2, 0.1))
    longer = tuple(1.0004 * value for value in turn)
    contact = ContactWrench(ToolConfig([0.0, 0.0, -0.1], 1.0, [0.0, 0.01, -0.05]))
    reading = [1.0, 2.0, 3.0, 0.1, 0.2, 0.3]
    np.testing.assert_allclose(contact(reading, longer), contact(reading, turn), atol=1e-13)  # type: ignore[arg-type]
    commands = []
    for orientation in (turn, longer):
        own = BundleController(Manifest.read(manifest()), policy())
        hole = (HOLE[0], turn)
        position = own.reset(hole).position
        commands.append([own.step(reading, (position, orientation), number / 200.0) for number in range(30)])
        idle = BundleController(Manifest.read(manifest()), policy()).step(FREE, (position, orientation), 0.0)
        assert np.linalg.norm(idle.orientation) == pytest.approx(1.0, abs=1e-14)
    for one, other in zip(*commands, strict=True):
        np.testing.assert_allclose(one.position, other.position, atol=1e-11)
    almost = tuple((1.0 + 9e-7) * value for value in turn)
    own = BundleController(Manifest.read(manifest()), policy())
    assert np.linalg.norm(own.reset((HOLE[0], almost)).orientation) == pytest.approx(1.0, abs=1e-14)  # type: ignore[arg-type]
    moved = LAW.transport(((0.0, 0.0, 0.1), almost), "b")  # type: ignore[arg-type]
    exact = LAW.transport(((0.0, 0.0, 0.1), turn), "b")
    np.testing.assert_allclose(moved.damping, exact.damping, rtol=1e-13, atol=1e-12)
