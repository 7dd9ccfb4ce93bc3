"""Which unsupported version of VCL tables look like: a refusal then says more than what is missing."""

from collections.abc import Collection, Mapping

from blockalloc.schema.facts import VERSIONS

SUPPORTED = f"{', '.join(VERSIONS[:-1])} or {VERSIONS[-1]}"


def unsupported(columns: Mapping[str, Collection[str]]) -> str:
    """The version in words; "" for none that is known to be unsupported.

    `columns` are the tables' columns, both in lower case. Each version is known by a column that later ones dropped.
    """
    if "predictivemoduleid" in columns.get("managementnode", ()):
        return "VCL 2.3 or older"
    if "admingroupid" in columns.get("blockrequest", ()):
        return "VCL 2.4 or 2.4.1"
    return ""
