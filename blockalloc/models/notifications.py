"""What people have been told, and what is still to be told: the outbox of notifications.

The ids of VCL's rows are kept without foreign keys, since VCL may delete the rows; names are stored as text. News is
written in the transaction that makes it. `manage.py notify` finds the recipients of news (notices), makes messages of
a recipient's notices, and sends them one after another.

Foreign keys are no constraints of the database: with them, whoever writes a notice would have to wait for the sender
who has the recipient's row.
"""

from typing import ClassVar

from django.db import models

from blockalloc.models.decisions import NAME
from blockalloc.models.querysets import MessageQuerySet


class Standing(models.Model):
    """What has been told about a class, and what has been seen but not told yet (see scheduling.news.standing).

    `short`: how many machines were missing when that was told last, at `short_told`; 0 and None when none is.
    `troubled`: since when looks have seen it at risk without a break, told or not. `at_risk`, `not_ready`: when that
    was told; None when it was not, or is no longer so. `held`: a change that is not told yet, because the class is more
    than a day away. `begun`: a look has seen it after its start. `version` counts the changes of the row: of several
    who change it at once, only one does.
    """

    block_time_id = models.PositiveIntegerField(primary_key=True)
    start = models.DateTimeField(db_index=True)
    short = models.IntegerField(default=0)
    short_told = models.DateTimeField(null=True)
    troubled = models.DateTimeField(null=True)
    at_risk = models.DateTimeField(null=True)
    not_ready = models.DateTimeField(null=True)
    held = models.BooleanField(default=False)
    begun = models.BooleanField(default=False)
    version = models.IntegerField(default=0)

    class Meta:
        db_table = "blockalloc_standing"

    def __str__(self) -> str:
        return f"standing of block time {self.pk}"


class News(models.Model):
    """A change in a class that people are to know of, as it was when it was made.

    `kind` is one of scheduling.news.kinds. `since`: since when it has been so, where that is known. `why`, `tried`: in
    words, "" where there is nothing to say. Of the `wanted` machines it has `usable` ones, which have not failed, and
    `ready` ones; `sureness`: the probability that all are ready at the start. `by_back_end`: VCL's back end has asked
    for the machines, and so mails the owner itself. `taken`: when its recipients were found; None: not yet.
    """

    at = models.DateTimeField(db_index=True)
    kind = models.CharField(max_length=16)
    block_time_id = models.PositiveIntegerField(db_index=True)
    block_request_id = models.PositiveIntegerField()
    block_name = models.CharField(max_length=80)
    image_name = models.CharField(max_length=80)
    user_group = models.CharField(max_length=NAME)
    owner_id = models.PositiveIntegerField(null=True)
    owner = models.CharField(max_length=NAME)
    affiliation_id = models.IntegerField(null=True)
    start = models.DateTimeField()
    end = models.DateTimeField()
    wanted = models.IntegerField()
    usable = models.IntegerField()
    ready = models.IntegerField(null=True)
    sureness = models.FloatField(null=True)
    since = models.DateTimeField(null=True)
    why = models.TextField(default="")
    tried = models.TextField(default="")
    by_back_end = models.BooleanField(default=False)
    decision_id = models.BigIntegerField(null=True)
    taken = models.DateTimeField(null=True, db_index=True)

    class Meta:
        db_table = "blockalloc_news"
        verbose_name_plural = "news"

    def __str__(self) -> str:
        return f"{self.block_name}: {self.kind}"


class Recipient(models.Model):
    """Somebody, or an address of a webhook, that messages are sent to, one after another.

    `key` says who it is: "vcl:12" (a user of VCL), "staff:3" (an account of Django's), "mail:desk@example.edu" (an
    address of the settings), "webhook:…" (a digest of the address: it may contain a secret). `address` is the mail
    address; for a webhook its host. A sender has it for itself until `claimed_until`. `next_try`: nothing is sent
    before, after so many `failures` in a row; `problem` is the last one, in words.
    """

    MAIL, WEBHOOK = "mail", "webhook"
    CHANNELS: ClassVar[tuple[str, ...]] = (MAIL, WEBHOOK)

    key = models.CharField(max_length=191, unique=True)
    channel = models.CharField(max_length=16)
    address = models.CharField(max_length=255)
    claimed_by = models.CharField(max_length=64, default="")
    claimed_until = models.DateTimeField(null=True)
    next_try = models.DateTimeField(null=True)
    failures = models.IntegerField(default=0)
    problem = models.TextField(default="")
    used = models.DateTimeField(null=True, db_index=True)

    class Meta:
        db_table = "blockalloc_recipient"

    def __str__(self) -> str:
        return self.address


class Message(models.Model):
    """A message to one recipient, as it is sent, whether at the first or at a later attempt.

    `key` is the Message-ID of a mail (without the domain) and the idempotency key of a webhook. A mail has `text` and
    `html`, a webhook `body` (JSON). `address`: where it goes, or went. `problem` is that of the last attempt, in words.
    `created`: when it was made, or when staff had it sent again; `failed`: when it was given up. `unsubscribe`: the
    address to unsubscribe at, of a mail. `kind` is "news", "summary" or "test".
    """

    NEWS, SUMMARY, TEST = "news", "summary", "test"

    recipient = models.ForeignKey(Recipient, models.CASCADE, db_constraint=False)
    key = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=16)
    address = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    text = models.TextField(default="")
    html = models.TextField(default="")
    body = models.TextField(default="")
    unsubscribe = models.TextField(default="")
    created = models.DateTimeField(db_index=True)
    attempts = models.IntegerField(default=0)
    attempted = models.DateTimeField(null=True)
    sent = models.DateTimeField(null=True)
    failed = models.DateTimeField(null=True)
    problem = models.TextField(default="")

    objects = MessageQuerySet.as_manager()

    class Meta:
        db_table = "blockalloc_message"
        verbose_name = "notification"
        permissions = [("send_again_message", "Can have a notification sent again")]
        indexes = [models.Index(fields=["sent", "failed", "recipient"], name="blockalloc_message_waiting")]

    def __str__(self) -> str:
        return self.subject


class Notice(models.Model):
    """News for a recipient; `message` is the one in which it is told, None until there is one."""

    news = models.ForeignKey(News, models.CASCADE, db_constraint=False)
    recipient = models.ForeignKey(Recipient, models.CASCADE, db_constraint=False)
    message = models.ForeignKey(Message, models.CASCADE, null=True, db_constraint=False)

    class Meta:
        db_table = "blockalloc_notice"
        constraints = [models.UniqueConstraint(fields=["news", "recipient"], name="blockalloc_notice_of")]

    def __str__(self) -> str:
        return f"news {self.news_id} for {self.recipient_id}"


class Preference(models.Model):
    """What somebody wants to be told, by the key of a Recipient; whoever has chosen nothing has no row.

    `kinds` are kinds of news, separated by commas; "-" precedes one that was chosen not to be told, where a choice made
    by an older release would not know it. `only_own`: of one's own classes only. `summary`: the daily summary.
    """

    key = models.CharField(max_length=191, unique=True)
    kinds = models.CharField(max_length=255)
    only_own = models.BooleanField(default=False)
    summary = models.BooleanField(default=False)
    changed = models.DateTimeField()

    class Meta:
        db_table = "blockalloc_preference"

    def __str__(self) -> str:
        return f"preference of {self.key}"


class LoopSeen(models.Model):
    """The last round of a loop other than keep_ready (which has its heartbeat): when, and on which host."""

    name = models.CharField(max_length=32, primary_key=True)
    host = models.CharField(max_length=NAME)
    at = models.DateTimeField()

    class Meta:
        db_table = "blockalloc_loop_seen"

    def __str__(self) -> str:
        return f"{self.name} on {self.host}"
