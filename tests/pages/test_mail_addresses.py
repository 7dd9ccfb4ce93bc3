"""Mail addresses in the text of a mail: they stay on one line."""

import pytest

from blockalloc.templatetags.parts import whole_addresses

_BEGIN, _END = '<span style="white-space:nowrap;">', "</span>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no address <b>", "no address &lt;b&gt;"),
        ("to vcl-desk@example.edu.", f"to {_BEGIN}vcl-desk@example.edu{_END}."),
        ("a@b.org and c@d.org", f"{_BEGIN}a@b.org{_END} and {_BEGIN}c@d.org{_END}"),
    ],
)
def test_an_address_is_not_broken(text: str, expected: str) -> None:
    assert whole_addresses(text) == expected
