"""Help pages: short, true, and at once; all keys have a meaning."""

import shlex
import subprocess
import sys

import pytest

from assembly_rl import __version__
from assembly_rl.cli import entry
from assembly_rl.cli.all_keys import all_keys
from assembly_rl.cli.command import _register_commands, checked_arguments
from assembly_rl.cli.help import PAGES
from assembly_rl.configuration.composition import composed, composed_with_choices

COMMANDS = [name.removeprefix("assembly-rl-") for name in PAGES]
FILES = (".dxf", ".stl", ".yaml", ".bundle", ".csv")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_fits_a_screen(name: str) -> None:
    lines = PAGES[f"assembly-rl-{name}"].text(f"assembly-rl-{name}").splitlines()
    assert len(lines) <= 24 and max(map(len, lines)) <= 110


@pytest.mark.parametrize("name", COMMANDS)
def test_keys_and_examples_exist(name: str) -> None:
    _register_commands()
    _, groups = composed_with_choices(name)
    keys = [line.partition(" = ")[0] for line in all_keys(name, []).splitlines()]
    for key in PAGES[f"assembly-rl-{name}"].keys:
        assert key in groups or any(own == key or own.startswith(f"{key}.") for own in keys), key
    for example in PAGES[f"assembly-rl-{name}"].examples:
        command, *arguments = shlex.split(example)
        assert command == f"assembly-rl-{name}"
        checked_arguments(name, [text for text in arguments if not text.endswith(FILES)])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_key_has_a_meaning(name: str) -> None:
    _register_commands()
    lines = [line for line in all_keys(name, []).splitlines() if " = " in line]
    own = ("study.", "profile.")  # mappings whose entries have names of their own
    assert not [line for line in lines if "  # " not in line and not line.startswith(own)]


def test_all_keys_have_the_values_of_the_overrides() -> None:
    _register_commands()
    assert "steps = 7  # Policy steps." in all_keys("train", ["steps=7"]).splitlines()
    assert composed("train", "steps=7").steps == 7


@pytest.mark.parametrize(
    ("arguments", "shown"), [(["geometry=L", "--help"], "Train a controller"), (["--version"], __version__)]
)
def test_help_needs_no_imports(arguments: list[str], shown: str) -> None:
    code = (
        "import sys; from assembly_rl.cli import entry; entry.train(); "
        "assert not {'hydra', 'numpy', 'torch'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=600, check=True
    )
    assert shown in done.stdout


def test_anything_else_runs_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    monkeypatch.setattr("assembly_rl.cli.evaluate.main", lambda: called.append("evaluate"))
    monkeypatch.setattr(sys, "argv", ["assembly-rl-eval", "run=x"])
    entry.evaluate()
    assert called == ["evaluate"]
