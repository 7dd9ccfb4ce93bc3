"""Animated PNG files (APNG) of screenshots, with what Python has: browsers show them wherever they show a picture.

Each frame after the first has only the rectangle that changed, and all share one palette: a page has few colours.
"""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGB, _PALETTE, _RGBA = 2, 3, 6
_COLOURS = 256


class Pixels(NamedTuple):
    """A picture: its width in pixels, and its rows, three bytes (red, green, blue) a pixel."""

    width: int
    rows: list[bytes]


class Frame(NamedTuple):
    """A picture and how long it is shown, milliseconds."""

    pixels: Pixels
    duration: int


class _Box(NamedTuple):
    """A rectangle, in pixels."""

    left: int
    top: int
    width: int
    height: int


def read(png: bytes) -> Pixels:
    """The pixels of a screenshot: 8 bits a channel, not interlaced; how transparent they are is ignored."""
    data = b""
    width = height = channels = 0
    for kind, body in _chunks(png):
        if kind == b"IHDR":
            width, height, depth, colours, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            if depth != 8 or colours not in (_RGB, _RGBA) or interlaced:
                raise ValueError("not a picture as browsers take them")
            channels = 3 if colours == _RGB else 4
        elif kind == b"IDAT":
            data += body
    rows = list(_unfiltered(zlib.decompress(data), width * channels, height, channels))
    return Pixels(width, rows if channels == 3 else [_without_alpha(row) for row in rows])


def animated(frames: Sequence[Frame], plays: int) -> bytes:
    """The file that shows the frames, all of one size, so many times (0: without end) and then stays at the last."""
    palette = _palette(frames)
    width, height = frames[0].pixels.width, len(frames[0].pixels.rows)
    parts = [
        _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, _PALETTE, 0, 0, 0)),
        _chunk(b"acTL", struct.pack(">II", len(frames), plays)),
        _chunk(b"PLTE", b"".join(palette)),
    ]
    nearest: dict[bytes, int] = {colour: index for index, colour in enumerate(palette)}
    sequence = 0
    for number, frame in enumerate(frames):
        box = _changed(frames[number - 1].pixels, frame.pixels) if number else _Box(0, 0, width, height)
        control = (sequence, box.width, box.height, box.left, box.top, frame.duration, 1000, 0, 0)
        parts.append(_chunk(b"fcTL", struct.pack(">IIIIIHHBB", *control)))
        data = zlib.compress(_indices(frame.pixels, box, palette, nearest), 9)
        parts.append(_chunk(b"fdAT", struct.pack(">I", sequence + 1) + data) if number else _chunk(b"IDAT", data))
        sequence += 2 if number else 1
    return b"".join([_SIGNATURE, *parts, _chunk(b"IEND", b"")])


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += length + 12


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


# --- Reading ------------------------------------------------------------------------------------
def _unfiltered(data: bytes, length: int, height: int, step: int) -> Iterator[bytes]:
    """Rows of `length` bytes; `step` bytes are a pixel. The filters are those of the PNG specification, chapter 9."""
    above = bytearray(length)
    for number in range(height):
        begin = number * (length + 1)
        row = bytearray(data[begin + 1 : begin + 1 + length])
        _UNFILTER[data[begin]](row, above, step)
        yield bytes(row)
        above = row


def _nothing(_row: bytearray, _above: bytearray, _step: int) -> None:
    """Filter 0: the bytes themselves."""


def _sub(row: bytearray, _above: bytearray, step: int) -> None:
    for at in range(step, len(row)):
        row[at] = (row[at] + row[at - step]) & 255


def _up(row: bytearray, above: bytearray, _step: int) -> None:
    row[:] = bytes((value + upper) & 255 for value, upper in zip(row, above, strict=True))


def _average(row: bytearray, above: bytearray, step: int) -> None:
    for at, value in enumerate(row):
        left = row[at - step] if at >= step else 0
        row[at] = (value + (left + above[at]) // 2) & 255


def _paeth(row: bytearray, above: bytearray, step: int) -> None:
    for at, value in enumerate(row):
        left, corner = (row[at - step], above[at - step]) if at >= step else (0, 0)
        upper = above[at]
        by_left, by_upper, by_corner = abs(upper - corner), abs(left - corner), abs(left + upper - 2 * corner)
        least = min(by_left, by_upper, by_corner)  # if two are, the first of them counts
        row[at] = (value + (left if least == by_left else upper if least == by_upper else corner)) & 255


_UNFILTER = (_nothing, _sub, _up, _average, _paeth)


def _without_alpha(row: bytes) -> bytes:
    colours = bytearray(len(row) // 4 * 3)
    for channel in range(3):
        colours[channel::3] = row[channel::4]
    return bytes(colours)


# --- Writing ------------------------------------------------------------------------------------
def _colours_of(row: bytes) -> Iterator[bytes]:
    return (row[at : at + 3] for at in range(0, len(row), 3))


def _palette(frames: Sequence[Frame]) -> list[bytes]:
    """The colours that are used most."""
    used: Counter[bytes] = Counter()
    for row, times in Counter(row for frame in frames for row in frame.pixels.rows).items():
        for colour, pixels in Counter(_colours_of(row)).items():
            used[colour] += pixels * times
    return [colour for colour, _pixels in used.most_common(_COLOURS)]


def _changed(before: Pixels, after: Pixels) -> _Box:
    """The smallest rectangle outside of which both are alike; one pixel if they are alike everywhere."""
    rows = [number for number, row in enumerate(after.rows) if row != before.rows[number]] or [0]
    pairs = [(before.rows[number], after.rows[number]) for number in rows]
    different = {at // 3 for old, new in pairs for at in range(len(new)) if old[at] != new[at]} or {0}
    left, top = min(different), rows[0]
    return _Box(left, top, max(different) - left + 1, rows[-1] - top + 1)


def _indices(pixels: Pixels, box: _Box, palette: Sequence[bytes], nearest: dict[bytes, int]) -> bytes:
    """The rectangle by colours of the palette, each row after the byte that says that it is not filtered."""
    lines = []
    for row in pixels.rows[box.top : box.top + box.height]:
        colours = list(_colours_of(row[box.left * 3 : (box.left + box.width) * 3]))
        for colour in set(colours) - nearest.keys():
            nearest[colour] = min(range(len(palette)), key=lambda index: _distance(palette[index], colour))
        lines.append(b"\0" + bytes(nearest[colour] for colour in colours))
    return b"".join(lines)


def _distance(one: bytes, other: bytes) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
