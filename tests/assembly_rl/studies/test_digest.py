"""The digest of the code: of all modules that make results, and of nothing that only shows them."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import assembly_rl
from assembly_rl.studies import digest
from assembly_rl.studies.digest import PRESENTATION, code_digest, code_files

ROOT = Path(assembly_rl.__path__[0])
SHOWS = {
    "assembly_rl/cli/__init__.py",
    "assembly_rl/cli/command.py",
    "assembly_rl/methods/transfer/report.py",
    "assembly_rl/reports/__init__.py",
    "assembly_rl/reports/progress.py",
    "assembly_rl/reports/table.py",
}
"""Presentation that a training or a transfer imports: its functions show results and return nothing to it."""
LOADED = """
import json, sys
import assembly_rl.studies.run
print(json.dumps({name: module.__file__ for name, module in sys.modules.items()
                  if name.split(".")[0] == "assembly_rl" and module.__file__}))
"""


def module_files() -> dict[str, str]:
    """Name of each module of the package -> name of its file in the digest."""
    found = {}
    for root, package in ((path, name) for name, path in packages().items()):
        for path in root.rglob("*.py"):
            parts = [*package.split("."), *path.relative_to(root).with_suffix("").parts]
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found.setdefault(name, f"{package}/{path.relative_to(root).as_posix()}")
    return found


def packages() -> dict[str, Path]:
    from assembly_rl import controllers, envs

    return {package.__name__: Path(package.__path__[0]) for package in (controllers, envs, assembly_rl)}


def imported_at_top(tree: ast.Module) -> Iterator[str]:
    """Names of the modules, and of what may be modules, that are imported outside of functions."""
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif not isinstance(node, ast.FunctionDef | ast.Lambda):
            left.extend(ast.iter_child_nodes(node))


def test_all_modules_that_a_training_loads_are_in_the_digest() -> None:
    output = subprocess.run(
        [sys.executable, "-c", LOADED], check=True, capture_output=True, text=True, timeout=1800
    ).stdout
    loaded, files = json.loads(output), module_files()
    names = {files[name] for name in loaded}
    for part in ("envs/peg_in_hole.py", "controllers/admittance.py", "assembly_rl/training/trainer.py"):
        assert any(name.endswith(part) for name in names)
    assert any("/learners/" in name for name in names) and any("/methods/" in name for name in names)
    assert names - set(code_files()) <= SHOWS


def test_what_is_in_the_digest_imports_presentation_only_to_show() -> None:
    known, files = code_files(), module_files()
    wrong = {
        (name, files[module])
        for name, path in known.items()
        for module in imported_at_top(ast.parse(path.read_bytes()))
        if module in files and files[module] not in known and files[module] not in SHOWS
    }
    assert not wrong


def test_every_file_is_in_the_digest_or_presentation() -> None:
    for name in PRESENTATION:
        assert (ROOT / name).exists(), name
    shown = {name for name in module_files().values() if name not in code_files()}
    assert all(name.removeprefix("assembly_rl/").startswith((*PRESENTATION, "conf/")) for name in shown)


def test_the_digest_changes_with_code_but_not_with_comments_and_docs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "module.py"
    monkeypatch.setattr(digest, "code_files", lambda: {"assembly_rl/module.py": path})

    def of(source: str) -> str:
        path.write_text(source)
        code_digest.cache_clear()
        return code_digest()

    plain = of("A = 1\ndef f():\n    return A\n")
    assert of('"""Doc."""\nA = 1  # one\n"""Attribute."""\ndef f():\n    """Doc."""\n    return A\n') == plain
    assert of("A = 2\ndef f():\n    return A\n") != plain
    code_digest.cache_clear()
