"""YAML of part files: numbers are what they look like, and nothing is taken twice."""

from pathlib import Path

import numpy as np
import pytest

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.drawing import PartWarning
from assembly_rl.envs.geometry.files import read_part
from assembly_rl.envs.library import make_part

POLYGON = "polygon: [[0, 0], [20, 0], [20, 10], [0, 10]]\n"


def path_of(folder: Path, text: str | bytes) -> Path:
    path = folder / "part.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "value",
    [
        "025",
        "1:30",
        "1_000",
        "0x19",
        "0b11",
        "0o31",
        ".inf",
        ".nan",
        "yes",
        "no",
        "on",
        "true",
        "~",
        "",
        "'25'",
        '"25"',
    ]
    + [
        "!!int 25",
        "!!float 25",
        "2026-01-01",
        "9" * 400,
        "[25]",
        "{a: 25}",
        "25 mm",
        "2,5",
        "１２",
        "+ 25",
        "1e400",
    ],
)
def test_only_plain_decimal_numbers_are_numbers(tmp_path: Path, value: str) -> None:
    for text in (
        f"{POLYGON}depth: {value}\n",
        f"polygon: [[0, 0], [20, {value}], [20, 10]]".replace("[25]", "[1]"),
    ):
        if "2,5" not in text or "polygon: [[0, 0], [20, 2,5]" not in text:
            with pytest.raises(InputError) as caught:
                read_part(path_of(tmp_path, text))
            assert "part.yaml" in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize("value", ["25", "25.", "+25", "25.0", "2.5e1", "2.5E+1", "250e-1", ".25e2"])
def test_every_plain_form_of_a_decimal_number_is_read(tmp_path: Path, value: str) -> None:
    assert read_part(path_of(tmp_path, f"{POLYGON}depth: {value}"))["hole_depth"] == pytest.approx(0.025)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (POLYGON + "depth: 25\ndepth: 30", "the key 'depth' twice in line 3"),
        (POLYGON + POLYGON, "the key 'polygon' twice in line 2"),
        (POLYGON + "---\n" + POLYGON, "2 documents"),
        (POLYGON + "? [1]\n: 2", "a key must be a word"),
        ("x: &a 1\n" + POLYGON, "alias or anchor in line 1"),
        ("polygon: &a [[0, 0], [9, 0], [9, 9]]\nclearance: *a", "alias or anchor"),
        ("polygon: " + "[" * 100_000, "more than 8 levels"),
        ("polygon: " + "{a: " * 100_000, "more than 8 levels"),
        ("polygon: [" + "[0, 0], " * 100_000 + "]", "more than 20000 values"),
        ("polygon: [" + "[0, 0], " * 4500 + "]", "4500 vertices"),
        ("outline: 3", "outline must be the name"),
        ("outline: ''", "outline must be the name"),
        ("outline: ..", "no drawing"),
        ("", "0 documents"),
        ("null", "must have a polygon"),
        (b"\xff\xfe\x00\x01", "is not YAML"),
        (b"polygon: \x00", "is not YAML"),
        (b"\tpolygon: 3", "is not YAML"),
        (POLYGON + "#" * 3_000_000, "more than 2 MB"),
    ],
)
@pytest.mark.timeout(20)
def test_what_has_two_meanings_or_no_end_is_refused(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_part(path_of(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_folder_or_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(InputError, match="is not a file"):
        read_part(tmp_path / "folder.yaml")
    (tmp_path / "part.3mf").write_text("")
    with pytest.raises(InputError, match="no part file; known: .yaml"):
        read_part(tmp_path / "part.3mf")


@pytest.mark.parametrize("name", ["PART.YAML", "part.Yml", "PART.SVG"])
def test_capital_suffixes_are_read(tmp_path: Path, name: str) -> None:
    text = (
        '<svg xmlns="http://www.w3.org/2000/svg"><rect width="20" height="10"/></svg>'
        if "SVG" in name
        else POLYGON
    )
    (tmp_path / name).write_text(text)
    assert len(make_part(tmp_path / name).peg_outlines[0]) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "polygon: [[0, 0], [0.02, 0], [0.02, 0.01], [0, 0.01]]",
            "0.02 mm across, at least 1 mm .*use millimetres",
        ),
        ("polygon: [[0, 0], [2000, 0], [2000, 10], [0, 10]]", "across, at most 500 mm .*use millimetres"),
        (
            POLYGON + "clearance: 1e-4",
            "clearance must be at least 0.001 mm, got 0.0001 mm: give it in millimetres",
        ),
        (POLYGON + "clearance: 5", "clearance 5 mm must be at most a quarter of the section's width"),
        (POLYGON + "clearance: 20", "clearance 20 mm must be less than the section's radius, 11.2 mm"),
        (POLYGON + "clearance: -1", "clearance must be more than 0 and at most 500 mm, got -1 mm"),
        (POLYGON + "chamfer: 0.0003", "chamfer must be at least 0.01 mm, got 0.0003 mm"),
        (POLYGON + "chamfer: 6", "chamfer 6 mm must be at most half of the section's width"),
        (POLYGON + "depth: 0.025", "depth must be at least 1 mm, got 0.025 mm"),
        (POLYGON + "depth: 900", "depth must be more than 0 and at most 500 mm, got 900 mm"),
        (POLYGON + "length: 20", "length 20 mm must exceed depth 25 mm"),
        (POLYGON + "length: 0.04", "length must be at least 1 mm, got 0.04 mm"),
    ],
)
def test_refusals_of_a_file_speak_in_its_unit_and_name_it(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        make_part(path_of(tmp_path, text))
    assert str(caught.value).startswith(f"{tmp_path / 'part.yaml'}: ")
    assert " m " not in str(caught.value).replace(str(tmp_path), "") and "metres" not in str(
        caught.value
    ).replace("millimetres", "")


def test_many_vertices_are_simplified_and_it_is_told(tmp_path: Path) -> None:
    angles = 2.0 * np.pi * np.arange(240) / 240
    points = (10.0 * np.column_stack((np.cos(angles), np.sin(angles)))).round(6).tolist()
    with pytest.warns(PartWarning, match="part.yaml: 240 vertices simplified to 16 within 0.2 mm"):
        part = make_part(path_of(tmp_path, f"polygon: {points}"))
    assert len(part.peg_outlines[0]) == 16


def test_a_small_polygon_is_never_changed(tmp_path: Path) -> None:
    angles = 2.0 * np.pi * np.arange(32) / 32
    points = (10.0 * np.column_stack((np.cos(angles), np.sin(angles)))).round(6)
    fields = read_part(path_of(tmp_path, f"polygon: {points.tolist()}"))
    np.testing.assert_array_equal(fields["parameters"]["vertices"], 1e-3 * points)
