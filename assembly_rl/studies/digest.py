"""Digest of the code that produces results, which is part of the name of every cell of a study."""

import ast
import hashlib
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import assembly_rl
from assembly_rl import controllers, envs
from assembly_rl.runs.directory import PACKAGES

PRESENTATION = (
    "api/",
    "cli/",
    "deployment/",
    "methods/lcrl/report.py",
    "methods/transfer/report.py",
    "recognition/",
    "reports/",
    "studies/pictures.py",
    "studies/report.py",
    "studies/results.py",
    "studies/scores.py",
    "studies/statistics.py",
)
"""Files and folders of assembly_rl that show or export results, or teach the recogniser, which no study uses;
all others produce results."""
OTHER_PACKAGES = ("conf/", "controllers/", "envs/")
"""Packages that an installed assembly_rl contains as folders."""


def code_files() -> dict[str, Path]:
    """Return name -> file that results depend on: simulation, control, learning, and execution of studies."""
    files = {}
    for package, left_out in ((assembly_rl, (*PRESENTATION, *OTHER_PACKAGES)), (envs, ()), (controllers, ())):
        root = Path(package.__path__[0])
        for path in sorted(root.rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if not name.startswith(left_out):
                files[f"{package.__name__}/{name}"] = path
    return files


@lru_cache
def code_digest() -> str:
    """Return the SHA-256 (hex) over the syntax of ``code_files``, without comments, docstrings and layout."""
    digest = hashlib.sha256()
    for name, path in code_files().items():
        digest.update(f"{name}\0{_syntax(path.read_bytes())}\0".encode())
    return digest.hexdigest()


def _syntax(source: bytes) -> str:
    """Return a module's syntax tree as text, without any docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [statement for statement in node.body if not _is_docstring(statement)]
    return ast.dump(tree)


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


@lru_cache
def versions() -> dict[str, str]:
    """Return the versions of the packages that results depend on."""
    return {name: version(name) for name in PACKAGES}
