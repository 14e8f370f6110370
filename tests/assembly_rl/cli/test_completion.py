"""Completion by the shell: at once, and of keys and choices that exist."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Run
from omegaconf import DictConfig

from assembly_rl.cli.command import _register_commands
from assembly_rl.cli.completion import BASH, completions, groups
from assembly_rl.cli.help import PAGES
from assembly_rl.configuration.composition import choices, composed, composed_with_choices

QUERY = (
    "import sys; from assembly_rl.cli import entry; entry.train(); "
    "assert not {'hydra', 'numpy'} & set(sys.modules)"
)


@pytest.mark.parametrize("name", [name.removeprefix("assembly-rl-") for name in PAGES])
def test_all_keys_of_the_first_level_are_completed(name: str) -> None:
    _register_commands()
    config, composed_groups = composed_with_choices(name)
    page, own = PAGES[f"assembly-rl-{name}"], groups(f"assembly-rl-{name}")
    assert set(composed_groups) <= set(own)
    sections = {f"{key}." for key in map(str, config) if isinstance(config._get_node(key), DictConfig)}
    plain = {str(key) for key in config if f"{key}." not in sections}
    assert sections == {text for text in page.others if text.endswith(".")}
    assert plain == {text for text in (*page.others, *page.keys) if "." not in text} - set(own)


def test_choices_are_those_that_hydra_knows() -> None:
    own = groups("assembly-rl-train")
    for name in ("geometry", "task", "robot"):
        assert own[name] == choices(name)
    assert composed("train", *(f"{name}={own[name][-1]}" for name in ("geometry", "algo", "method")))


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("geometry=s", ["geometry=slot", "geometry=square"]),
        ("seed=3 exp", ["experiment="]),
        ("ge", ["geometry=", "geometry."]),
        ("steps=1", []),
        ("task.lim", None),  # asks Hydra
        ("+x", None),
    ],
)
def test_the_last_word_is_completed(typed: str, completed: list[str] | None) -> None:
    assert completions("assembly-rl-train", f"assembly-rl-train {typed}") == completed


def test_a_shell_gets_its_answer_without_imports() -> None:
    done = subprocess.run(
        [sys.executable, "-c", QUERY, "-sc", "query=bash"],
        env={**os.environ, "COMP_LINE": "assembly-rl-train geometry=sq", "COMP_POINT": "28"},
        capture_output=True, text=True, check=True, timeout=600,
    )  # fmt: skip
    assert done.stdout == "geometry=slot\ngeometry=square\n"


def test_hydra_completes_keys_further_in(command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMP_LINE", "assembly-rl-train task.lim")
    assert command("train", "-sc", "query=bash").split() == ["task.limits."]


def test_bash_completes(tmp_path: Path) -> None:
    shim = tmp_path / "assembly-rl-train"
    shim.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c 'from assembly_rl.cli.entry import train; train()' \"$@\"\n"
    )
    shim.chmod(0o755)
    program = (
        f"{BASH.replace('COMMANDS', 'assembly-rl-train')}\n"
        'COMP_LINE="assembly-rl-train geometry=sq"; COMP_POINT=${#COMP_LINE}\n'
        '_assembly_rl assembly-rl-train; echo "${COMPREPLY[@]}"'
    )
    own = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "COMP_WORDBREAKS": " ="}
    done = subprocess.run(
        ["bash", "-c", program], env=own, capture_output=True, text=True, check=True, timeout=600
    )
    assert done.stdout == "square\n", done.stderr
