"""Tables as CSV, line by line, for spreadsheets."""

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.http import StreamingHttpResponse

from blockalloc.site_time import instant_to_local

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet takes a text that begins with one of these for a formula


class _Line:
    """A file for csv.writer, whose write() returns the line."""

    def write(self, line: str) -> str:
        return line


def csv_response(name: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """A download with the file name `name`: the column headings, then the rows, streamed."""
    writer = csv.writer(_Line())
    lines = (writer.writerow([_cell(value) for value in row]) for row in _all(headings, rows))
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


def _all(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterable[Sequence[object]]:
    yield headings
    yield from rows


def _cell(value: object) -> object:
    """Times as site time; texts that a spreadsheet would take for a formula, with a quote before them."""
    if isinstance(value, datetime):
        return f"{instant_to_local(value):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value
