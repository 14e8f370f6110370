"""Contracts between the parts of the package that its imports alone do not show."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import assembly_rl
import assembly_rl.api

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "assembly_rl"


def last_names(node: ast.expr) -> set[str]:
    """Names in an expression; of ``a.b`` the last one."""
    parts = list(ast.walk(node))
    return {part.id for part in parts if isinstance(part, ast.Name)} | {
        part.attr for part in parts if isinstance(part, ast.Attribute)
    }


def derived_from(base: str, trees: dict[str, ast.Module]) -> set[str]:
    """Names of a class and of all classes that inherit from it."""
    classes = [node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    found = {base}
    while True:
        more = {node.name for node in classes if any(last_names(of) & found for of in node.bases)}
        if more <= found:
            return found
        found |= more


def type_checks(tree: ast.Module, names: set[str]) -> Iterator[int]:
    """Lines of the calls of ``isinstance`` and ``issubclass`` that name one of the classes."""
    for node in ast.walk(tree):
        is_check = isinstance(node, ast.Call) and last_names(node.func) & {"isinstance", "issubclass"}
        if is_check and any(last_names(argument) & names for argument in node.args[1:]):
            yield node.lineno


def test_no_method_is_told_apart_outside_of_its_folder() -> None:
    trees = {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }
    methods = derived_from("MethodConfig", trees)
    assert {"DenseConfig", "LCRLConfig", "LCRLPEADConfig", "PEADConfig", "TransferConfig"} < methods
    found = [
        f"{name}:{line}"
        for name, tree in trees.items()
        if not (name.startswith("methods/") and name.count("/") > 1)
        for line in type_checks(tree, methods)
    ]
    assert not found, f"a hook of MethodConfig or Method is missing: {', '.join(found)}"


def test_such_a_check_is_found() -> None:
    source = (
        "class A(training.MethodConfig): pass\nclass B(A): pass\nif isinstance(x.method, int | m.B): pass"
    )
    tree = ast.parse(source)
    assert list(type_checks(tree, derived_from("MethodConfig", {"": tree}))) == [3]
    assert not list(type_checks(tree, {"C"}))


def test_the_package_offers_the_python_api() -> None:
    assert assembly_rl.__all__ == assembly_rl.api.__all__ == sorted(assembly_rl.__all__)
    for name in assembly_rl.__all__:
        assert getattr(assembly_rl, name) is getattr(assembly_rl.api, name)
    assert set(assembly_rl.__all__) < set(dir(assembly_rl))


def test_importing_the_package_loads_no_framework() -> None:
    heavy = {"torch", "pybullet", "gymnasium", "stable_baselines3", "hydra", "scipy", "numpy"}
    code = f"import sys, assembly_rl; dir(assembly_rl); print(*sorted({heavy!r} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == []
