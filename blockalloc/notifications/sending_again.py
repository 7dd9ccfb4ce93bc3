"""Sending again what was given up: the next round of `notify` tries it, with the same key."""

from blockalloc import clock
from blockalloc.store import outbox


def send_again(message_id: int) -> bool:
    """Let a message that was given up be tried again at once, for another day; False if it was not (any more)."""
    return outbox.send_again([message_id], clock.now()) == 1
