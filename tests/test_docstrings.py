"""Docstrings in plain English: summaries and arguments are noun phrases or begin with a verb."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("assembly_rl", "benchmarks", "controllers", "envs", "examples", "scripts", "tests/reference")

SUMMARY = re.compile(r"(What|How|Whether|Where|Which|Of|See|As|The same)\b")
SECTION = re.compile(r"( *)(Args|Attributes):$")
ENTRY = re.compile(r"[*\w]+(?:, [*\w]+)*: (.*)")
ARGUMENT = re.compile(r"(Of|What|How|Whether|See) |As of\b|See there\b")


def docstrings(tree: ast.AST) -> Iterator[ast.Constant]:
    """All strings that stand alone: docstrings, also those below an attribute."""
    for node in ast.walk(tree):
        value = node.value if isinstance(node, ast.Expr) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value


def entries(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Number of the line and text of each entry of the sections Args and Attributes."""
    indent: int | None = None
    for number, line in enumerate(lines):
        section = SECTION.match(line)
        if section:
            indent = len(section[1]) + 4
        elif indent is not None and line.strip():
            depth = len(line) - len(line.lstrip())
            entry = ENTRY.match(line.strip())
            if depth < indent:
                indent = None
            elif depth == indent and entry:
                yield number, entry[1]


def problems(source: str, name: str) -> list[str]:
    """Violations in a file, ``name:line: text`` each."""
    found = []
    for docstring in docstrings(ast.parse(source)):
        lines = str(docstring.value).split("\n")
        first = next((number for number, line in enumerate(lines) if line.strip()), 0)
        bad = [(first, lines[first].strip())] if SUMMARY.match(lines[first].strip()) else []
        bad += [(number, text) for number, text in entries(lines) if ARGUMENT.match(text)]
        found += [f"{name}:{docstring.lineno + number}: {text}" for number, text in bad]
    return found


def test_docstrings() -> None:
    found = []
    for path in sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        found += problems(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
    assert not found, "\n".join(found)


def documented(summary: str, section: str, entry: str) -> str:
    return f'def function():\n    """{summary}\n\n    {section}:\n        {entry}\n    """\n'


@pytest.mark.parametrize(
    "summary",
    [
        "What a policy sees.",
        "How the law is integrated.",
        "Whether it moves.",
        "Where it is.",
        "Which counts are too large.",
        "Of the base [m].",
        "See ``Base.push``.",
        "As the methods name them.",
        "The same with an arm.",
    ],
)
def test_a_summary_that_is_a_clause_is_found(summary: str) -> None:
    assert problems(f'"""{summary}"""', "a.py") == [f"a.py:1: {summary}"]
    assert problems(f'class A:\n    x = 1\n    """{summary}"""', "a.py") == [f"a.py:3: {summary}"]
    assert problems(documented(summary, "Args", "x: Length [m]."), "a.py") == [f"a.py:2: {summary}"]


@pytest.mark.parametrize("section", ["Args", "Attributes"])
@pytest.mark.parametrize("names", ["seed", "seed, other", "*values"])
@pytest.mark.parametrize(
    "text", ["Of the training.", "What it is.", "How it is.", "Whether it is.", "As of now.", "See there."]
)
def test_an_argument_that_is_a_clause_is_found(section: str, names: str, text: str) -> None:
    source = documented(
        "Add numbers.", section, f"good: Length [m],\n            of it.\n        {names}: {text}"
    )
    assert problems(source, "a.py") == [f"a.py:7: {text}"]


@pytest.mark.parametrize(
    "source",
    [
        documented("Offset of the base.", "Args", "seed: Seed of all generators."),
        documented(
            "Assemble.", "Attributes", "x: Length\n            y: What continues a line is not an entry."
        ),
        documented("Compute the sum.", "Returns", "x: What is returned is free."),
        documented("Compute the sum.", "Args", "x: Length.\n\n    Raises:\n        ValueError: See there."),
        'text = "What is no docstring"',
        "pass",
    ],
)
def test_plain_english_passes(source: str) -> None:
    assert not problems(source, "a.py")
