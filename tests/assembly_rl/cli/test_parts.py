"""Part files among the arguments of a command."""

import warnings
from pathlib import Path

import pytest

from assembly_rl.cli.parts import show_remarks, with_parts
from assembly_rl.cli.robots import with_robot
from assembly_rl.configuration.composition import train_config
from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.drawing import PartWarning
from assembly_rl.envs.geometry.files import check_part, read_part

POLYGON = "polygon: [[0, 0], [20, 0], [20, 10], [0, 10]]\n"


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.yaml", "B.YAML", "of two, parts.yaml"):
        Path(name).write_text(POLYGON + "depth: 20\n")
    Path("narrow.yaml").write_text(POLYGON + "clearance: 5\n")


def test_options_stay_together_before_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("polygon: [[0, 0], [20, 0], [20, 8], [0, 8]]\ndepth: 22\n")
    (tmp_path / "slow.yaml").write_text("response: {lag: [0.1, 0.1]}\n")
    arguments = with_robot(
        with_parts(["--config-dir", "made", "task=mine", "geometry=a.yaml", "robot=slow.yaml"])
    )
    assert arguments[:2] == ["--config-dir", "made"] and all("=" in text for text in arguments[2:])
    assert arguments[-1] == "task=mine" and "task.robot.response.lag=[0.1, 0.1]" in arguments


@pytest.mark.parametrize(
    "argument", ["geometry=a.yaml", "geometry=B.YAML", "geometry='a.yaml'", "geometry=./a.yaml"]
)
def test_a_file_becomes_overrides_before_the_others(argument: str) -> None:
    given = with_parts(["seed=1", argument, "geometry.chamfer=0"])
    assert given[0] == "geometry=polygon" and given[-2:] == ["seed=1", "geometry.chamfer=0"]
    assert "geometry.hole_depth=0.02" in given


def test_a_name_with_a_comma_is_one_file() -> None:
    assert with_parts(["geometry=of two, parts.yaml"])[0] == "geometry=polygon"


NAMES = ["it's a part, [no] {list}", 'a \\"quoted\\" = x', "ends with \\\\", "yes", "12", "äö: #1"]


@pytest.mark.parametrize("name", NAMES)
def test_every_field_of_a_file_reaches_the_configuration(name: str) -> None:
    second = "[[30, 0], [40, 0], [40, 10]]"
    text = f"polygons: [[[0, 0], [20, 0], [20, 10], [0, 10]], {second}]\nblind: true\ntip_chamfer: 0.4\n"
    quoted = name.replace("'", "''")
    Path("own.yaml").write_text(f"{text}name: '{quoted}'\n")
    given = with_parts(["geometry=own.yaml", "seed=1"])
    assert given[0] == "geometry=polygons"
    part = train_config(*given).geometry.part()
    assert part == check_part(Path("own.yaml"), read_part(Path("own.yaml")))
    assert (part.name, part.blind, part.tip_chamfer, len(part.peg_outlines)) == (name, True, 4e-4, 2)


def test_a_part_is_named_after_its_file_unless_it_is_overridden() -> None:
    given = with_parts(["geometry=of two, parts.yaml"])
    assert train_config(*given).geometry.name == "of two, parts"
    assert train_config(*with_parts(["geometry=a.yaml"]), "geometry.name=b").geometry.name == "b"


def test_arguments_without_a_file_stay_as_they_are() -> None:
    arguments = ["-m", "geometry=square,L", "seed=1,2", "geometry.clearance=1e-4", "run_dir=a.yaml"]
    assert with_parts(arguments) == arguments


@pytest.mark.parametrize("value", ["square,a.yaml", "a.yaml,square", "a.yaml,B.YAML", "[square,a.yaml]"])
def test_a_sweep_with_a_file_is_not_read_as_one_file(value: str) -> None:
    with pytest.raises(InputError, match="cannot be one of several geometries"):
        with_parts(["-m", f"geometry={value}"])


def test_the_first_of_two_files_is_not_dropped() -> None:
    with pytest.raises(InputError, match="given twice, by geometry=a.yaml and by geometry=B.YAML"):
        with_parts(["geometry=a.yaml", "geometry=B.YAML"])


def test_a_refused_part_names_its_file_unless_it_is_overridden() -> None:
    with pytest.raises(InputError, match="^narrow.yaml: clearance 5 mm"):
        with_parts(["geometry=narrow.yaml"])
    assert "geometry.clearance=0.0001" in with_parts(["geometry=narrow.yaml", "geometry.clearance=0.0001"])


def test_remarks_are_one_line_on_standard_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with warnings.catch_warnings():
        show_remarks()
        warnings.warn("a.svg: 240 vertices simplified to 16 within 0.2 mm", PartWarning, stacklevel=1)
    assert capsys.readouterr().err == "note: a.svg: 240 vertices simplified to 16 within 0.2 mm\n"
