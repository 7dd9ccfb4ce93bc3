"""Texts for chat programs: what they say, that names do nothing in them, and that they are never too long."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from blockalloc.notifications.letter import Letter, Section
from blockalloc.notifications.webhooks import mattermost
from blockalloc.notifications.webhooks.bodies import as_json, body_of
from blockalloc.notifications.webhooks.paragraphs import plain
from scheduling.news.kinds import Kind
from tests.support.letters import item, letter
from vclsite.notifications import FORMATS, JSON

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

CHATS = [format_ for format_ in FORMATS if format_ != JSON]
LINK = "https://blocks.example.edu/admin/blockalloc/blocktime/12/"


def message(chat: str, of: Letter) -> Any:
    """The message as the chat program reads it."""
    text = body_of(chat, of)
    assert text.isascii()
    return json.loads(text)


def strings(part: Any) -> Iterator[str]:
    """All texts in a message."""
    if isinstance(part, str):
        yield part
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from strings(inner)


def said_once(chat: str, of: Letter) -> str:
    """All texts; for Matrix, which gets everything twice, those of the plain text."""
    made = message(chat, of)
    return " ".join(strings(made["text"] if chat == "matrix" else made))


def card(of: Letter) -> dict[str, Any]:
    """The adaptive card for Teams."""
    (attachment,) = message("teams", of)["attachments"]
    made: dict[str, Any] = attachment["content"]
    return made


# --- What they say ------------------------------------------------------------------------------
@pytest.mark.parametrize("chat", CHATS)
def test_everything_that_matters_is_said(chat: str) -> None:
    said = " ".join(strings(message(chat, letter(item(earlier=["It was at risk before."])))))
    for text in (
        *("1 class lacks machines", "Today", "CS 101 lacks 3 of 20 machines", "All other computers are in use."),
        *("It has lacked them since 12", "substitutes twice", "Ask for fewer machines", "It was at risk before."),
        *("CS 101 · Windows Lab · cs101-students · Sunday 30 November, 14:00 to 15:30 · 17 of 20 machines", LINK),
    ):
        assert text in said.replace("\\", ""), text


@pytest.mark.parametrize("chat", CHATS)
def test_bad_news_and_good_news_look_different(chat: str) -> None:
    bad, good = (json.dumps(message(chat, letter(item(kind=kind)))) for kind in (Kind.SHORT, Kind.READY))
    assert bad != good


@pytest.mark.parametrize("chat", CHATS)
def test_a_summary_has_its_sections(chat: str) -> None:
    sections = [Section("Tomorrow", [("CS 101 is short", LINK), ("No other", "")]), Section("Last week", [])]
    said = list(strings(message(chat, letter(kind="summary", sections=sections))))
    for text in ("Tomorrow", "• CS 101 is short", LINK, "• No other", "Last week"):
        assert any(text in each for each in said), text


def test_how_many_machines_are_ready_where_that_is_known() -> None:
    assert "17 of 20 machines, 15 ready" in message("mattermost", letter(item(ready=15)))["text"]


@pytest.mark.parametrize("chat", CHATS)
def test_nothing_is_said_of_what_is_not_known(chat: str) -> None:
    bare = item(why="", since="", tried="", advice="", link="", group="")
    said = list(strings(message(chat, letter(bare, opening=""))))
    assert not [text for text in said if "Open the class" in text or "None" in text or "·  ·" in text]


# --- Each program's form ------------------------------------------------------------------------
def test_slack_gets_rich_text_in_which_nothing_is_markup() -> None:
    evil = "<!channel> *b* `c` <https://evil.example|x> & co"
    made = message("slack", letter(item(headline=evil), subject=evil))
    header, opening, block = made["blocks"]
    assert header == {"type": "header", "text": {"type": "plain_text", "text": evil, "emoji": False}}
    assert opening["elements"][0]["elements"] == [{"type": "text", "text": "Today:"}]
    elements = block["elements"][0]["elements"]
    assert elements[0] == {"type": "text", "text": f"⚠ {evil}", "style": {"bold": True}}
    assert elements[-1] == {"type": "link", "url": LINK, "text": "Open the class"}
    assert {each["type"] for each in elements} == {"text", "link"}
    quiet = "&lt;!channel&gt; *b* `c` &lt;https://evil.example|x&gt; &amp; co"
    assert made["text"] == f"{quiet}\n{quiet}"


def test_mattermost_gets_markdown() -> None:
    text = message("mattermost", letter(item()))["text"]
    assert text.startswith("#### 1 class lacks machines\n\nToday:\n\n⚠ **CS 101 lacks 3 of 20 machines**  \n")
    assert text.endswith(f"  \n[Open the class]({LINK})")


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("@all", "@\u200ball"),
        ("_@here", "\\_@\u200bhere"),
        ("(@channel)", "(@\u200bchannel)"),
        ("jdoe@NCSU", "jdoe@NCSU"),
        ("*x* _y_ `z`", "\\*x\\* \\_y\\_ \\`z\\`"),
        ("[a](https://evil.example)", "\\[a\\](https:\u200b//evil.example)"),
        ("<b>&amp;", "&lt;b\\>&amp;amp;"),
        ("a\\*b", "a&#92;\\*b"),
        ("#tag | ~x~ $y$", "\\#tag \\| \\~x\\~ &#36;y&#36;"),
        (":fire: at 9:00", ":\u200bfire:\u200b at 9:00".replace("fire:\u200b", "fire:")),
        ("C++ - 1. (x)!", "C++ - 1. (x)!"),
    ],
)
def test_names_in_mattermost(name: str, sent: str) -> None:
    assert mattermost.escaped(name) == sent


@pytest.mark.parametrize("text", ["1. one", "- one", "+ one", "= one", "1) one"])
def test_no_text_begins_a_list_in_mattermost(text: str) -> None:
    lines = message("mattermost", letter(item(why=text, advice="===")))["text"].splitlines()
    assert f"\u200b{text}" in [line.strip(" ") for line in lines]
    assert not [line for line in lines if re.match(r" *([-+*=]|\d+[.)])( |=)", line)]


def test_matrix_gets_text_and_html() -> None:
    made = message("matrix", letter(item(headline='<b>@room</b> & "co"')))
    assert set(made) == {"text", "html"}
    assert '⚠ <b>@\u200broom</b> & "co"\n' in made["text"]
    assert made["text"].endswith(f"Open the class ({LINK})")
    assert set(re.findall(r"<(\w+)", made["html"])) == {"h4", "p", "strong", "br", "a"}
    assert "&lt;b&gt;@\u200broom&lt;/b&gt; &amp; &quot;co&quot;" in made["html"]
    assert "@room" not in made["html"]
    assert f'<a href="{LINK}">Open the class</a>' in made["html"]


def test_teams_gets_a_card_in_which_names_are_no_markdown() -> None:
    evil = "**b** [x](https://evil.example) <at>all</at>"
    made = card(letter(item(headline=evil), subject=evil))
    assert (made["type"], made["version"]) == ("AdaptiveCard", "1.2")
    heading, _opening, container = made["body"]
    assert heading["inlines"][0]["text"] == evil
    runs = [run for each in container["items"] if each["type"] == "RichTextBlock" for run in each["inlines"]]
    assert (runs[0]["text"], runs[0]["color"], runs[0]["weight"]) == (evil, "attention", "bolder")
    markdown = [each["text"] for each in container["items"] if each["type"] == "TextBlock"]
    assert markdown == [f"[Open the class]({LINK})"]


# --- Length -------------------------------------------------------------------------------------
LONG = "<&>" * 2000
LETTERS = {
    "many classes": letter(*(item(news_id=number) for number in range(200))),
    "some classes": letter(*(item(news_id=number) for number in range(15))),
    "long texts": letter(*(item(headline=LONG, why=LONG, advice=LONG) for _ in range(60)), opening=LONG, subject=LONG),
    "long names": letter(*(item(name="ü" * 80, headline="😀" * 300) for _ in range(60))),
    "a long summary": letter(kind="summary", sections=[Section("x", [(LONG, LINK)] * 300)] * 5),
    "long links": letter(*(item(link=LINK + "x" * 3000) for _ in range(9))),
}


def is_taken(chat: str, made: Any) -> bool:
    """Whether a message is within what the program says of itself."""
    size = len(json.dumps(made))
    if chat == "slack":
        header, *others = made["blocks"]
        elements = [element for block in others for element in block["elements"][0]["elements"]]
        short = sum(len(each["text"] + each.get("url", "")) for each in elements) <= 12_000
        return short and len(others) < 50 and len(header["text"]["text"]) <= 150 and len(made["text"]) <= 3000
    if chat == "mattermost":
        return len(made["text"]) <= 16_383
    if chat == "matrix":  # matrix-hookshot puts it into the event as it came, beside what is shown
        return 2 * size + 1000 <= 65_536
    return size <= 28 * 1024


@pytest.mark.parametrize("chat", CHATS)
@pytest.mark.parametrize("name", LETTERS)
def test_no_message_is_too_long(chat: str, name: str) -> None:
    made = message(chat, LETTERS[name])
    assert is_taken(chat, made)
    assert name == "long texts" or any("1 class lacks machines" in text for text in strings(made))


@pytest.mark.parametrize("chat", CHATS)
def test_what_is_left_out_is_said(chat: str) -> None:
    said = said_once(chat, LETTERS["many classes"])
    (left_out,) = map(int, re.findall(r"… and (\d+) more", said))
    assert 0 < left_out < 200
    assert said.count("Open the class") >= 200 - left_out


@pytest.mark.parametrize("chat", CHATS)
def test_reasons_go_before_classes_do(chat: str) -> None:
    """A long letter still names every class that has a place."""
    many = letter(*(item(news_id=number, why="x" * 400, tried="y" * 400, advice="z" * 400) for number in range(20)))
    said = said_once(chat, many)
    assert said.count("Open the class") == 20
    assert "xxx" not in said


def test_control_characters_end_no_line() -> None:
    assert plain("a\r\nb\x00c\u2028d\ud800e\x85f  g ") == "a b c d e f g"
    assert plain("x" * 600, 10) == "x" * 9 + "…"


def test_the_same_letter_is_the_same_text() -> None:
    assert [body_of(each, letter(item())) for each in FORMATS] == [body_of(each, letter(item())) for each in FORMATS]
    assert as_json({"a": "ü"}) == '{"a":"\\u00fc"}'
