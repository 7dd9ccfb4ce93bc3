"""The lists of the admin: one form for the search and the filters, what is chosen by name, and rows that stack.

Works with Django's filters and with those of `blockalloc.admin.filters`: both say by `choices` what there is to choose.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from django import template
from django.contrib.admin.templatetags.admin_list import result_headers, result_list
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR, SEARCH_VAR, ChangeList
from django.http import HttpRequest, QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from blockalloc.pages.columns import NOTHING

register = template.Library()

_NOT_KEPT = (PAGE_VAR, "e")  # of another selection of rows; Django's mark of an address that it has refused


class Option(NamedTuple):
    """An option of a select element."""

    value: str
    label: str
    chosen: bool


class FilterField(NamedTuple):
    """A filter in the form: a select with `options`, or a text field with `value` and `hint`."""

    name: str
    label: str
    options: list[Option]
    value: str = ""
    hint: str = ""


class LinkMenu(NamedTuple):
    """A filter of Django's whose choices are in several parameters: links, each with its label."""

    label: str
    links: list[tuple[str, str, bool]]


class Chip(NamedTuple):
    """Something that is chosen, in words, and the query without it."""

    label: str
    text: str
    without: str


@register.inclusion_tag("admin/list_tools.html", takes_context=True)
def list_tools(context: Mapping[str, Any], cl: ChangeList) -> dict[str, Any]:
    """The search, the filters, and what is chosen."""
    request: HttpRequest = context["request"]
    specs: list[tuple[Any, list[dict[str, Any]]]] = [(spec, _choices(spec, cl)) for spec in cl.filter_specs]
    fields = [field for spec, choices in specs if (field := _field(spec, choices)) is not None]
    names = {field.name for field in fields if isinstance(field, FilterField)} | {SEARCH_VAR, ORDER_VAR, *_NOT_KEPT}
    return {
        "cl": cl,
        "search_var": SEARCH_VAR,
        "selects": [field for field in fields if isinstance(field, FilterField)],
        "order": _order(cl),
        "menus": [field for field in fields if isinstance(field, LinkMenu)],
        "kept": [(name, value) for name, value in request.GET.items() if name not in names and value],
        "chips": [*_chips(cl, specs, request.GET)],
        "everything": _query(
            request.GET, *(name for spec, _ in specs for name in spec.expected_parameters()), SEARCH_VAR
        ),
        "counted": _counted(cl, _usual(specs, "usual_kind")),
        "usual": _usual(specs, "usual"),
    }


def _order(cl: ChangeList) -> FilterField:
    """The columns to sort by, for narrow windows, where the heads of the table are not seen."""
    chosen = str(cl.params.get(ORDER_VAR) or "")
    options = [Option("", "Usual order", not chosen)]
    for number, header in enumerate(_headers(cl)):
        if header["sortable"]:
            name = capfirst(str(header["text"]))
            options += [Option(f"{number}", name, chosen == f"{number}")]
            options += [Option(f"-{number}", f"{name}, from the end", chosen == f"-{number}")]
    if not any(option.chosen for option in options):
        options.append(Option(chosen, "Several columns", chosen=True))
    return FilterField(ORDER_VAR, "Sort by", options)


def _choices(spec: Any, cl: ChangeList) -> list[dict[str, Any]]:
    return list(spec.choices(cl))


def _field(spec: Any, choices: list[dict[str, Any]]) -> FilterField | LinkMenu | None:
    """A filter as a field; None for one that only links set."""
    first = choices[0] if choices else {}
    label = capfirst(str(spec.title))
    if "hint" in first:
        return FilterField(first["name"], label, [], first["value"], first["hint"])
    if "only_linked" in first or not choices:
        return None
    values = [_value(spec, choice) for choice in choices]
    names = {name for name, _ in values if name}
    if len(names) != 1:
        return LinkMenu(label, [(each["query_string"], str(each["display"]), each["selected"]) for each in choices])
    options = [
        Option(value if number else "", str(each["display"]), bool(each["selected"]))
        for number, (each, (_, value)) in enumerate(zip(choices, values, strict=True))
    ]
    return FilterField(names.pop(), label, options)


def _value(spec: Any, choice: Mapping[str, Any]) -> tuple[str, str]:
    """The parameter and the value of a choice: by itself, or by its query string; ("", "") for none."""
    if "value" in choice:
        return choice["name"], choice["value"]
    query = parse_qs(choice["query_string"].removeprefix("?"), keep_blank_values=True)
    return next(((name, query[name][-1]) for name in spec.expected_parameters() if name in query), ("", ""))


def _chips(cl: ChangeList, specs: list[tuple[Any, list[dict[str, Any]]]], query: QueryDict) -> Iterator[Chip]:
    """What is chosen and not the usual: the search, the filters, the order."""
    if cl.query:
        yield Chip("Search", f"“{cl.query}”", _query(query, SEARCH_VAR))
    for spec, choices in specs:
        text = _chosen(choices)
        if text:
            yield Chip(capfirst(str(spec.title)), text, _query(query, *spec.expected_parameters()))
    if cl.params.get(ORDER_VAR):
        columns = [
            f"{header['text']}{'' if header['ascending'] else ', from the end'}"
            for header in sorted(_headers(cl), key=lambda each: int(each.get("sort_priority", 0)))
            if header["sortable"] and header["sorted"]
        ]
        if columns:
            yield Chip("Sorted by", " and ".join(columns), _query(query, ORDER_VAR))


def _headers(cl: ChangeList) -> list[dict[str, Any]]:
    return list(result_headers(cl))


def _chosen(choices: list[dict[str, Any]]) -> str:
    """What is chosen in a filter, "" for its usual choice."""
    if choices and ("hint" in choices[0] or "only_linked" in choices[0]):
        return str(choices[0].get("display") or choices[0]["value"])
    return next((str(each["display"]) for number, each in enumerate(choices) if each["selected"] and number), "")


def _usual(specs: list[tuple[Any, list[dict[str, Any]]]], name: str) -> list[str]:
    """What filters leave though nobody has chosen anything in them, of the attribute `name`: `now and to come`."""
    texts = (getattr(spec, name, "") for spec, choices in specs if not _chosen(choices))
    return [text for text in texts if text]


def _query(query: QueryDict, *without: str) -> str:
    """The query without these parameters, and without those that are empty or of another page."""
    kept = QueryDict(mutable=True)
    for name, value in query.items():
        if value and name not in without and name not in _NOT_KEPT:
            kept[name] = str(value)
    return f"?{kept.urlencode()}"


def _counted(cl: ChangeList, kinds: list[str]) -> str:
    """`50 classes`, `10 current series`."""
    one, many = getattr(cl.model_admin, "counted", None) or (cl.opts.verbose_name, cl.opts.verbose_name_plural)
    return " ".join([f"{cl.result_count:,}", *kinds, str(one if cl.result_count == 1 else many)])


@register.inclusion_tag("admin/change_list_results.html")
def stacked_result_list(cl: ChangeList) -> dict[str, Any]:
    """Django's table, in which each cell also has the name of its column: on a phone a row is a card.

    The roles of the parts are given, since a table that is laid out otherwise has none of its own.
    """
    context: dict[str, Any] = {**result_list(cl)}
    headers: list[dict[str, Any]] = context["result_headers"]
    names = [capfirst(str(header["text"])) for header in headers]
    context["result_headers"] = [{**header, "sort": _sort(header)} for header in headers]
    context["results"] = [_labelled(row, names) for row in context["results"]]
    return context


def _sort(header: Mapping[str, Any]) -> str:
    """The value of `aria-sort`; "" for a column by which the list is not sorted."""
    if not (header["sortable"] and header["sorted"]):
        return ""
    return "ascending" if header["ascending"] else "descending"


def _labelled(row: Any, names: list[str]) -> Any:
    """The cells of a row with the names of their columns; a form's row keeps its form."""
    row[:] = [_with_attributes(cell, names[number] if number < len(names) else "") for number, cell in enumerate(row)]
    return row


def _with_attributes(cell: str, name: str) -> SafeString:
    """`<td class="…">` with the name of its column, unless that is a tick box, and with its role."""
    tag, more, rest = cell.partition(">")
    role = "rowheader" if tag.startswith("<th") else "cell"
    label = format_html(' data-label="{}"', name) if name and "<" not in name else ""
    if rest.startswith((f"{NOTHING}<", "-<")):
        label += SafeString(" data-none")  # a card needs no line for it
    return SafeString(f'{tag}{label} role="{role}"{more}{rest}')
