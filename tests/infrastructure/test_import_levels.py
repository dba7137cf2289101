"""The packages of the developer's tool stand in an order, and imports run down only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

# From the top to the bottom. A package imports from its own level's package and from lower levels, never from
# another package of its level.
LEVELS: list[set[str]] = [
    {"command"},
    {"cli"},
    {"releases", "hooks", "planning", "measuring"},
    {"deployment"},
    {"dev"},
    {"emulators"},
    {"stack", "engines", "costs", "loopback"},
    {"text_tables", "svg", "quantiles", "imported_models", "account", "extras", "leftovers", "page_guard"},
]
LEVEL_OF = {package: number for number, level in enumerate(LEVELS) for package in level}
SERVICES = ("api_gateway", "bedrock", "lambda_functions", "step_functions")
# API Gateway's integrations start executions and invoke functions, as the service itself does.
MAY_IMPORT = {"api_gateway": {"lambda_functions", "step_functions"}}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(path: Path) -> Iterator[str]:
    """Every module that a file imports, inside functions and for type checkers too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield submodule if submodule in MODULES else node.module


FILES = sorted((ROOT / "tollgate").rglob("*.py"))
MODULES = {module_name(path) for path in FILES}
IMPORTS = {module_name(path): set(imported_modules(path)) for path in FILES}


def package_of(module: str) -> str:
    return module.split(".")[1]


@pytest.mark.parametrize("module", sorted(MODULES - {"tollgate"}))
def test_a_module_imports_from_lower_levels_only(module):
    package = package_of(module)
    others = {package_of(name) for name in IMPORTS[module] if name.startswith("tollgate.")} - {package}

    assert package in LEVEL_OF, f"give {package} its level in this test"
    assert all(LEVEL_OF[other] > LEVEL_OF[package] for other in others), others


@pytest.mark.parametrize("service", SERVICES)
def test_an_emulated_service_knows_no_other_but_those_it_calls(service):
    prefix = "tollgate.emulators."
    known = {
        name.split(".")[2]
        for module in MODULES
        if module.startswith(prefix + service)
        for name in IMPORTS[module]
        if name.startswith(prefix)
    }

    assert known & set(SERVICES) - {service} <= MAY_IMPORT.get(service, set())


def test_no_two_modules_import_each_other():
    # A package's __init__ imports what it exports, so the modules inside it are looked at, not the package.
    plain = {module: names & MODULES for module, names in IMPORTS.items() if not is_package(module)}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, f"a circle: {' → '.join((*trail, module))}"
        if module in done:
            return
        for name in sorted(plain.get(module, ())):
            visit(name, (*trail, module))
        done.add(module)

    for module in sorted(plain):
        visit(module, ())


def is_package(module: str) -> bool:
    return (ROOT / Path(*module.split(".")) / "__init__.py").is_file()
