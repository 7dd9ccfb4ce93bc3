"""How the packages hang together: imports run one way, modules stay small enough to take in."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("scheduling", "simulation", "blockalloc", "vclsite", "installer")
LONGEST = 400  # lines

# From the doors down to what everybody uses. A module may import those of its own layer's package and of the layers
# below. Each module belongs to the layer that names it, or the nearest package around it.
LAYERS = [
    ("vclsite.urls", "vclsite.wsgi", "blockalloc.apps"),
    ("blockalloc.admin", "blockalloc.management", "blockalloc.web.start_up"),
    ("blockalloc.settings_check",),
    ("blockalloc.rpc", "blockalloc.templatetags", "blockalloc.monitoring"),
    ("blockalloc.web.front_end",),
    ("blockalloc.rpc.authentication", "blockalloc.rpc.refusal_log"),
    ("blockalloc.rpc.wire",),
    ("blockalloc.pages",),
    ("blockalloc.demo.morning",),
    ("blockalloc.remedies",),
    ("blockalloc.upkeep",),
    ("blockalloc.notifications",),
    ("blockalloc.inspection", "blockalloc.reports"),
    ("blockalloc.demo", "blockalloc.series"),
    ("blockalloc.forecasting",),
    ("blockalloc.allocation",),
    ("blockalloc.accounts", "blockalloc.web"),
    ("blockalloc.store",),
    ("blockalloc.measures",),
    ("blockalloc.contract",),
    ("blockalloc.schema",),
    ("blockalloc.models",),
    ("blockalloc.fields",),
    ("blockalloc.check_ins",),
    ("blockalloc.site_time",),
    ("vclsite", "blockalloc", "blockalloc.clock", "blockalloc.version"),
    ("scheduling",),
    ("simulation",),
    ("installer.start",),
    ("installer.cli",),
    ("installer.going_back",),
    ("installer.upgrade", "installer.uninstall"),
    ("installer.install",),
    ("installer.steps",),
    ("installer.checks",),
    ("installer.inputs",),
    ("installer",),
]


def modules(package: str) -> list[Path]:
    """The source files of a package; the recorded migrations are none of ours to keep short."""
    return sorted(path for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts)


def name_of(path: Path) -> str:
    """The module's dotted name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path, *, at_load: bool = False) -> Iterator[str]:
    """The modules that a file imports; `at_load`: only its imports when it is loaded itself."""
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
    allowed = [
        "scheduling",
        "collections",
        "heapq",
        "dataclasses",
        "typing",
        "bisect",
        "datetime",
        "enum",
        "zoneinfo",
        "functools",
        "itertools",
        "math",
        "operator",
        "math",
    ]
    if name_of(path) == "scheduling.reloads.chance":  # plays loads by the thousand
        allowed.append("numpy")
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


def layer_of(module: str) -> tuple[int, str] | None:
    """The depth of the layer that a module belongs to, and the package that stands for it; None: it is none of ours."""
    around = [(name, depth) for depth, names in enumerate(LAYERS) for name in names if is_in(module, name)]
    if not around:
        return None
    name, depth = max(around, key=lambda found: len(found[0]))
    return depth, name


# Only the package itself, and modules by their names: a part that no layer names must not slip in with "blockalloc".
TOP = {
    *("blockalloc", "blockalloc.apps"),
    *("blockalloc.check_ins", "blockalloc.clock", "blockalloc.fields", "blockalloc.site_time", "blockalloc.version"),
}


@pytest.mark.parametrize("path", [path for package in PACKAGES for path in modules(package)], ids=name_of)
def test_every_module_has_a_layer(path: Path) -> None:
    name = name_of(path)
    layer = layer_of(name)
    assert layer is not None
    assert layer[1] != "blockalloc" or name == "blockalloc", "a part that no layer names"


def test_only_what_everybody_uses_stands_at_the_top() -> None:
    assert {name_of(path) for path in (ROOT / "blockalloc").glob("*.py")} == TOP


@pytest.mark.parametrize("path", [path for package in PACKAGES for path in modules(package)], ids=name_of)
def test_no_layer_imports_one_above_it_or_beside_it(path: Path) -> None:
    own = layer_of(name_of(path))
    assert own is not None
    wrong = []
    for module in imports_of(path):
        other = layer_of(module)
        if other is None or (other[1] in ("blockalloc", "vclsite") and module in ("blockalloc", "vclsite")):
            continue
        if other[0] < own[0] or (other[0] == own[0] and other[1] != own[1]):
            wrong.append(module)
    assert wrong == []


@pytest.mark.parametrize("path", modules("installer"), ids=name_of)
def test_the_installation_begins_with_the_standard_library_only(path: Path) -> None:
    assert {module.partition(".")[0] for module in imports_of(path)} <= sys.stdlib_module_names | {"installer"}


@pytest.mark.parametrize("path", modules("simulation"), ids=name_of)
def test_the_doubles_of_other_programs_know_nothing_of_the_service(path: Path) -> None:
    assert [
        module for module in imports_of(path) if any(is_in(module, each) for each in ("blockalloc", "vclsite"))
    ] == []


def test_our_packages_import_neither_tests_nor_campaigns() -> None:
    guilty = [
        name_of(path)
        for package in PACKAGES
        for path in modules(package)
        if any(is_in(module, each) for module in imports_of(path) for each in ("tests", "verification"))
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


# --- The tests themselves -----------------------------------------------------------------------
TESTS = [path for path in (*modules("tests"), *modules("verification")) if path.name.startswith("test_")]


def test_every_test_module_is_in_a_room() -> None:
    assert {path.name for path in TESTS if path.parent == ROOT / "tests"} == {Path(__file__).name}


@pytest.mark.parametrize("path", [*TESTS, *modules("tests/support")], ids=name_of)
def test_no_test_module_is_imported(path: Path) -> None:
    """What test modules share is in tests/support, which knows neither tests nor campaigns."""
    names = {name_of(test) for test in TESTS}
    assert [module for module in imports_of(path) if module in names] == []
    if path not in TESTS:
        assert [module for module in imports_of(path) if is_in(module, "verification")] == []


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_no_test_replaces_a_private_name(path: Path) -> None:
    """It would have to follow the code that it should leave free: a fixture in tests/support, or a public name."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    replaced = [name for call in calls if _replaces(call) for name in _names_in(call)]
    assert [name for name in replaced if name.startswith("_") and not name.startswith("__")] == []


def _replaces(call: ast.Call) -> bool:
    """Whether it is monkeypatch.setattr(…), patch(…), patch.object(…) or patch.multiple(…)."""
    text = ast.unparse(call.func)
    return text.endswith((".setattr", "patch.object", "patch.multiple")) or text in ("patch", "mock.patch")


def _names_in(call: ast.Call) -> Iterator[str]:
    """The names that are replaced: the last part of a text, the keywords of patch.multiple."""
    for argument in call.args[:2]:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value.rpartition(".")[2]
    if ast.unparse(call.func).endswith("multiple"):
        yield from (keyword.arg for keyword in call.keywords if keyword.arg)
