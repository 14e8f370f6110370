import math
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assembly_rl.controllers.ros2_parameters import Parameters, dump, load, require_number


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "parameters.yaml"


# ---------------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1E3", 1e3),
        ("+.5", 0.5),
        ("5.", 5.0),
        ("08.5", 8.5),
        ("010", 8),
        ("0x1F", 31),
        ("-12", -12),
        ("on", True),
        ("Off", False),
        ("y", True),
        ("N", False),
        ("'1e-3'", "1e-3"),
        ('"on"', "on"),
        ("'y'", "y"),
        ("1e-3x", "1e-3x"),
        ("yaw", "yaw"),
        (".inf", math.inf),
        ("base_link", "base_link"),
    ],
)
def test_scalars_mean_what_they_mean_to_ros_and_come_back(path: Path, text: str, value: Any) -> None:
    path.write_text(f"a: {text}", encoding="utf-8")
    found = load(path)
    assert found == {"a": value}
    assert type(found["a"]) is type(value)
    path.write_text(dump("node", found), encoding="utf-8")
    assert repr(load(path)) == repr({"node": {"ros__parameters": found}})


def test_keys_are_names_whatever_they_look_like(path: Path) -> None:
    path.write_text("n: {y: 1, on: 2, 10: 3, <<: 4}", encoding="utf-8")
    assert load(path) == {"n": {"y": 1, "on": 2, "10": 3, "<<": 4}}


def test_a_float_is_written_with_a_point_and_a_shared_list_in_full() -> None:
    """ROS refuses an integer where it declared a double, and any alias."""
    joints = ["a", "b"]
    assert dump("arm", {"x": [1.0, 1e8, 1e-5], "joints": joints, "command_joints": joints}) == (
        "arm:\n  ros__parameters:\n    x: [1.0, 100000000.0, 1.0e-05]\n"
        "    joints: [a, b]\n    command_joints: [a, b]\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must hold a mapping of nodes, got None"),
        ("- 1", r"must hold a mapping of nodes, got \[1\]"),
        ("a: 1\nb:\n  c: 2\n  c: 3", "line 4: 'c' is there twice"),
        ("a: &x 1\nb: *x", "ROS knows no YAML aliases"),
        ("a: 1: 2", "is not a YAML file for ROS: mapping values are not allowed"),
        ("a: 1\n---\nb: 2", "is not a YAML file for ROS"),
        ("\x00", "is not a YAML file for ROS"),
        ("a: !!float ''", "is not a YAML file for ROS"),
        ("[1]: 2", "is not a YAML file for ROS"),
        ("a: " + "[" * 500 + "]" * 500, "is not a YAML file for ROS"),
    ],
)
def test_texts_that_ros_would_not_read_are_refused(path: Path, text: str, message: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_other_bytes_and_missing_files_are_errors_too(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(path)
    path.write_bytes(b"a: \xff")
    with pytest.raises(ValueError, match="utf-8"):
        load(path)


def test_what_yaml_cannot_hold_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    for value in (object(), endless):
        with pytest.raises(ValueError, match="cannot be written as YAML"):
            dump("node", {"a": value})


def test_files_need_pyyaml(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ImportError, match="pip install pyyaml"):
        load(path)
    with pytest.raises(ImportError, match="pip install pyyaml"):
        dump("node", {})


VALUES = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5))


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z0-9_/]{1,4}", fullmatch=True),
        VALUES | st.lists(VALUES, max_size=3),
        max_size=3,
    )
)
@settings(max_examples=40, deadline=None)
def test_what_is_dumped_is_loaded(
    tmp_path_factory: pytest.TempPathFactory, parameters: dict[str, Any]
) -> None:
    path = tmp_path_factory.getbasetemp() / "dumped.yaml"
    path.write_text(dump("/ns/node", parameters), encoding="utf-8", newline="")
    assert repr(load(path)) == repr({"/ns/node": {"ros__parameters": parameters}})


# ---------------------------------------------------------------------- nodes and paths


def nodes(**parameters: dict[str, Any]) -> dict[str, Any]:
    return {key.replace("all", "/**"): {"ros__parameters": value} for key, value in parameters.items()}


def test_the_node_is_taken_by_its_key() -> None:
    content = nodes(left={"a": {"b": 1}}, right={"a.b": 2})
    assert Parameters.of_node(content, "left") == {"a.b": 1}
    assert Parameters.of_node(content, "right") == {"a.b": 2}
    with pytest.raises(ValueError, match="no node 'arm'; the nodes are 'left', 'right'"):
        Parameters.of_node(content, "arm")
    with pytest.raises(ValueError, match="no node 'arm'; the nodes are 'left'"):
        Parameters.of_node(nodes(left={}), "arm")


def test_the_wildcard_belongs_to_every_node_and_contradicts_none() -> None:
    content = nodes(all={"use_sim_time": True}, arm={"a": 1}, leg={"a": 2})
    assert Parameters.of_node(content, "arm") == {"use_sim_time": True, "a": 1}
    assert Parameters.of_node(content, "/**") == {"use_sim_time": True}
    assert Parameters.of_node(nodes(all={"a": 1}), "arm") == {"a": 1}
    with pytest.raises(ValueError, match="no node 'foot'; the nodes are '/\\*\\*', 'arm', 'leg'"):
        Parameters.of_node(content, "foot")
    with pytest.raises(ValueError, match="a is there twice"):
        Parameters.of_node(nodes(all={"a": 1}, arm={"a": 1}), "arm")


def test_a_mapping_without_nodes_is_the_parameters() -> None:
    assert Parameters.of_node({"a": {"b.c": 1}, "d": [2], "e": {}}, "any") == {"a.b.c": 1, "d": [2]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"a": {"b": 1}, "a.b": 2}, r"^a\.b is there twice"),
        ({"a": {1: 2}}, r"'a\.1' is not the name of a parameter"),
        ({"a": {"": 2}}, r"'a\.' is not the name of a parameter"),
        ({"a..b": 2}, r"'a\.\.b' is not the name of a parameter"),
    ],
)
def test_paths_are_names_and_there_once(content: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Parameters.of_node(content, "any")


# ---------------------------------------------------------------------- checked values

AXES = ("x", "y", "z")


def test_unknown_paths_are_refused_beside_known_ones_alone() -> None:
    known = ("a.mass", "a.frame.id")
    Parameters({"a.mass": 1, "joints": 2, "b.mass": 3}).require_known(known)
    for path, message in {
        "a.mas": r"^a\.mas is not a parameter; did you mean a\.mass\?",
        "a.frame": r"^a\.frame is not a parameter; did you mean a\.frame\.id\?",
        "a": "^a is not a parameter$",
    }.items():
        with pytest.raises(ValueError, match=message):
            Parameters({"a.mass": 1, path: 2}).require_known(known)


def test_values_are_taken_as_what_they_should_be() -> None:
    parameters = Parameters({"n": 3, "s": "tool", "v": (1, "1e-3", 3.0), "f": [True, False, True]})
    assert parameters.number("n", 3.0, 3.0) == 3.0
    assert isinstance(parameters.number("n"), float)
    assert parameters.name("s") == "tool"
    assert parameters.numbers("v", AXES) == [1.0, 1e-3, 3.0]
    assert parameters.flags("f", AXES) == (True, False, True)


@pytest.mark.parametrize(
    "value", [None, True, "", "x", "nan", [1.0], {}, math.nan, math.inf, 10**400, 0.9, 3.1]
)
def test_numbers_are_finite_and_within_bounds(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^a\.b must be a finite number within \[1, 3\], got ") as caught:
        require_number("a.b", value, 1.0, 3.0)
    assert repr(value) in str(caught.value)


def test_infinity_is_no_number_even_without_bounds() -> None:
    for value in (math.inf, -math.inf, "1e999"):
        with pytest.raises(ValueError, match=r"^a must be a finite number within \[-inf, inf\], got"):
            require_number("a", value)


def test_refusals_name_the_path_and_the_axis() -> None:
    parameters = Parameters({"n": -1, "s": "  ", "v": [1.0, 2.0], "w": [1.0, 2.0, 9.0], "t": "abc"})
    for call, message in [
        (lambda: parameters.number("n", 0.0), r"^n must be a finite number within \[0, inf\], got -1"),
        (lambda: parameters.number("m"), "^m is missing"),
        (lambda: parameters.name("s"), "^s must be a name, got '  '"),
        (lambda: parameters.name("n"), "^n must be a name, got -1"),
        (lambda: parameters.numbers("v", AXES), r"^v must be a list of 3 entries x y z, got \[1\.0, 2\.0\]"),
        (lambda: parameters.numbers("t", AXES), "^t must be a list of 3 entries x y z, got 'abc'"),
        (lambda: parameters.numbers("w", AXES, 0.0, 5.0), r"^w\[z\] must be .* within \[0, 5\], got 9\.0"),
        (lambda: parameters.flags("w", AXES), r"^w\[x\] must be true or false, got 1\.0"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize("paths", [("a", "a.b"), ("a.b", "a"), ("a.b.c", "a.b")])
def test_a_parameter_that_is_also_a_group_cannot_be_written(paths: tuple) -> None:
    with pytest.raises(ValueError, match=r"a(\.b)+|a "):
        dump("node", dict.fromkeys(paths, 1.0))


def test_dotted_paths_are_written_as_groups(tmp_path: Path) -> None:
    (tmp_path / "file.yaml").write_text(dump("node", {"a.b.c": 1.0, "a.d": [True], "e": "x"}))
    assert load(tmp_path / "file.yaml") == {
        "node": {"ros__parameters": {"a": {"b": {"c": 1.0}, "d": [True]}, "e": "x"}}
    }
