"""Whether a VCL database is in order: reads it, lists what is not, and repairs what is safe to repair."""

from blockalloc.inspection.findings import KINDS, TAKEN_TWICE, Finding, Kind
from blockalloc.inspection.inspector import inspect, is_about_rows_unread
from blockalloc.inspection.repairs import obstacle, proposed, repair

__all__ = [
    "KINDS",
    "TAKEN_TWICE",
    "Finding",
    "Kind",
    "inspect",
    "is_about_rows_unread",
    "obstacle",
    "proposed",
    "repair",
]
