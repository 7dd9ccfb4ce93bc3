"""What is posted to a webhook, by its format (vclsite.notifications.FORMATS)."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from blockalloc.notifications.letter import Letter
from blockalloc.notifications.webhooks import event, matrix, mattermost, slack, teams

_BODIES: Mapping[str, Callable[[Letter], dict[str, Any]]] = {
    "json": event.body,
    "slack": slack.body,
    "mattermost": mattermost.body,
    "matrix": matrix.body,
    "teams": teams.body,
}


def body_of(format_: str, letter: Letter) -> str:
    """The JSON text for a letter. It is ASCII, so that it comes out of any database as it went in.

    The same letter makes the same text. Raises KeyError for a format that there is not.
    """
    return as_json(_BODIES[format_](letter))


def as_json(body: Mapping[str, Any]) -> str:
    """As it is sent: without spaces, other characters than ASCII escaped."""
    return json.dumps(body, ensure_ascii=True, separators=(",", ":"))
