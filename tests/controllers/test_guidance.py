import math

import numpy as np
import pytest

from assembly_rl.controllers.guidance import GUIDANCE, DitherGuidance, FixedGuidance, ReflexGuidance

ZERO = [0.0] * 6


def test_names() -> None:
    assert list(GUIDANCE.items()) == [
        ("fixed", FixedGuidance),
        ("dither", DitherGuidance),
        ("reflex", ReflexGuidance),
    ]


@pytest.mark.parametrize("name", GUIDANCE)
def test_force_pushes_into_the_hole(name: str) -> None:
    assert GUIDANCE[name](force=3.0).push(0.0, ZERO, ZERO) == [0.0, 0.0, -3.0, 0.0, 0.0, 0.0]


def test_dither_has_its_amplitudes_and_frequencies() -> None:
    guidance = DitherGuidance(1.0, 3.0, 1.0, 0.05, 1.5, 0.02, 2.0, 1.25)
    frequencies, amplitudes = np.array([1.0, 1.25, 1.5, 1.875, 2.0]), [3.0, 3.0, 0.05, 0.05, 0.02]
    for time in (0.0, 0.1, 0.37):
        push = guidance.push(time, [9.0] * 6, [9.0] * 6)
        assert push.pop(2) == -1.0
        np.testing.assert_allclose(push, amplitudes * np.sin(2.0 * math.pi * frequencies * time), atol=1e-15)


@pytest.mark.parametrize("direction", [0.0, 0.5 * math.pi, math.pi, 2.5])
def test_reflex_leaves_the_rim(direction: float) -> None:
    """The rim carries the peg at 10 mm from the axis with 4 N: it must move the other way."""
    towards = np.array([math.cos(direction), math.sin(direction), 0.0])
    moment = np.cross(0.01 * towards, (0.0, 0.0, 4.0))
    push = ReflexGuidance(force_per_moment=60.0).push(0.0, [0.0, 0.0, 4.0, *moment], ZERO)
    np.testing.assert_allclose(push[:3], -60.0 * 0.04 * towards + (0.0, 0.0, -4.0), atol=1e-12)


def test_reflex_terms() -> None:
    guidance = ReflexGuidance(0.0, 0.0, 2.0, 3.0, 0.05, 100.0, 7.0, 5.0)
    push = guidance.push(0.0, [4.0, 6.0, 1.0, 0.1, 0.2, 0.3], [0.01, -0.02, 0.03, 0.1, 0.2, 0.3])
    expected = [-1.0, 2.0, 0.0, 0.2 - 0.3 - 0.7, 0.4 + 0.2 - 1.4, 0.9 - 2.1]
    np.testing.assert_allclose(push, expected, atol=1e-12)


def test_reflex_is_bounded() -> None:
    push = ReflexGuidance(largest_force=5.0).push(0.0, [0.0, 0.0, 0.0, 10.0, 10.0, 0.0], ZERO)
    assert push[:2] == [5.0, -5.0]
