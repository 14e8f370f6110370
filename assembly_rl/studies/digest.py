"""Digest of the code that makes results: it is part of the name of every cell of a study."""

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
    "reports/",
    "studies/pictures.py",
    "studies/report.py",
    "studies/results.py",
    "studies/scores.py",
    "studies/statistics.py",
)
"""Files and folders of assembly_rl that show or export results; everything else makes them."""
OTHER_PACKAGES = ("conf/", "controllers/", "envs/")
"""Packages that an installed assembly_rl holds as folders."""


def code_files() -> dict[str, Path]:
    """Files that results depend on, by name: simulation, control, learning, and the running of studies."""
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
    """SHA-256 (hex) over the syntax of ``code_files``: comments, docstrings and line breaks do not count."""
    digest = hashlib.sha256()
    for name, path in code_files().items():
        digest.update(f"{name}\0{_syntax(path.read_bytes())}\0".encode())
    return digest.hexdigest()


def _syntax(source: bytes) -> str:
    """Syntax tree of a module as text, without docstrings of modules, classes, functions and attributes."""
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
    """Versions of the packages that results depend on."""
    return {name: version(name) for name in PACKAGES}
