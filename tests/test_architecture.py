"""How the packages hang together: imports run one way, modules stay small enough to take in."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("scheduling", "simulation", "blockalloc", "vclsite")
LONGEST = 400  # lines

# Callers → service → store → models; each layer may import those after it and never those before.
# Modules that are not listed (settings of the site, plain data, helpers) belong to no layer.
LAYERS = [
    ("blockalloc.rpc", "blockalloc.front_end", "blockalloc.admin", "blockalloc.pages", "blockalloc.management"),
    ("blockalloc.service", "blockalloc.inspection", "blockalloc.block_time_actions"),
    ("blockalloc.recording", "blockalloc.explanation"),
    ("blockalloc.allocation", "blockalloc.checks"),
    ("blockalloc.store",),
    ("blockalloc.models",),
    ("scheduling",),
]


def modules(package: str) -> list[Path]:
    """The source files of a package; the recorded migrations are none of ours to keep short."""
    return sorted(path for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts)


def name_of(path: Path) -> str:
    """The module's dotted name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path, *, at_load: bool = False) -> Iterator[str]:
    """The modules that a file imports; `at_load`: only those that it imports when it is loaded itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = _at_load(tree) if at_load else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _at_load(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes outside functions and outside `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from _at_load(child)


def is_in(module: str, package: str) -> bool:
    """Whether a module is the package or inside it."""
    return module == package or module.startswith(f"{package}.")


@pytest.mark.parametrize("path", modules("scheduling"), ids=name_of)
def test_the_pure_core_imports_the_standard_library_and_itself_only(path: Path) -> None:
    allowed = (
        "scheduling",
        "collections",
        "dataclasses",
        "typing",
        "bisect",
        "datetime",
        "enum",
        "zoneinfo",
        "functools",
        "itertools",
        "operator",
    )
    imported = [module for module in imports_of(path) if not any(is_in(module, package) for package in allowed)]
    assert imported == []


@pytest.mark.parametrize("path", modules("scheduling"), ids=name_of)
def test_the_pure_core_reads_no_clock_and_no_file(path: Path) -> None:
    calls = [node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    names = {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls}
    assert not names & {"now", "today", "utcnow", "time", "open", "read_text", "getenv", "print"}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_is_too_long(package: str) -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules(package)}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def layer_of(module: str) -> int | None:
    """The layer that a module belongs to, or None."""
    return next((depth for depth, names in enumerate(LAYERS) if any(is_in(module, name) for name in names)), None)


@pytest.mark.parametrize("path", [*modules("blockalloc"), *modules("scheduling")], ids=name_of)
def test_no_layer_imports_one_above_it(path: Path) -> None:
    own = layer_of(name_of(path))
    if own is None:
        return
    upward = []
    for module in imports_of(path):
        other = layer_of(module)
        if other is not None and other < own:
            upward.append(module)
    assert upward == []


@pytest.mark.parametrize("path", modules("simulation"), ids=name_of)
def test_the_doubles_of_other_programs_know_nothing_of_the_service(path: Path) -> None:
    assert [
        module for module in imports_of(path) if any(is_in(module, each) for each in ("blockalloc", "vclsite"))
    ] == []


def test_our_packages_do_not_import_the_tests() -> None:
    guilty = [
        name_of(path)
        for package in PACKAGES
        for path in modules(package)
        if any(is_in(module, "tests") for module in imports_of(path))
    ]
    assert guilty == []


def test_no_module_is_loaded_in_a_circle() -> None:
    """Of what modules import when they are loaded. A package's own __init__ is left to its modules."""
    paths = {name_of(path): path for package in PACKAGES for path in modules(package)}
    needs = {
        name: {module for module in imports_of(path, at_load=True) if module in paths and module != name}
        for name, path in paths.items()
    }
    packages = {name for name, path in paths.items() if path.name == "__init__.py"}
    for name in needs:
        # `from package import module` names the package too: the module is what is meant.
        meant = {module for module in needs[name] if module not in packages}
        needs[name] = {module for module in needs[name] if module in meant or not is_in(name, module)}
    while loose := [name for name, others in needs.items() if not others & needs.keys()]:
        for name in loose:
            del needs[name]
    assert needs == {}
