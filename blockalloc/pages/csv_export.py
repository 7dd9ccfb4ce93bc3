"""Tables as CSV, line by line, for spreadsheets."""

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.http import StreamingHttpResponse

from blockalloc.site_time import instant_to_local

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the beginning of a formula


class _Line:
    """A file for csv.writer that gives each line back."""

    def write(self, line: str) -> str:
        return line


def csv_response(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """A file of that name: the heads of the columns, then the rows as they come."""
    writer = csv.writer(_Line())
    lines = (writer.writerow([_cell(value) for value in row]) for row in _all(head, rows))
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


def _all(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterable[Sequence[object]]:
    yield head
    yield from rows


def _cell(value: object) -> object:
    """Times as the site's clock shows them; texts that would be a formula are made none."""
    if isinstance(value, datetime):
        return f"{instant_to_local(value):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value
