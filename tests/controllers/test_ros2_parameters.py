import ctypes
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assembly_rl.controllers.ros2_parameters import Parameters, dump, load, require_number
from assembly_rl.controllers.ros2_yaml import MAX_SIZE, scalar
from assembly_rl.controllers.validation import InputError

WORDS = (
    "nan",
    "inf",
    "0x1p3",
    "yes",
    "1e3",
    "~",
    "null",
    "1:30",
    "5_0",
    "0b11",
    "08",
    "<<",
    "-.inf",
    "1e999",
)


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


def as_rcl(text: str) -> Any:
    """Value of an unquoted scalar by the C library, as in rcl's get_value; its booleans are left out."""
    library, end = ctypes.CDLL(None, use_errno=True), ctypes.c_char_p()
    library.strtol.restype, library.strtod.restype = ctypes.c_long, ctypes.c_double
    buffer = ctypes.create_string_buffer(text.encode())
    for parse, more in ((library.strtol, (0,)), (library.strtod, ())):
        ctypes.set_errno(0)
        value = parse(buffer, ctypes.byref(end), *more)
        if ctypes.get_errno() == 0 and text and end.value == b"":
            return value
    return text


SCALARS = st.one_of(
    st.sampled_from(
        (
            *(word for word in WORDS if word != "-.inf"),
            "0o17",
            "0X1F",
            "-0x8000000000000000",
            "9223372036854775808",
            "08.5",
            "1e-320",
        )
    ),
    st.from_regex(r"[-+]?(0[xXbo]?)?[0-9a-fA-F_]{0,4}\.?[0-9]{0,3}([eEpP][-+]?[0-9]{1,4})?", fullmatch=True),
    st.from_regex(r"[-+]?(?i:inf|infinity|nan|nan\([a-z0-9_]{0,2}\)?)x?", fullmatch=True),
)


@pytest.mark.skipif(sys.platform != "linux", reason="the C library of ROS is glibc")
@given(SCALARS.filter(bool))
@settings(max_examples=150, deadline=None)
def test_no_unquoted_scalar_is_read_otherwise_than_by_the_c_library_of_ros(text: str) -> None:
    assert repr(scalar(text)) == repr(as_rcl(text)) or isinstance(scalar(text), bool)


@pytest.mark.parametrize(
    "text", ["1:30", "5_0", "0b11", "0o17", "~", "null", "1e999", "2020-01-01", "=", "'50.0'"]
)
def test_no_text_of_ros_is_taken_for_a_number_or_nothing(path: Path, text: str) -> None:
    path.write_text(f"a: {text}\nb: [{text}]", encoding="utf-8")
    assert load(path) == {"a": text.strip("'"), "b": [text.strip("'")]}


@pytest.mark.parametrize("text", WORDS)
def test_no_name_of_a_frame_is_written_so_that_ros_reads_a_number(path: Path, text: str) -> None:
    path.write_text(dump("node", {"frame.id": text, "joints": [text]}), encoding="utf-8")
    assert load(path) == {"node": {"ros__parameters": {"frame": {"id": text}, "joints": [text]}}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: {b: [1,\n 'x']}", r"line 1: a\.b: a list must have entries of one type, got int and str"),
        (b"a:\n  b:\n  c: 1", r"line 2: a\.b has no value; empty text is ''"),
        (b"a: [[1]]", "line 1: a: ROS knows no lists of lists or of groups"),
        (b"a: [{b: 1}]", "line 1: a: ROS knows no lists of lists or of groups"),
        (b"a: !!str 5", r"line 1: a: releases of ROS differ in tags: write the value without tag:yaml"),
        (b"a:\n" + b"".join(b" " * k + b"b:\n" for k in range(1, 80)), "nested deeper than 50"),
        (b"{b: " * 30_000, "nested deeper than 50"),
        (b"a:\n\tb: 1", "cannot start any token"),
        ("a: é".encode("latin-1"), "is not utf-8: byte 3 is 0xe9"),
        ("a: 1".encode("utf-16"), "is not utf-8"),
        (b"a: 1\n" * MAX_SIZE, f"is larger than {MAX_SIZE} bytes"),
        (b"a: {b: &x 1, c: *x}", r"line 1: a\.c: ROS knows no YAML aliases"),
        (b"a: 1\n? [b]\n: 2", "line 2: a key must be a name"),
        (b"a: 1\n'': 2", "line 2: a key must be a name"),
    ],
)
def test_no_file_is_refused_without_file_line_and_key(path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_byte_order_mark_is_no_part_of_a_name(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbfa: 1")
    assert load(path) == {"a": 1}


def test_integers_in_a_list_of_floats_are_floats(path: Path) -> None:
    path.write_text("a: [1, 2.5]", encoding="utf-8")
    assert repr(load(path)) == "{'a': [1.0, 2.5]}"
    assert "a: [1.0, 2.5]" in dump("node", {"a": [1, 2.5]})


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
    for value in (object(), endless, None, 2**63, "\0", "\ud800", [True, 1], [[1]], b"x", np.array([[1.0]])):
        with pytest.raises(InputError, match=r"^a(: a list must have| cannot be written as YAML)"):
            dump("node", {"a": value})
    for name in ("", "a..b", ".a"):
        with pytest.raises(InputError, match="is not the name of a parameter"):
            dump("node", {name: 1})
    with pytest.raises(InputError, match="a node must have a name"):
        dump("", {})


def test_scalars_and_arrays_of_numpy_are_written_as_numbers() -> None:
    written = dump(
        "node", {"a": np.float32(0.5), "b": np.array([1.0, 2.0]), "c": np.int64(3), "d": np.bool_(True)}
    )
    assert written == "node:\n  ros__parameters:\n    a: 0.5\n    b: [1.0, 2.0]\n    c: 3\n    d: true\n"


def test_files_need_pyyaml(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ImportError, match="pip install pyyaml"):
        load(path)
    with pytest.raises(ImportError, match="pip install pyyaml"):
        dump("node", {})


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
KINDS = (
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    TEXTS | st.sampled_from(WORDS),
)
VALUES = st.one_of(*KINDS, *(st.lists(kind, max_size=3) for kind in KINDS))


@given(st.dictionaries(st.from_regex(r"[A-Za-z0-9_/]{1,4}", fullmatch=True), VALUES, max_size=3))
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


def test_the_wildcard_belongs_to_every_node() -> None:
    content = nodes(all={"use_sim_time": True}, arm={"a": 1}, leg={"a": 2})
    assert Parameters.of_node(content, "arm") == {"use_sim_time": True, "a": 1}
    assert Parameters.of_node(content, "/**") == {"use_sim_time": True}
    assert Parameters.of_node(nodes(all={"a": 1}), "arm") == {"a": 1}
    with pytest.raises(ValueError, match="no node 'foot'; the nodes are '/\\*\\*', 'arm', 'leg'"):
        Parameters.of_node(content, "foot")


@pytest.mark.parametrize("wildcard_first", [True, False])
def test_a_wildcard_never_overrides_what_is_more_specific(wildcard_first: bool) -> None:
    entries = {
        "/**": {"a": 0, "b": 0, "c": 0, "d": 0, "e": 0},
        "/**/*": {"a": 1, "b": 1, "c": 1, "d": 1},
        "/**/arm": {"a": 2, "b": 2, "c": 2},
        "/left/*/arm": {"a": 3, "b": 3},
        "left/up/arm": {"a": 4},
        "/right/*": {"a": 9, "b": 9, "c": 9, "d": 9, "e": 9},
    }
    names = list(entries) if wildcard_first else list(entries)[::-1]
    content = {name: {"ros__parameters": entries[name]} for name in names}
    assert Parameters.of_node(content, "/left/up/arm") == {"a": 4, "b": 3, "c": 2, "d": 1, "e": 0}


def test_what_equally_specific_names_give_is_not_chosen_by_their_order() -> None:
    content = nodes(all={"b": 1}) | {
        "/ns/*": {"ros__parameters": {"a": 1}},
        "/*/arm": {"ros__parameters": {"a": 2}},
    }
    with pytest.raises(InputError, match="a is there twice"):
        Parameters.of_node(content, "/ns/arm")
    content = {"arm": {"ros__parameters": {"a": 1}}, "/arm": {"ros__parameters": {"a": 1}}}
    with pytest.raises(InputError, match="a is there twice"):
        Parameters.of_node(content, "arm")


def test_nodes_in_namespaces_are_not_overlooked() -> None:
    content = {"ns": {"sub": {"arm": {"ros__parameters": {"a": 1}}}, "arm": {"ros__parameters": {"a": 2}}}}
    assert Parameters.of_node(content, "/ns/sub/arm") == {"a": 1}
    assert Parameters.of_node(content, "ns/arm") == {"a": 2}
    with pytest.raises(InputError, match="no node 'arm'; the nodes are 'ns/sub/arm', 'ns/arm'; did you mean"):
        Parameters.of_node(content, "arm")
    content["/**"] = {"ros__parameters": {"b": 3}}
    assert Parameters.of_node(content, "/ns/arm") == {"a": 2, "b": 3}


def test_wildcards_beside_the_controller_manager_alone_are_enough() -> None:
    content = nodes(all={"a": 1}, controller_manager={"update_rate": 500})
    assert Parameters.of_node(content, "arm") == {"a": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (nodes(arm={"a": 1}) | {"a": 2}, "'a' stands outside of the ros__parameters of a node"),
        ({"arm": {"ros__parameters": {}, "a": 2}}, "'arm/a' stands outside of the ros__parameters"),
        ({"arm": {"ros__parameters": None}}, "ros__parameters of 'arm' must be a mapping, got None"),
    ],
)
def test_nothing_beside_the_parameters_of_nodes_is_skipped(content: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Parameters.of_node(content, "arm")


def test_parameters_are_copies() -> None:
    given = {"a": [1.0], "b": np.ones(2)}
    parameters = Parameters.of_node(given, "arm")
    given["a"][0], given["b"][0] = 5.0, 5.0
    assert parameters == {"a": [1.0], "b": [1.0, 1.0]}


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
    parameters = Parameters({"n": 3, "s": "tool", "v": (1, np.float32(0.5), 3.0), "f": [True, False, True]})
    assert parameters.number("n", 3.0, 3.0) == 3.0
    assert isinstance(parameters.number("n"), float)
    assert parameters.name("s") == "tool"
    assert parameters.numbers("v", AXES) == [1.0, 0.5, 3.0]
    assert parameters.flags("f", AXES) == (True, False, True)


@pytest.mark.parametrize(
    "value",
    [None, True, "", "x", "nan", "2", np.bool_(True), [1.0], {}, math.nan, math.inf, 10**400, 0.9, 3.1],
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
