"""Animated pictures: read by the browser, each frame is what it was made of."""

import base64
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.browser.animated_png import Frame, Pixels, animated, read

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

_PAGE = """<body style="margin: 0; background: linear-gradient(45deg, #102030, #e0c0a0)">
<div style="margin: 7px; width: 20px; height: 10px; background: %s"></div>"""
# The pixels of each frame, as the browser's own decoder has them, and how long each is shown, microseconds.
_DECODED = """async (file) => {
    const data = Uint8Array.from(atob(file), (character) => character.charCodeAt(0));
    const decoder = new ImageDecoder({ data, type: "image/png" });
    await decoder.tracks.ready;
    await decoder.completed;
    const track = decoder.tracks.selectedTrack, frames = [];
    for (let number = 0; number < track.frameCount; number++) {
        const { image } = await decoder.decode({ frameIndex: number });
        const canvas = new OffscreenCanvas(image.displayWidth, image.displayHeight).getContext("2d");
        canvas.drawImage(image, 0, 0);
        const pixels = canvas.getImageData(0, 0, image.displayWidth, image.displayHeight).data;
        frames.push([Array.from(pixels), image.duration]);
    }
    return [frames, track.repetitionCount];
}"""


def decoded(browser: Browser, file: bytes) -> Any:
    with browser.new_context() as context:
        page = context.new_page()
        page.route("**/*", lambda route: route.fulfill(body="", content_type="text/html"))
        page.goto("http://127.0.0.1/")  # decoders are for pages of this machine or with TLS
        return page.evaluate(_DECODED, base64.b64encode(file).decode())


def rgb(pixels: Pixels) -> list[int]:
    return [value for row in pixels.rows for value in row]


def opaque(pixels: list[int]) -> list[int]:
    assert set(pixels[3::4]) == {255}
    return [value for at, value in enumerate(pixels) if at % 4 != 3]


def screenshot(browser: Browser, colour: str) -> Pixels:
    with browser.new_context(viewport={"width": 60, "height": 40}) as context:
        page = context.new_page()
        page.set_content(_PAGE % colour)
        return read(page.screenshot())


def test_a_screenshot_is_read_as_the_browser_reads_it(browser: Browser) -> None:
    with browser.new_context(viewport={"width": 60, "height": 40}) as context:
        page = context.new_page()
        page.set_content(_PAGE % "red")
        png = page.screenshot()
    frames, _repeated = decoded(browser, png)
    assert rgb(read(png)) == opaque(frames[0][0])


def test_frames_are_shown_one_after_the_other(browser: Browser) -> None:
    black, white = Pixels(3, [bytes(9)] * 2), Pixels(3, [bytes(9), bytes(6) + b"\xff\xff\xff"])
    file = animated([Frame(black, 300), Frame(white, 1200), Frame(white, 5000)], plays=3)
    frames, repeated = decoded(browser, file)
    assert [opaque(pixels) for pixels, _duration in frames] == [rgb(black), rgb(white), rgb(white)]
    assert [duration for _pixels, duration in frames] == [300_000, 1_200_000, 5_000_000]
    assert repeated == 2  # after the first


def test_colours_beyond_the_palette_are_nearly_right(browser: Browser) -> None:
    """Pages have few colours: a gradient has far more than 256."""
    one, other = screenshot(browser, "red"), screenshot(browser, "blue")
    frames, _repeated = decoded(browser, animated([Frame(one, 100), Frame(other, 100)], plays=1))
    for pixels, (shown, _duration) in zip((one, other), frames, strict=True):
        differences = [abs(a - b) for a, b in zip(rgb(pixels), opaque(shown), strict=True)]
        assert max(differences) < 40
        assert sum(differences) / len(differences) < 3
