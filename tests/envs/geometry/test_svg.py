"""SVG: what is drawn is what is made, or it is refused by name."""

from pathlib import Path

import numpy as np
import pytest

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.files import read_part

pytestmark = pytest.mark.filterwarnings("ignore::assembly_rl.envs.geometry.drawing.PartWarning")
RECT = '<rect width="20" height="10"/>'


def vertices(folder: Path, root: str, body: str, head: str = "") -> np.ndarray:
    path = folder / "part.svg"
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    path.write_text(f"{head}<svg {spaces} {root}>{body}</svg>", encoding="utf-8")
    return 1e3 * np.array(read_part(path)["parameters"]["vertices"])


def size(points: np.ndarray) -> list[float]:
    return np.ptp(points, axis=0).round(6).tolist()


def test_an_s_curve_is_no_straight_line(tmp_path: Path) -> None:
    points = vertices(tmp_path, "", '<path d="M0 0 H40 V20 C25 35 15 5 0 20 Z"/>')
    t = np.linspace(0, 1, 400)[:, None]
    curve = [
        c * p
        for c, p in zip(
            ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3),
            np.array([(40, -20), (25, -35), (15, -5), (0, -20)]),
            strict=True,
        )
    ]
    from shapely.geometry import LinearRing, Point

    ring = LinearRing(points)
    assert max(ring.distance(Point(p)) for p in sum(curve)) <= 0.2
    assert 8 <= len(points) <= 20


@pytest.mark.parametrize(
    ("root", "factor"),
    [
        ("", 1.0),
        ('viewBox="0 0 400 400"', 1.0),
        ('width="100%" height="100%" viewBox="0 0 400 400"', 1.0),
        ('width="40" height="20" viewBox="0 0 40 20"', 1.0),
        ('width="160Q" viewBox="0 0 400 400"', 0.1),
        ('width="6pc" viewBox="0 0 254 254"', 0.1),
        ('width="40MM" viewBox="0 0 400 400"', 0.1),
        ('width="4.0e1mm" viewBox="0,0,400,400"', 0.1),
        ('height="40mm" viewBox="0 0 100 400"', 0.1),
        ('width="40mm" height="80mm" viewBox="0 0 400 400"', 0.1),
        ('width="40mm" height="80mm" viewBox="0 0 400 400" preserveAspectRatio="xMinYMin slice"', 0.2),
        ('width="960px" viewBox="0 0 254 254"', 1.0),
    ],
)
def test_the_size_of_a_drawing_counts_in_every_unit(tmp_path: Path, root: str, factor: float) -> None:
    body = '<rect width="200" height="100"/>'
    assert size(vertices(tmp_path, root, body)) == pytest.approx([200 * factor, 100 * factor], rel=1e-6)


def test_a_stretched_drawing_is_stretched(tmp_path: Path) -> None:
    root = 'width="40mm" height="80mm" viewBox="0 0 400 400" preserveAspectRatio="none"'
    assert size(vertices(tmp_path, root, '<rect width="200" height="100"/>')) == [20.0, 20.0]


@pytest.mark.parametrize(
    "root",
    [
        'width="4em" viewBox="0 0 400 400"',
        'width="100,5mm" viewBox="0 0 400 400"',
        'width="50%" viewBox="0 0 400 400"',
        'width="0mm" viewBox="0 0 400 400"',
        'width="wide" viewBox="0 0 400 400"',
        'width="40mm" viewBox="0 0 400"',
        'width="40mm" viewBox="0 0 0 400"',
        'width="40mm" viewBox="a b c d"',
        'width="40mm" height="40" viewBox="0 0 400 400"',
        'width="40" viewBox="0 0 400 400"',
        'width="40mm"',
        'width="40mm" height="40mm" viewBox="0 0 400 400" preserveAspectRatio="centre"',
        'style="width:40mm" viewBox="0 0 400 400"',
    ],
)
def test_a_size_that_is_not_understood_is_not_one_that_is_not_given(tmp_path: Path, root: str) -> None:
    with pytest.raises(InputError, match="part.svg: .*(width|height|viewBox|preserveAspectRatio)"):
        vertices(tmp_path, root, RECT)


def test_a_size_in_a_style_sheet_is_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="style 'width:40mm'"):
        vertices(tmp_path, 'viewBox="0 0 400 400"', "<style>svg{width:40mm}</style>" + RECT)


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        ("scale(2)", [40, 20]),
        (" scale(2 , .5)\n", [40, 5]),
        ("rotate(90)", [10, 20]),
        ("rotate(-90 3,4)", [10, 20]),
        ("matrix(0 2 3 0 5 5)", [30, 40]),
        ("skewX(45)", [30, 10]),
        ("skewY(45)", [20, 30]),
        ("translate(3),scale(2)", [40, 20]),
        ("translate(3 4)scale(2)rotate(90)", [20, 40]),
        ("none", [20, 10]),
    ],
)
def test_transforms_of_all_ancestors_count(tmp_path: Path, transform: str, expected: list) -> None:
    assert size(vertices(tmp_path, "", f'<g><g transform="{transform}">{RECT}</g></g>')) == expected


@pytest.mark.parametrize(
    "transform",
    [
        "scale(2",
        "rotate(90deg)",
        "scale(2) nonsense",
        "Scale(2)",
        "scale(2,3,4)",
        "scale()",
        "rotate(1 2)",
        "matrix(1 2 3)",
        "scale(0)",
        "scale(nan)",
        "scale(1e400)",
        ",scale(2)",
        "scale(2),,scale(2)",
        "scale(2,)",
    ],
)
def test_a_transform_that_is_not_understood_is_not_skipped(tmp_path: Path, transform: str) -> None:
    with pytest.raises(InputError, match="transform="):
        vertices(tmp_path, "", f'<g transform="{transform}">{RECT}</g>')


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('<rect width="20" height="10" style="transform:scale(2)"/>', "transform 'scale"),
        ('<rect width="20" height="10" style="rotate:9deg"/>', "rotate"),
        ("<style>rect{transform:scale(2)}</style>" + RECT, "transform"),
        ("<style>@media print{rect{x:3}}</style>" + RECT, "@media"),
        ("<style>g>rect{display:none}</style>" + RECT, "selector"),
        (RECT + '<svg><circle r="3"/></svg>', "<svg> is not understood"),
        (RECT + '<switch><circle r="3"/></switch>', "<switch>"),
        (RECT + '<image width="3" height="3" href="a.png"/>', "<image>"),
        (RECT + "<foreignObject/>", "<foreignObject>"),
        (RECT + "<script>draw()</script>", "<script>"),
        (RECT + '<use href="#hole"/>', "#hole, the id of no element"),
        (RECT + '<use href="hole.svg#h"/>', "hole.svg#h"),
        ('<symbol id="s"><circle r="3"/></symbol><use href="#s"/>' + RECT, "<symbol"),
        ('<rect width="20" height="10" clip-path="url(#c)"/>', "clip-path"),
        ('<g mask="url(#c)">' + RECT + "</g>", "mask"),
        ('<rect width="20" height="10" style="filter:url(#c)"/>', "filter"),
        ('<rect width="20" height="10" marker-end="url(#c)"/>', "marker-end"),
        ('<rect width="20" height="10" opacity="0"/>', "opacity 0"),
        ('<rect width="20" height="10"><animate attributeName="x"/></rect>', "<animate>"),
        ('<rect width="20" height="10" systemLanguage="de"/>', "systemLanguage"),
        ('<rect width="20mm" height="10mm"/>', "without a unit"),
        ('<rect width="50%" height="10"/>', "without a unit"),
        ('<rect width="-20" height="10"/>', "negative width"),
        ('<circle r="1e400"/>', "r='1e400'"),
        ('<polygon points="0,0 9,0 9"/>', "odd number"),
        ('<polygon points="0,0 9,0 9,x"/>', "points="),
        (RECT + '<circle cx="20" cy="5" r="2"/>', "outlines 0 and 1 .* cross or touch"),
        ('<path d="M0 0H20V20"/>', "is open near"),
        ('<line x2="9"/>' * 3, "more than two lines meet"),
    ],
)
def test_content_is_resolved_or_refused_by_name(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        vertices(tmp_path, "", body)
    assert "\n" not in str(caught.value) and "part.svg: " in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        f'<defs><g id="p" transform="scale(2)">{RECT}</g></defs><use transform="scale(.5)" href="#p"/>',
        '<defs><g id="p">' + RECT + '</g></defs><use xlink:href="#p" x="3" y="4"/>',
        '<a href="http://example.org">' + RECT + "</a>",
        RECT + '<g style="display:none"><circle r="3"/></g>',
        RECT + '<g visibility="hidden"><circle r="3"/></g>',
        RECT + '<path d="M0 0h24v24H0z" fill="none"/>',
        RECT + "<style>.a{fill:none;stroke:none}</style><circle class='a' r='3'/>",
        RECT + "<style>/* hidden */ #h, .x { display : none }</style><circle id='h' r='3'/>",
        RECT + "<defs><circle r='3'/></defs><clipPath id='c'><circle r='3'/></clipPath>",
        RECT + '<path d=""/><path d="M 3 3"/><path d="M3 3z"/><rect width="0" height="3"/><circle r="0"/>',
        RECT + "<title>a</title><desc>b</desc><metadata><x xmlns='urn:y'/></metadata>",
        RECT + '<x:namedview xmlns:x="urn:x"/>',
        '<rect width="20" height="10" style="fill:none;stroke:#000;stroke-width:1;-inkscape-x:0"/>',
        '<path d="m0 0 20 0 0 10-20 0z"/>',
        '<path d="M0,0H20v10h-20V.0Z"/>',
        '<polyline points="0,0 20,0 20,10 0,10 0,0"/>',
        '<line x2="20"/><line x1="20" y2="10" x2="20"/><path d="M20 10H0V0" fill="none" stroke="red"/>',
    ],
)
def test_what_draws_nothing_is_left_out_and_what_draws_is_not(tmp_path: Path, body: str) -> None:
    body = body.replace("<line ", '<line stroke="red" ')
    assert size(vertices(tmp_path, "", body)) == [20.0, 10.0]


@pytest.mark.parametrize(
    "data",
    [
        "M0 0L20 0L20",
        "M0 0H20V20H0Zx",
        "H20V20H0Z",
        "M0 0H20V20,H0Z",
        "M0 0,,20 0 20 20Z",
        "M0 0L20 0A5 5 0 2 0 20 20L0 20Z",
        "M0 0L1e999 0 20 20Z",
        "M0 0L20 0 nan 20Z",
        "M0 0Q20 0Z",
        "M",
    ],
)
def test_path_data_that_break_the_grammar_are_refused(tmp_path: Path, data: str) -> None:
    with pytest.raises(InputError, match="path data"):
        vertices(tmp_path, "", f'<path d="{data}"/>')


@pytest.mark.parametrize("data", ["M0 0A5 5 0 1 1 0 0", "M 5 5", "M0 0zz", "none", "M3 3A0 0 0 0 0 3 3Z"])
def test_a_path_that_draws_nothing_is_no_traceback(tmp_path: Path, data: str) -> None:
    with pytest.raises(InputError, match="it has no lines"):
        vertices(tmp_path, "", f'<path d="{data}"/>')


def test_flags_of_an_arc_need_no_space_and_small_radii_grow(tmp_path: Path) -> None:
    whole = vertices(tmp_path, "", '<path d="M0 10A10 10 0 0020 10A10 10 0 000 10"/>')
    small = vertices(tmp_path, "", '<path d="M0 10a1 1 0 1020 0A3 3 0 100 10z"/>')
    for points in (whole, small):
        np.testing.assert_allclose(np.linalg.norm(points - [10, -10], axis=1), 10.0, rtol=1e-9)
        assert len(points) == 16


def test_smooth_curves_reflect_only_their_own_kind(tmp_path: Path) -> None:
    smooth = vertices(tmp_path, "", '<path d="M0 0C3 9 9 9 9 0S15-9 18 0V20H0Z"/>')
    written = vertices(tmp_path, "", '<path d="M0 0C3 9 9 9 9 0C9-9 15-9 18 0V20H0Z"/>')
    np.testing.assert_allclose(smooth, written)


@pytest.mark.parametrize("radii", ['rx="99"', 'rx="10" ry="99"', 'ry="99"'])
def test_radii_of_a_rectangle_are_clamped(tmp_path: Path, radii: str) -> None:
    points = vertices(tmp_path, "", f'<rect width="20" height="20" {radii}/>')
    np.testing.assert_allclose(np.linalg.norm(points - [10, -10], axis=1), 10.0, rtol=1e-9)
    assert len(vertices(tmp_path, "", '<rect width="20" height="20" rx="0" ry="3"/>')) == 4


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("<!DOCTYPE svg [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]>", "<title>&b;</title>" + RECT),
        ("<!DOCTYPE svg [<!ENTITY a SYSTEM 'file:///etc/hostname'>]>", "<title>&a;</title>" + RECT),
        ("<?xml-stylesheet href='a.css'?>", RECT),
        ("", "<g>" * 3000 + "</g>" * 3000),
        ("", "".join(f"<g id='u{i}'>" + f"<use href='#u{i - 1}'/>" * 10 + "</g>" for i in range(1, 12))),
        ("", "<g id='a'><use href='#a'/></g>"),
        ("", '<path d="' + "M0 0L1 1" * 20_000 + '"/>'),
        ("", '<circle r="1e14"/>'),
        ("", '<ellipse rx="1e12" ry="3"/>'),
        ("", '<polygon points="' + "1.5," * 30_000 + 'O"/>'),
        ("", "<style>" + "/*" * 100_000 + "</style>" + RECT),
        ("", '<line x1="5" x2="5.001" stroke="red"/>' * 4000),
        ("", '<g transform="scale(1)' + " " * 100_000 + 'x!">' + RECT + "</g>"),
        ("", '<g opacity="' + "0" * 100_000 + 'x">' + RECT + "</g>"),
        ("", "<style>" + "a" * 500_000 + "</style>" + RECT),
    ],
)
@pytest.mark.timeout(20)
def test_a_small_file_does_not_hang(tmp_path: Path, head: str, body: str) -> None:
    with pytest.raises(InputError) as caught:
        vertices(tmp_path, "", body, head)
    assert len(str(caught.value)) < 400


def test_a_document_type_without_entities_is_harmless(tmp_path: Path) -> None:
    head = '<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/a.dtd">'
    assert size(vertices(tmp_path, "", RECT, head)) == [20.0, 10.0]


@pytest.mark.parametrize("content", [b"", b"hello", b"<svg", b"<html/>", b"\xff\xfe\x00", b"<svg>\x00</svg>"])
def test_a_file_that_is_no_svg_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "part.svg").write_bytes(content)
    with pytest.raises(InputError, match="is not an SVG file"):
        read_part(tmp_path / "part.svg")
