"""Completion of command lines by the shell, without the imports that a command needs.

Choices of groups and the keys of the first level are answered from names alone. Keys further in, such as
``task.limits.``, depend on the choices that are made; Hydra composes the configuration for them, which takes
seconds.
"""

import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from assembly_rl.cli.help import PAGES

OPTIONS = ("-sc", "--shell-completion", "--shell_completion")
BASH = """\
_assembly_rl() {
    local word="${COMP_LINE:0:COMP_POINT}"
    word="${word##* }"
    COMPREPLY=($(compgen -W "$(COMP_LINE="$COMP_LINE" COMP_POINT="$COMP_POINT" \\
        "$1" -sc query=bash 2>/dev/null)" -- "$word"))
    if [[ $COMP_WORDBREAKS == *=* && $word == *=* ]]; then
        COMPREPLY=("${COMPREPLY[@]#"${word%%=*}="}")
    fi
}
complete -o nospace -o default -F _assembly_rl COMMANDS"""
"""Program of the shell; where it has no word, bash completes files."""
GROUP = re.compile(r"^  - (?:optional )?(\w+): ", re.MULTILINE)


def quick_completion(command: str, arguments: Sequence[str], line: str) -> str | None:
    """Return what a command prints if the shell asks it for completion; None where Hydra has to answer.

    Args:
        command: Name of the command.
        arguments: Its arguments.
        line: Command line up to the cursor.
    """
    if len(arguments) != 2 or arguments[0] not in OPTIONS:
        return None
    if arguments[1] == "install=bash":
        return BASH.replace("COMMANDS", " ".join(PAGES))
    if arguments[1] != "query=bash":
        return None
    words = completions(command, line)
    return None if words is None else "\n".join(words)


def completions(command: str, line: str) -> list[str] | None:
    """Return the words that complete the last one of a command line; None where Hydra has to answer.

    Args:
        command: Name of the command.
        line: Command line up to the cursor.
    """
    word = line.rpartition(" ")[2]
    key, given, _ = word.partition("=")
    found = groups(command)
    if given:
        return [text for name in found.get(key, []) if (text := f"{key}={name}").startswith(word)]
    if "." in word or word.startswith(("+", "~", "-")):
        return None
    names = [f"{name}=" for name in (*found, *PAGES[command].keys) if "." not in name]
    names += [name if name.endswith(".") else f"{name}=" for name in PAGES[command].others]
    return [text for text in dict.fromkeys(names) if text.startswith(word)]


def groups(command: str) -> dict[str, list[str]]:
    """Return the configuration groups of a command and their choices, by the names of the files."""
    spec = find_spec("assembly_rl.conf")
    assert spec is not None and spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0])
    own = (folder / f"{command.removeprefix('assembly-rl-')}.yaml").read_text(encoding="utf-8")
    return {
        name: sorted(
            path.stem
            for path in (folder / name).glob("*.yaml")
            if not path.stem.startswith("_") and not path.stem.endswith("schema")
        )
        for name in GROUP.findall(own)
    }
