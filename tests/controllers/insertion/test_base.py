"""Actions that are added to those of guidance."""

import numpy as np
import pytest

from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.controllers.guidance import GuidanceConfig, ReflexGuidance
from assembly_rl.controllers.insertion import ActionConfig, ActionKind, InsertionConfig
from assembly_rl.controllers.insertion.insertion import Insertion
from assembly_rl.controllers.insertion.symmetry import SymmetryConfig, symmetries
from assembly_rl.controllers.se3 import IDENTITY
from assembly_rl.controllers.validation import AXES
from assembly_rl.controllers.wrench import ToolConfig

LAW = ComplianceLaw.from_diagonals([4.0] * 3 + [0.06] * 3, [800.0] * 3 + [10.0] * 3, [0.0] * 6)
PARAMETERS = {"force": 2.0, "force_per_moment": 60.0, "upright": 1.0}
WRENCH = np.array([1.0, -2.0, 4.0, 0.03, 0.05, 0.01])
POSE = np.array([1e-3, -5e-4, 2e-3, 0.01, -0.02, 0.03])


def applied(config: InsertionConfig, action: np.ndarray, steps: int = 1) -> np.ndarray:
    """Action that an insertion applies at the last of some steps with the same wrench and pose."""
    insertion = Insertion(config, LAW, ToolConfig([0.0, 0.0, -0.04]))
    insertion.reset(((0.0, 0.0, 0.0), IDENTITY))
    for _ in range(steps):
        insertion.observe(WRENCH, POSE, np.zeros(6), np.random.default_rng(0))
        insertion.apply(action)
    following = insertion.observe(WRENCH, POSE, np.zeros(6), np.random.default_rng(0))
    names = list(insertion.observer.names)
    first = names.index("last_action_x")
    return np.asarray(following[first : first + 6])


def base_action() -> np.ndarray:
    push = ReflexGuidance(**PARAMETERS).push(0.0, WRENCH.tolist(), POSE.tolist())
    return np.array(push) / np.array(ActionConfig().wrench)


def test_an_action_is_added_to_that_of_the_base() -> None:
    config = InsertionConfig(base=GuidanceConfig("reflex", PARAMETERS))
    action = np.linspace(-0.2, 0.3, 6)
    np.testing.assert_allclose(applied(config, action), base_action() + action, rtol=1e-6)
    np.testing.assert_allclose(applied(config, np.zeros(6)), base_action(), rtol=1e-6)


def test_the_sum_is_cut() -> None:
    config = InsertionConfig(base=GuidanceConfig("reflex", PARAMETERS))
    np.testing.assert_array_equal(applied(config, np.ones(6))[0], 1.0)
    np.testing.assert_array_equal(applied(config, -np.ones(6))[2], -1.0)


def test_the_base_keeps_the_axes_of_the_nominal_frame() -> None:
    """The policy's action is turned back, the base's is not turned."""
    base = GuidanceConfig("reflex", PARAMETERS)
    config = InsertionConfig(base=base, symmetry=SymmetryConfig(after=0.0, every=0.05))
    action = np.array([0.2, -0.1, 0.05, 0.1, 0.15, -0.2])
    insertion = Insertion(config, LAW, ToolConfig([0.0, 0.0, -0.04]))
    insertion.reset(((0.0, 0.0, 0.0), IDENTITY))
    insertion.observe(WRENCH, POSE, np.zeros(6), np.random.default_rng(0))
    view = insertion.view
    assert view > 0
    insertion.apply(action)
    turned = symmetries(AXES)[view].inverse()(action)
    np.testing.assert_allclose(insertion._last_action, base_action() + turned, atol=1e-12)


@pytest.mark.parametrize(
    ("guidance", "parameters", "message"),
    [
        ("reflexx", {}, "unknown guidance 'reflexx'; did you mean 'reflex'"),
        ("reflex", {"forse": 2.0}, "forse"),
        ("reflex", {"force": float("nan")}, "parameter force of the guidance 'reflex' must be a number"),
        ("dither", {"force": 1e9}, "within"),
        (None, {"force": 2.0}, "belong to no guidance"),
    ],
)
def test_bad_guidance_is_refused(guidance: str | None, parameters: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GuidanceConfig(guidance, parameters)


def test_a_base_goes_with_wrenches() -> None:
    with pytest.raises(ValueError, match="base.guidance=reflex goes with action.kind=wrench, not with twist"):
        InsertionConfig(base=GuidanceConfig("reflex"), action=ActionConfig(kind=ActionKind.twist))
