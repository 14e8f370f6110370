"""Names in configurations, and what an unknown one is answered with."""

import pytest

from assembly_rl.controllers import Registry
from assembly_rl.controllers.validation import closest, unknown


def test_an_item_is_found_by_its_name() -> None:
    registry: Registry[int] = Registry("number")
    registry.register("two", 2)
    registry.register("one", 1)
    assert registry.names() == ["two", "one"]
    assert registry.get("one") == 1


def test_a_name_is_taken_once() -> None:
    registry: Registry[list] = Registry("list")
    item: list = []
    registry.register("empty", item)
    registry.register("empty", item)
    with pytest.raises(ValueError, match="the list 'empty' exists already: register yours under another"):
        registry.register("empty", [])  # equal, but not the same
    assert registry.get("empty") is item
    with pytest.raises(ValueError, match="a list needs a name, got ''"):
        registry.register("", [])


def test_an_unknown_name_is_answered_with_the_closest() -> None:
    registry: Registry[int] = Registry("number")
    with pytest.raises(ValueError, match=r"^unknown number 'tow'\. Known: none$"):
        registry.get("tow")
    registry.register("two", 2)
    registry.register("one", 1)
    with pytest.raises(ValueError, match=r"^unknown number 'tow'; did you mean 'two'\? Known: one, two$"):
        registry.get("tow")


def test_messages() -> None:
    assert unknown("robot", "iwa", ["iiwa", "floating"]) == (
        "unknown robot 'iwa'; did you mean 'iiwa'? Known: floating, iiwa"
    )
    assert unknown("robot", 3, ["iiwa"]) == "unknown robot 3; did you mean 'iiwa'? Known: iiwa"
    assert closest("x", []) == ""
