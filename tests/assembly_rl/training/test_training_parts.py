"""Parts of a training, its validations and its result: whose seeds, and of which kinds."""

import pytest

from assembly_rl.training.parts import PartsConfig


def kinds(config: PartsConfig) -> list[str]:
    return [part.label.split("-")[0] for part in config.training_parts()]


def test_there_are_more_parts_of_some_kinds_in_training_alone() -> None:
    few = PartsConfig(count=100, validation=60, held_out=60, kinds=["slot", "star", "D", "U"])
    more = PartsConfig(
        count=100, validation=60, held_out=60, kinds=["slot", "star", "D", "U"], more_of=["star"] * 4
    )
    assert 15 <= kinds(few).count("star") <= 35  # a quarter
    assert 50 <= kinds(more).count("star") <= 75  # five eighths
    assert set(kinds(more)) == {"slot", "star", "D", "U"}
    for own, other in ((few.validation_parts(), more.validation_parts()),
                       (few.held_out_parts(), more.held_out_parts())):  # fmt: skip
        assert [part.label for part in own] == [part.label for part in other]


def test_more_of_a_kind_that_is_not_drawn_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"parts.more_of must have some of parts.kinds \['slot'\], got 'star'"
    ):
        PartsConfig(count=4, kinds=["slot"], more_of=["star"])
