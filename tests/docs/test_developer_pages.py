"""The pages for developers: the glossary can be looked up in, and each decision about the design is written alike."""

import re

import pytest

from vclsite.settings import BASE_DIR

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

DOCS = BASE_DIR / "docs"
HEADINGS = ["Context", "Decision", "Consequences", "When to reconsider"]


def test_the_glossary_is_in_order_and_has_each_word_once() -> None:
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", (DOCS / "glossary.md").read_text(), re.MULTILINE)[1:]
    terms = [term.strip("`").casefold() for term, _meaning, _vcl in rows]
    assert len(terms) > 40
    assert terms == sorted(set(terms), key=lambda term: term.replace("`", ""))
    assert all(meaning.rstrip(")").endswith(".") for _term, meaning, _vcl in rows)


def test_the_map_has_every_module_of_the_pure_core() -> None:
    page = (DOCS / "architecture.md").read_text()
    rows = re.findall(r"^\| (`[^|]*) \|", page, re.MULTILINE)
    named = {name.rpartition("/")[2] or name.rstrip("/") for row in rows for name in re.findall(r"`([\w/]+)`", row)}
    core = BASE_DIR / "scheduling"
    folders_as_a_whole = {"load_time", "news", "reloads"}
    modules = {path.stem for path in core.rglob("*.py") if path.parent.name not in folders_as_a_whole}
    assert modules - {"__init__"} <= named
    assert folders_as_a_whole <= named


def test_decisions_about_the_design_are_numbered_and_written_alike() -> None:
    pages = sorted((DOCS / "adr").glob("0*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    listed = re.findall(r"\]\((0[^)]+)\)", (DOCS / "adr" / "README.md").read_text())
    assert listed == [page.name for page in pages]
    for page in pages:
        text = page.read_text()
        assert text.startswith(f"# {int(page.name[:4])}. "), page.name
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS, page.name
        assert len(text.splitlines()) < 50, page.name  # short


def test_the_licence_is_the_one_that_the_readme_names() -> None:
    assert "[Apache License 2.0](LICENSE)" in (BASE_DIR / "README.md").read_text()
    licence = (BASE_DIR / "LICENSE").read_text()
    assert licence.split()[:4] == ["Apache", "License", "Version", "2.0,"]
    assert licence.endswith("limitations under the License.\n")
