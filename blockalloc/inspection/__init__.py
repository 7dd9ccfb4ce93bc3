"""Whether a VCL database is in order: reads it, lists what is not, and repairs what is safe to repair."""

from blockalloc.inspection.findings import KINDS, Finding, Kind
from blockalloc.inspection.inspector import inspect

__all__ = ["KINDS", "Finding", "Kind", "inspect"]
