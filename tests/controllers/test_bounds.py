"""No number of a configuration that a bundle or a program gives is without a physical maximum."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from assembly_rl.controllers import AdmittanceController, ComplianceLaw, ContactConfig, ToolConfig
from assembly_rl.controllers.bundles.manifest import LawConfig, PartNote, SensorNote
from assembly_rl.controllers.insertion import InsertionConfig
from assembly_rl.controllers.serialization import copied, from_mapping, to_mapping

NOTE = PartNote("square", {}, 1e-4, 3e-4, 0.025, 0.04, 0.0, False, "")
OWNERS: list[Any] = [
    InsertionConfig(), ContactConfig([1.0] * 6), ToolConfig(mass=1.0), SensorNote(40.0, 0.0), NOTE,
]  # fmt: skip
UNITY = ComplianceLaw.from_diagonals([1.0] * 6, [1.0] * 6, [1.0] * 6)
SAMPLES = {"cutoff": 10.0, "sensor_cutoff": 10.0, "timeout": 1.0, "tank": 1.0}


def numbers(owner: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Paths and values of all fields with numbers, of nested configurations, too."""
    for item in fields(owner):
        value = getattr(owner, item.name)
        if is_dataclass(value):
            yield from numbers(value, (*path, item.name))
            continue
        value = SAMPLES.get(item.name, value)
        entries = value if isinstance(value, list) else [value]
        if entries and all(
            isinstance(entry, int | float) and not isinstance(entry, bool) for entry in entries
        ):
            yield (*path, item.name), value


FIELDS = [(owner, path, value) for owner in OWNERS for path, value in numbers(owner)]


def refused(owner: Any, path: tuple[str, ...], value: Any) -> str:
    values = to_mapping(owner)
    inner = values
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    with pytest.raises(ValueError) as caught:
        from_mapping(type(owner), values)
    return str(caught.value)


def test_the_table_has_every_kind_of_number() -> None:
    names = {path[-1] for _, path, _ in FIELDS}
    expected = {
        "speed",
        "speed_limit",
        "offset_limit",
        "gain_ratio",
        "history",
        "second_copies",
        "force",
        "lag",
    }
    assert len(FIELDS) > 45 and expected <= names


@pytest.mark.parametrize("size", [1e308, 1e10, float("inf")])
@pytest.mark.parametrize(("owner", "path", "value"), FIELDS, ids=lambda part: str(part)[:30])
def test_no_number_of_a_configuration_is_unbounded(owner: Any, path: Any, value: Any, size: float) -> None:
    large = [size] * len(value) if isinstance(value, list) else size
    message = refused(owner, path, int(1e10) if isinstance(value, int) else large)
    assert path[-1] in message


@pytest.mark.parametrize(
    "path",
    [
        ("path", "ramp"),
        ("admittance", "gains", "damping_rate"),
        ("observation", "pose_scale"),
        ("policy_rate",),
    ],
)
def test_no_divisor_of_a_controller_is_a_denormal_number(path: tuple[str, ...]) -> None:
    assert "at least" in refused(
        InsertionConfig(), path, 5e-324 if len(path) < 3 and path[-1] != "pose_scale" else [5e-324] * 6
    )


def test_a_path_of_a_million_metres_a_second_is_refused() -> None:
    assert "PathConfig.speed must be <= 2" in refused(InsertionConfig(), ("path", "speed"), 1e6)
    assert "ToolConfig.centre must be within +-2" in refused(ToolConfig(), ("centre",), [0.0, 0.0, 1e9])


@pytest.mark.parametrize("name", ["mass", "damping", "stiffness"])
@pytest.mark.parametrize("size", [1e308, 1e11, 1e8])
def test_no_law_of_a_bundle_is_unbounded(name: str, size: float) -> None:
    rows = {label: UNITY.mass.tolist() for label in ("mass", "damping", "stiffness")}
    rows[name][2][2] = size
    with pytest.raises(ValueError, match=rf"{name}\[z"):
        LawConfig(**rows).law()


def test_a_law_without_inertia_is_refused() -> None:
    rows = (1e-9 * UNITY.mass).tolist()
    with pytest.raises(ValueError, match=r"law\.mass must have eigenvalues >= 1e-06"):
        LawConfig(rows, UNITY.damping.tolist(), UNITY.stiffness.tolist()).law()


@pytest.mark.parametrize("rate", [1e-6, 0.5, 2001.0, 1e308])
def test_a_rate_that_no_loop_has_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="rate must be"):
        AdmittanceController(UNITY, rate)
    assert "control_rate" in refused(InsertionConfig(), ("control_rate",), rate)


def test_the_longest_insertion_and_the_policy_period_are_bounded() -> None:
    with pytest.raises(ValueError, match="control periods"):
        InsertionConfig(
            control_rate=2000.0, limits=from_mapping(type(InsertionConfig().limits), {"time": 500.0})
        )
    with pytest.raises(ValueError, match="at most 200 times"):
        InsertionConfig(control_rate=2000.0, policy_rate=1.0)


def test_a_configuration_that_was_changed_afterwards_is_checked_again() -> None:
    config = InsertionConfig()
    config.admittance.speed_limit[0] = 1e308
    with pytest.raises(ValueError, match="speed_limit"):
        AdmittanceController(UNITY, 200.0, config.admittance)
    with pytest.raises(ValueError, match="speed_limit"):
        copied(config)
