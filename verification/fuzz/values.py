"""Parameter values as XML: right ones in every form that is read, and wrong ones at and beyond every limit."""

import base64
from collections.abc import Callable, Iterable
from random import Random

from verification.fuzz.site import NOW, local

IDS = (0, -1, 1, 2, 9, 255, 256, 65535, 65536, 2**24 - 1, 2**24, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1)
BEYOND = (-(2**31), -(2**63), -(2**63) - 1, 2**63, 2**64, 10**30, 10**400)
COUNTS = (0, -1, 1, 2, 4, 5, 24, 25, 69, 70, 71, 254, 255, 256, 65536)
_LAST = local("2038-01-01 00:00:00")
_NOW = int(NOW.timestamp())
OVERLAP = local("2026-11-01 01:30:00")  # comes again an hour later
TIMES = (
    0, 1, -1, 946684800, _NOW - 1, _NOW, _NOW + 1, _NOW + 60, _LAST - 1, _LAST, _LAST + 1, 2**31 - 1, 2**31, 2**32,
    OVERLAP, OVERLAP + 3600, OVERLAP + 7200, local("2026-03-08 01:59:59"), local("2026-03-08 03:00:00"),
    253402300800,
)  # fmt: skip
LOCAL_TIMES = (
    "2026-03-08 02:30:00", "2026-03-08 01:59:59", "2026-11-01 01:30:00", "2026-11-01 00:59:59", "1969-12-31 18:59:59",
    "1969-12-31 19:00:00", "0001-01-01 00:00:00", "9999-12-31 23:59:59", "2038-01-01 00:00:00", "2038-01-01 00:00:01",
    "2038-01-19 03:14:08", "2026-02-29 10:00:00", "2026-13-01 10:00:00", "2026-03-02 24:00:00", "2026-03-02 08:00:60",
    "0000-00-00 00:00:00", "2026-3-2 8:00:00", "2026-03-02T08:00:00", "2026-03-02 08:00:00 ", "now", "",
)  # fmt: skip
_NUMERALS = (
    "1e0", "2.5", "0x10", "1_000", "+1", "-1", "--1", "١٢", "1 0", "\u00a07", "NaN", "Infinity", "", " ",
    "ten", "007",
    "9" * 19, "9" * 20, "9" * 4299, "9" * 4301, "0" * 3000 + "4",
)  # fmt: skip
_DOUBLES = ("2.5", "0.5", "1e300", "1e999", "-1e999", "-0.0", "nan", "inf", ".", "1.", ".5", "4.0", "1e400000", "1_0.5")
_DATES = (
    "20260302T14:00:00", "2026-03-02T14:00:00", "20260302T14:00:00Z", "20261302T14:00:00", "00010101T00:00:00",
    "99991231T23:59:59", "00000000T00:00:00", "20260302T25:00:00", "20260308T02:30:00", "20261101T01:30:00", "", "T",
)  # fmt: skip
TEXTS = (
    "", " ", "x", "'", '"', "' OR '1'='1", "1; DROP TABLE request", "%s", "%(x)s", "{0}", "${x}", "\\", "\t",
    "é", "☃",
    "\U0001f600", "\u202e", "\u2028", "\ufeff", "\ufffd", "a]]&gt;b", "&lt;b&gt;", "&#13;&#10;", "&#x85;",
    "../../etc/passwd",
)  # fmt: skip


def value(content: str) -> str:
    """A value element."""
    return f"<value>{content}</value>"


def number(rng: Random, right: int) -> str:
    """A number in one of the forms that callers send."""
    form = rng.choice(("int", "int", "i4", "i8", "string", "", "double", "spaced", "zeros"))
    if form == "":
        return value(str(right))
    if form == "double":
        return value(f"<double>{right}.0</double>")
    if form == "spaced":
        return value(f"<string> {right}\n</string>")
    if form == "zeros":
        return value(f"<string>000{right}</string>")
    return value(f"<{form}>{right}</{form}>")


def flag(rng: Random, right: int) -> str:
    """A flag in one of the forms that callers send."""
    return value(f"<boolean>{right}</boolean>") if rng.random() < 0.4 else number(rng, right)


def local_time(rng: Random, text: str) -> str:
    """A local time as text, or as the dateTime that Perl makes of it."""
    if rng.random() < 0.3:
        return value(f"<dateTime.iso8601>{text.replace(' ', 'T').replace('-', '')}</dateTime.iso8601>")
    return value(f"<string>{text}</string>")


def array(values: Iterable[str]) -> str:
    """An array of values."""
    return value(f"<array><data>{''.join(values)}</data></array>")


def odd_number(rng: Random, edges: tuple[int, ...]) -> str:
    """An integer at or beyond a limit."""
    odd = rng.choice(edges) if rng.random() < 0.7 else rng.choice(BEYOND)
    if rng.random() < 0.2:
        odd += rng.choice((-1, 1))
    kind = rng.choice(("int", "i4", "i8", "string", "double"))
    return value(f"<{kind}>{odd}</{kind}>")


def anything(rng: Random, depth: int = 0) -> str:
    """A value of any type, well-formed XML but for a few."""
    makers: list[Callable[[Random, int], str]] = [_numeral, _double, _date, _text, _base64, _plain, _boolean]
    if depth < 4:
        makers += [_array, _struct]
    return value(rng.choice(makers)(rng, depth))


def _numeral(rng: Random, _depth: int) -> str:
    kind = rng.choice(("int", "i4", "i8", "i1", "string", "double", "biginteger"))
    return f"<{kind}>{rng.choice(_NUMERALS)}</{kind}>"


def _double(rng: Random, _depth: int) -> str:
    return f"<double>{rng.choice(_DOUBLES)}</double>"


def _date(rng: Random, _depth: int) -> str:
    return f"<dateTime.iso8601>{rng.choice(_DATES)}</dateTime.iso8601>"


def _text(rng: Random, _depth: int) -> str:
    text = rng.choice(TEXTS) if rng.random() < 0.9 else rng.choice(TEXTS) * rng.choice((10, 100, 1000))
    return f"<string>{text}</string>" if rng.random() < 0.7 else text


def _base64(rng: Random, _depth: int) -> str:
    good = base64.b64encode(rng.randbytes(rng.choice((0, 1, 2, 50)))).decode()
    return f"<base64>{rng.choice((good, good, good[:-1], '****', 'é', good + '='))}</base64>"


def _plain(rng: Random, _depth: int) -> str:
    kinds = ("<nil/>", "<ex:nil/>", "<int/>", "<string/>", "<array/>", "<struct/>", "<colour>red</colour>", "")
    return rng.choice(kinds)


def _boolean(rng: Random, _depth: int) -> str:
    return f"<boolean>{rng.choice(('0', '1', '2', '-1', 'true', '', '01', ' 1'))}</boolean>"


def _array(rng: Random, depth: int) -> str:
    return f"<array><data>{''.join(anything(rng, depth + 1) for _ in range(rng.randrange(4)))}</data></array>"


def _struct(rng: Random, depth: int) -> str:
    names = ("a", "a", "", "status", "faultCode", "methodName", "n" * 300)
    members = "".join(
        f"<member><name>{rng.choice(names)}</name>{anything(rng, depth + 1)}</member>" for _ in range(rng.randrange(4))
    )
    return f"<struct>{members}</struct>"
