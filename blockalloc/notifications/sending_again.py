"""Sending again what was given up: the next round of `notify` tries it, with the same key."""

from django.db import transaction

from blockalloc.models import Message, Recipient


def send_again(message_id: int) -> bool:
    """Let a message that was given up be tried again at once; False if it was not (any more)."""
    with transaction.atomic():
        if not Message.objects.given_up().filter(pk=message_id).update(failed=None):
            return False
        Recipient.objects.filter(message=message_id).update(next_try=None)
    return True
