"""Mistakes on the command line, as a user makes them: one line, exit code 2, and nothing is written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Run

from assembly_rl.cli.command import checked_arguments

COMMANDS = ("train", "eval", "benchmark", "plan", "graph", "transfer", "export", "replay")


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("sign", ["", "+"])
def test_no_command_takes_an_unknown_key(refused: Run, tmp_path: Path, name: str, sign: str) -> None:
    assert "unknown key 'xyzzy'" in refused(name, f"{sign}xyzzy=1")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("train", ["stpes=100"], "did you mean steps?"),
        ("train", ["-m", "stpes=1,2"], "did you mean steps?"),
        ("train", ["steps=1", "steps=2"], "'steps=1' and 'steps=2' set the same"),
        ("train", ["steps", "100"], "write steps=<value>"),
        ("train", ["seed=1", "-m", "steps=2"], "options such as -m come before or after all key=value"),
        ("train", ["--confg", "job"], "unrecognized arguments"),
        ("train", ["--config-name", "foo"], "unknown configuration 'foo'"),
        ("train", ["--config-name", "eval"], "not a configuration of assembly-rl-train"),
        ("train", ["--config-dir", "nowhere"], "--config-dir nowhere is not a folder"),
        ("train", ["--config-path", "x"], "--config-path is not supported"),
        ("train", ["--experimental-rerun", "x"], "--experimental-rerun is not supported"),
        ("train", ["--resolve"], "--resolve needs --cfg"),
        ("train", ["-m", "--cfg", "job"], "give one of --run, --multirun, --cfg"),
        ("train", ["geometry=polygon"], "write geometry.parameters.vertices=[["),
        ("train", ["algo=ppo", "algo.batch_size=1"], "batch_size must be >= 2, got 1"),
        ("train", ["seed=-1"], "seed must be >= 0, got -1"),
        ("train", ["run_dir=${oc.env:NO_SUCH_VARIABLE}"], "run_dir: "),
        ("train", ["resume=nowhere", "steps=-5"], "steps must be > 0, got -5"),
        ("eval", ["geometries=square, L"], "write geometries=[square,L]"),
        ("eval", ["run=1_000"], "1_000 is not a run"),
        ("eval", ["run=[null,b]"], "null is not a run"),
        ("graph", ["run=1"], "1 is not a run"),
        ("graph", ["run=null"], "null is not a run"),
        ("graph", ["run=a=b, c[d]~$x é"], "a=b, c[d]~$x é is not a run"),
        ("export", ["run=true"], "true is not a run"),
        ("transfer", ["source=1e3"], "1e3 is not a run"),
        ("replay", ["bundle=1.50", "recording=2_0"], "2_0 cannot be read"),
        ("plan", ["environments=[1.5]"], "environments must be a list of whole numbers"),
        ("benchmark", ["study=null"], "names no choice"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    refused: Run, tmp_path: Path, name: str, arguments: list[str], message: str
) -> None:
    assert message in refused(name, *arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("folder", ["2024_01_02", "a=b, c[d] ~$é"])
def test_a_run_has_the_folder_that_was_typed(refused: Run, tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "kept").touch()
    assert f"{folder} exists and is not an empty folder" in refused("train", f"run_dir={folder}")
    assert [path.name for path in tmp_path.iterdir()] == [folder]


def test_hydras_own_options_go_on_working(
    command: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def shown(*arguments: str) -> str:
        try:
            return command("train", *arguments)
        except SystemExit as stop:
            assert not stop.code
            return capsys.readouterr().out

    assert "run_dir: '2024_01_02'" in shown("run_dir=2024_01_02", "--cfg", "job")
    for option in ("--help", "--hydra-help", "--info"):
        assert checked_arguments("train", [option]) == [option]
    assert "complete" in shown("-sc", "install=bash")
    (tmp_path / "own" / "geometry").mkdir(parents=True)
    (tmp_path / "own" / "geometry" / "mine.yaml").write_text("defaults: [square, _self_]\nclearance: 2e-4\n")
    assert "clearance: 0.0002" in shown("--config-dir", "own", "geometry=mine", "--cfg", "job")


def run(folder: Path, *code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)} | environment
    line = ["sh", "-c", *code]
    return subprocess.run(line, cwd=folder, env=own, capture_output=True, text=True, timeout=1800)


MANY = (
    "from assembly_rl.cli.streams import make_robust; make_robust()\n"
    "for number in range(100_000): print(number)\n"
    "open('done', 'w')"
)


def test_output_that_nobody_reads_ends_no_work(tmp_path: Path) -> None:
    done = run(tmp_path, f'{sys.executable} -c "{MANY}" | head -1')
    assert (done.stdout, done.stderr) == ("0\n", "")
    assert (tmp_path / "done").exists()
    (tmp_path / "done").unlink()
    done = run(tmp_path, f'{sys.executable} -c "{MANY}" >&-')
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "done").exists()


def test_no_locale_ends_a_command(tmp_path: Path) -> None:
    code = "from assembly_rl.cli.streams import make_robust; make_robust(); print('é \\udcff')"
    for environment in ({"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"PYTHONUTF8": "0", "LANG": "C"}):
        done = run(tmp_path, f'{sys.executable} -c "{code}"', **environment)
        assert (done.returncode, done.stderr) == (0, ""), environment


def test_a_command_in_a_folder_that_is_gone_or_a_closed_pipe(tmp_path: Path) -> None:
    call = f"{sys.executable} -m assembly_rl.cli.replay"
    done = run(tmp_path, f"mkdir gone; cd gone; rmdir ../gone; {call} bundle=x")
    assert done.stderr == "error: the current folder does not exist or cannot be read: cd to another\n"
    done = run(tmp_path, f"{call} --cfg job | true", TERM="dumb", LC_ALL="C", COLUMNS="x")
    assert done.stderr == ""


def test_a_wrong_environment_variable_is_told(refused: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "many")
    assert "the environment variable WORLD_SIZE must be a whole number, got 'many'" in refused(
        "train", "steps=1"
    )


def test_a_file_where_a_folder_is_needed_is_told_before_the_episodes(refused: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "file" in refused("eval", "controller=reflex", "output=file/rows.csv")


def test_hydras_switch_shows_where_an_override_was_refused(
    command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(ValueError, match="unknown key 'stpes'"):
        command("train", "stpes=3")
    assert os.environ["HYDRA_FULL_ERROR"] == "1"
