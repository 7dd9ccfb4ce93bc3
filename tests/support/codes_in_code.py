"""The codes of faults, errors and warnings that the code can answer with, read from its source."""

import ast
import importlib
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from modernrpc.exceptions import RPCException

from blockalloc.contract import messages
from tests.support.servers.own_process import ROOT

# Where calls are refused. Staff pages and commands show the same refusals as text.
PACKAGES = ("contract", "allocation", "rpc", "series", "store", "web")
_RAISED_WITH_A_CODE = {"Refusal", "RPCException", "RequestRefused"}

Function = ast.FunctionDef


@cache
def _modules() -> list[tuple[ModuleType, ast.Module]]:
    paths = [path for package in PACKAGES for path in sorted((ROOT / "blockalloc" / package).rglob("*.py"))]
    return [(importlib.import_module(_name(path)), ast.parse(path.read_text())) for path in paths]


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def functions() -> dict[str, list[tuple[ModuleType, Function]]]:
    """All functions and methods of these packages by their names."""
    found: dict[str, list[tuple[ModuleType, Function]]] = {}
    for module, tree in _modules():
        for node in ast.walk(tree):
            if isinstance(node, Function):
                found.setdefault(node.name, []).append((module, node))
    return found


def all_codes() -> set[int]:
    """Every code: of faults, of errors in structs, of warnings; and of the fault that nginx answers with."""
    nginx = (ROOT / "deploy" / "nginx.conf").read_text()
    return {
        *(code for places in functions().values() for module, node in places for code in _codes(module, node)),
        *(warning[0] for name, warning in vars(messages).items() if name.startswith("WARNING_")),
        *map(int, re.findall(r"<name>faultCode</name><value><int>(-?\d+)<", nginx)),
    }


def codes_reached(*roots: str, within: Sequence[str]) -> set[int]:
    """The codes that functions of these names can refuse a call with, and those that they call.

    `within`: the packages of `blockalloc` that count, such as "web.front_end". Functions are told apart by their names
    alone.
    """
    todo, seen = list(roots), dict[str, set[int]]()
    while todo:
        name = todo.pop()
        places = [place for place in functions()[name] if _is_within(place[0], within)]
        if name not in seen:
            seen[name] = {code for module, node in places for code in _codes(module, node)}
            todo += [called for _, node in places for called in _called(node) if called in functions()]
    return set().union(*seen.values())


def _is_within(module: ModuleType, packages: Sequence[str]) -> bool:
    return any(f"{module.__name__}.".startswith(f"blockalloc.{package}.") for package in packages)


def _called(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Call):
            yield _last_name(each.func)


def _codes(module: ModuleType, function: Function) -> Iterator[int]:
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        kind = _last_name(node.func)
        raised: Any = getattr(module, kind, None)
        if kind in _RAISED_WITH_A_CODE:
            yield from _values(module, function, node.args[0])
        elif _is_fault(raised):
            yield raised("").code


def _is_fault(kind: Any) -> bool:
    """Whether it is a kind of fault with a code of its own."""
    return isinstance(kind, type) and issubclass(kind, RPCException) and kind is not RPCException


def _values(module: ModuleType, function: Function, code: ast.expr) -> list[int]:
    """The numbers that an expression for a code may have. An expression of another kind is an error."""
    if isinstance(code, ast.Constant):
        assert isinstance(code.value, int), ast.unparse(code)
        return [code.value]
    if isinstance(code, ast.Attribute) and code.attr in ("code", "faultCode"):
        return []  # of another refusal, which is raised again
    parameters = [argument.arg for argument in function.args.args]
    if isinstance(code, ast.Name) and code.id in parameters:
        return _given(function, parameters.index(code.id))
    return [int(eval(ast.unparse(code), vars(module)))]  # noqa: S307 - a constant of our own source


def _given(function: Function, place: int) -> list[int]:
    """The numbers with which a function is called at this place of its parameters."""
    numbers = []
    for module, tree in _modules():
        for caller in (node for node in ast.walk(tree) if isinstance(node, Function)):
            for call in (node for node in ast.walk(caller) if isinstance(node, ast.Call)):
                if _last_name(call.func) == function.name:
                    numbers += _values(module, caller, call.args[place])
    return numbers


def _last_name(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))
