"""What the channels share: a message on its way, and the two ways in which it is not delivered."""

from typing import NamedTuple, Protocol


class Outgoing(NamedTuple):
    """A message as it is sent; see models.Message. `recipient` is the key of its Recipient, `created` Unix seconds."""

    key: str
    recipient: str
    address: str
    subject: str
    text: str
    html: str
    body: str
    unsubscribe: str
    created: int


class NotDelivered(Exception):
    """The message was not delivered, or nobody knows; the text says why, for people. It is tried again later.

    `everybody`: the channel itself does not work (the mail server is away): no other message would get through now.
    """

    def __init__(self, problem: str, *, everybody: bool = False) -> None:
        super().__init__(problem)
        self.everybody = everybody


class Refused(Exception):
    """The receiver refuses this very message, for good; the text says why, for people. It is not tried again."""


class Channel(Protocol):
    """A way to deliver messages, within one round of a sender. `said`: what the receiver of the last one answered."""

    said: str

    def deliver(self, message: Outgoing) -> None:
        """Deliver it within some seconds. Raises NotDelivered, Refused."""

    def close(self) -> None:
        """End the round: close what is open."""
