"""The texts that the service can print, log or show, read from its source: a placeholder is "…"."""

import ast
import re
from functools import cache
from pathlib import Path

from tests.support.servers.own_process import ROOT

_SOURCES = ("blockalloc", "scheduling", "vclsite", "manage.py", "deploy", "bin", "installer")
_PLACEHOLDER = re.compile(r"%(?:\.\d+)?[srdfg]|%\(\w+\)s|\{\w*\}")


@cache
def texts() -> list[str]:
    """Each string of the Python code and each template of the pages."""
    paths = [path for source in _SOURCES for path in _python(ROOT / source)]
    found = [text for path in paths for text in _strings(ast.parse(path.read_text()))]
    return found + [re.sub(r"{[{%].*?[%}]}", "…", page.read_text()) for page in (ROOT / "templates").rglob("*.html")]


def is_known(quoted: str) -> bool:
    """Whether each part of a quotation, between any "…" in it, is in a text of the service."""
    parts = [part.strip() for part in quoted.split("…")]
    return any(parts) and all(any(part in text for text in texts()) for part in parts)


def _python(source: Path) -> list[Path]:
    return sorted(source.rglob("*.py")) if source.is_dir() else [source]


def _strings(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values]
            found.append("".join(parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(_PLACEHOLDER.sub("…", node.value))
    return found
