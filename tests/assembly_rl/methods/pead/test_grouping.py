import numpy as np
import pytest

from assembly_rl.controllers.validation import AXES
from assembly_rl.methods.pead.config import PEADConfig
from assembly_rl.methods.pead.extension import stages_of
from assembly_rl.methods.pead.grouping import FULL, check_stages, parse, permuted
from assembly_rl.methods.pead.similarity import similar

SCALES = [5.0, 5.0, 8.0, 0.15, 0.15, 0.15]


def test_a_grouping_is_a_matrix() -> None:
    grouping = parse(["x -y", "rz"], SCALES)
    expected = np.zeros((6, 2))
    expected[0, 0], expected[1, 0], expected[5, 1] = 1.0, -1.0, 1.0
    np.testing.assert_array_equal(grouping.matrix, expected)
    assert grouping.dimensions == 2 and str(grouping) == "x -y | rz"
    np.testing.assert_array_equal(grouping.active, [1, 1, 0, 0, 0, 1])
    np.testing.assert_array_equal(grouping.leaders, [0, 0, -1, -1, -1, 5])
    np.testing.assert_allclose(grouping.shares, [0.5, 0.5, 0, 0, 0, 1])


@pytest.mark.parametrize("groups", [["x -y", "rz"], ["x y z", "rx -ry rz"], ["-z"], list("xyz")])
def test_its_matrices_fit_together(groups: list[str]) -> None:
    grouping = parse(groups, SCALES)
    u = np.random.default_rng(0).normal(size=grouping.dimensions)
    action = grouping.matrix @ u
    np.testing.assert_allclose(grouping.follow @ action, action, rtol=1e-6)
    np.testing.assert_allclose(grouping.projection @ action, action, rtol=1e-6)
    np.testing.assert_allclose(grouping.projection @ grouping.projection, grouping.projection, atol=1e-6)
    np.testing.assert_allclose(grouping.shares.sum(), grouping.dimensions, rtol=1e-6)
    # A gradient by the components becomes, at each component, that by its dimension.
    slope = np.arange(1.0, 7.0)
    np.testing.assert_allclose(grouping.tie @ slope, grouping.matrix @ (grouping.matrix.T @ slope))


def test_full_ties_nothing() -> None:
    for matrix in (FULL.tie, FULL.follow, FULL.projection):
        np.testing.assert_array_equal(matrix, np.eye(6))
    np.testing.assert_array_equal(FULL.shares, np.ones(6))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (["x q"], "has 'q'; known components: x, y, z, rx, ry, rz"),
        (["x y", "-y"], "y is in more than one place"),
        (["x", " "], "one without components"),
        ([], "at least one group"),
        (["x ry"], "ties N and Nm: state the ratio of their scales, here 0.03 m, as in 'x ry @ 0.03'"),
        (["x ry @ 0.05"], "here 0.03 m"),
        (["x ry @ some"], "here 0.03 m"),
        (["x y @ 1"], "states a ratio, but has components of one unit only"),
    ],
)
def test_bad_groups_are_refused(groups: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(groups, SCALES)


def test_units_are_mixed_with_their_ratio_only() -> None:
    assert parse(["x ry @ 0.03", "y"], SCALES).dimensions == 2
    with pytest.raises(ValueError, match="here actions are neither"):
        parse(["x ry @ 0.03"], None)


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([["x y"], ["x", "y"]], "no stage reaches z, rx, ry, rz"),
        ([["x y z"], ["x y", "z rx @ 0.02", "ry", "rz"]], r"stage 2 .* does not extend stage 1 \(x y z\)"),
        (
            [["x", "y"], ["x y", "z"], list(AXES)],
            "does not extend stage 1",
        ),
        ([["x y z", "rx ry rz"], ["x y z", "rx ry rz"]], "does not extend"),
        ([["x y z", "rx ry rz"], ["x -y", "z", "rx ry", "rz"]], "does not extend"),
    ],
)
def test_stages_that_do_not_extend_each_other_are_refused(stages: list[list[str]], message: str) -> None:
    scales = [7.5, 7.5, 7.5, 0.15, 0.15, 0.15]
    with pytest.raises(ValueError, match=message):
        check_stages([parse(stage, scales) for stage in stages])


def test_new_axes_may_join_later() -> None:
    check_stages([parse(["x", "y", "z"], SCALES), FULL])


def test_random_groups_are_of_the_same_sizes() -> None:
    stages = stages_of(PEADConfig(), SCALES, 0)
    drawn = permuted(stages, np.random.default_rng(1))
    check_stages(drawn)
    for given, found in zip(stages, drawn, strict=True):
        np.testing.assert_array_equal(np.abs(found.matrix).sum(0), np.abs(given.matrix).sum(0))
    assert str(drawn[0]) != str(stages[0])
    assert [str(stage) for stage in stages_of(PEADConfig(grouping="random"), SCALES, 1)] == list(
        map(str, drawn)
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shares": []}, "method.shares must be 1 rising numbers"),
        ({"shares": [1.5]}, "rising"),
        ({"stages": []}, "at least one stage"),
        ({"trigger": "moon"}, "method.trigger must be one of shares, plateau, got 'moon'"),
    ],
)
def test_bad_configuration_is_refused(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PEADConfig(**changes)


def test_components_of_like_influence_are_tied_first() -> None:
    influence = np.array(
        [
            [1.0, 0.9, 0.0, 0.0, 0.1, 0.0],
            [0.5, 0.6, 0.1, 0.0, 0.0, 0.0],
            [0.0, 0.1, 1.0, 0.0, 0.0, 0.0],
            [1.0, 0.9, 0.0, 0.9, 0.0, 1.0],  # a moment that does what a force does is not tied with it
            [0.0, 0.0, 0.2, 0.0, 0.9, 0.0],
        ]
    )
    found = similar(influence, [2, 4, 6])
    assert [str(stage) for stage in found] == [
        "x y z | rx ry rz",
        "x y | z | rx rz | ry",
        "x | y | z | rx | ry | rz",
    ]
    check_stages(found)
