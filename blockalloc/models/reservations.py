"""Requests and their reservations, semaphores, site maintenance, and the logs."""

from django.db import models
from django.utils import timezone

from blockalloc.fields import (
    EnumField,
    InstantField,
    IntKey,
    LatinField,
    LatinTextField,
    LocalTimeField,
    MediumField,
    MediumKey,
    SmallField,
    SmallKey,
    TinyField,
    ZeroLocalTimeField,
)
from blockalloc.models.accounts import User, UserGroup
from blockalloc.models.catalogue import Module, State
from blockalloc.models.inventory import Computer, Image, ImageRevision, ManagementNode
from blockalloc.models.naming import cached_name, span
from blockalloc.models.querysets import RequestQuerySet, ReservationQuerySet


class Request(models.Model):
    """A request for computers for some time, by a user or for a reload; `state` is its progress."""

    id = MediumKey(primary_key=True)
    state = models.ForeignKey(State, models.DO_NOTHING, db_column="stateid")
    user = models.ForeignKey(User, models.DO_NOTHING, db_column="userid")
    laststate = models.ForeignKey(
        State, models.DO_NOTHING, db_column="laststateid", related_name="request_laststate_set"
    )
    log = models.ForeignKey("Log", models.DO_NOTHING, db_column="logid", null=True, blank=True)
    forimaging = TinyField(default=0)
    test = TinyField(default=0)
    preload = TinyField(default=0)
    start = ZeroLocalTimeField()
    end = ZeroLocalTimeField()
    daterequested = ZeroLocalTimeField()
    datemodified = LocalTimeField(null=True, blank=True)
    checkuser = TinyField(default=1)

    objects = RequestQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "request"

    def __str__(self) -> str:
        return f"request {self.pk} {span(self.start, self.end)}"


class Reservation(models.Model):
    """A computer of a request, with the image revision to load; a cluster has several."""

    id = MediumKey(primary_key=True)
    request = models.ForeignKey(Request, models.DO_NOTHING, db_column="requestid")
    computer = models.ForeignKey(Computer, models.DO_NOTHING, db_column="computerid")
    image = models.ForeignKey(Image, models.DO_NOTHING, db_column="imageid")
    imagerevision = models.ForeignKey(ImageRevision, models.DO_NOTHING, db_column="imagerevisionid")
    managementnode = models.ForeignKey(ManagementNode, models.DO_NOTHING, db_column="managementnodeid", default=1)
    remoteIP = LatinField(max_length=15, null=True, blank=True)
    lastcheck = ZeroLocalTimeField(null=True)
    pw = LatinField(max_length=40, null=True, blank=True)
    connectIP = LatinField(max_length=15, null=True, blank=True)
    connectport = SmallField(null=True, blank=True)

    objects = ReservationQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "reservation"

    def __str__(self) -> str:
        return cached_name(self, "computer") or f"computer {self.computer_id}"


class Semaphore(models.Model):
    """A semaphore: nobody else may reserve the computer until `expires`.

    The table has no key and may have equal rows: `pk` is not always unique. Always set `expires`: on an update that
    does not, MariaDB sets it to the current time, and SQLite does not.
    """

    pk = models.CompositePrimaryKey("computer_id", "procid")
    computer = models.ForeignKey(Computer, models.DO_NOTHING, db_column="computerid")
    image = models.ForeignKey(Image, models.DO_NOTHING, db_column="imageid")
    imagerevision = models.ForeignKey(ImageRevision, models.DO_NOTHING, db_column="imagerevisionid")
    managementnode = models.ForeignKey(ManagementNode, models.DO_NOTHING, db_column="managementnodeid")
    expires = InstantField(default=timezone.now)
    procid = LatinField(max_length=255)

    class Meta:
        managed = False
        db_table = "semaphore"

    def __str__(self) -> str:
        return f"{self.procid} on computer {self.computer_id}"


class SiteMaintenance(models.Model):
    """A maintenance of the site, during which users may be unable to reserve anything."""

    id = SmallKey(primary_key=True)
    start = LocalTimeField()
    end = LocalTimeField()
    ownerid = MediumField()
    created = LocalTimeField()
    reason = LatinTextField(null=True, blank=True)
    usermessage = LatinTextField()
    informhoursahead = SmallField()
    allowreservations = TinyField()

    class Meta:
        managed = False
        db_table = "sitemaintenance"
        verbose_name = "site maintenance"

    def __str__(self) -> str:
        return span(self.start, self.end)


class Log(models.Model):
    """The history of a request, which is kept for good. Load times are taken from it."""

    id = IntKey(primary_key=True)
    user = models.ForeignKey(User, models.DO_NOTHING, db_column="userid")
    nowfuture = EnumField(words=("now", "future"), default="now")
    start = ZeroLocalTimeField()
    loaded = LocalTimeField(null=True, blank=True)
    initialend = ZeroLocalTimeField()
    finalend = ZeroLocalTimeField()
    wasavailable = TinyField(default=0)
    ending = EnumField(
        words=("deleted", "released", "failed", "failedtest", "noack", "nologin", "timeout", "EOR", "none"),
        default="none",
    )
    requestid = MediumField(null=True, blank=True)
    computer = models.ForeignKey(Computer, models.DO_NOTHING, db_column="computerid", null=True, blank=True)
    remoteIP = LatinField(max_length=15, null=True, blank=True)
    image = models.ForeignKey(Image, models.DO_NOTHING, db_column="imageid")
    size = SmallField(default=1450)

    class Meta:
        managed = False
        db_table = "log"
        verbose_name = "log entry"
        verbose_name_plural = "log entries"

    def __str__(self) -> str:
        return f"log {self.pk}"


class Sublog(models.Model):
    """One computer of a logged request."""

    id = IntKey(primary_key=True)
    log = models.ForeignKey(Log, models.DO_NOTHING, db_column="logid")
    image = models.ForeignKey(Image, models.DO_NOTHING, db_column="imageid")
    imagerevision = models.ForeignKey(ImageRevision, models.DO_NOTHING, db_column="imagerevisionid")
    computer = models.ForeignKey(Computer, models.DO_NOTHING, db_column="computerid")
    IPaddress = LatinField(max_length=15, null=True, blank=True)
    managementnode = models.ForeignKey(ManagementNode, models.DO_NOTHING, db_column="managementnodeid")
    predictivemodule = models.ForeignKey(Module, models.DO_NOTHING, db_column="predictivemoduleid", default=8)
    hostcomputer = models.ForeignKey(
        Computer,
        models.DO_NOTHING,
        db_column="hostcomputerid",
        null=True,
        blank=True,
        related_name="sublog_hostcomputer_set",
    )
    blockRequest = models.ForeignKey(
        "blockalloc.BlockRequest", models.DO_NOTHING, db_column="blockRequestid", null=True, blank=True
    )
    blockStart = LocalTimeField(null=True, blank=True)
    blockEnd = LocalTimeField(null=True, blank=True)

    class Meta:
        managed = False
        db_table = "sublog"
        verbose_name = "sublog entry"
        verbose_name_plural = "sublog entries"

    def __str__(self) -> str:
        return f"computer {self.computer_id} of log {self.log_id}"


class ChangeLog(models.Model):
    """A change to a logged request."""

    id = IntKey(primary_key=True)
    log = models.ForeignKey(Log, models.DO_NOTHING, db_column="logid")
    user = models.ForeignKey(User, models.DO_NOTHING, db_column="userid", null=True, blank=True)
    reservationid = MediumField(null=True, blank=True)
    start = LocalTimeField(null=True, blank=True)
    end = LocalTimeField(null=True, blank=True)
    computer = models.ForeignKey(Computer, models.DO_NOTHING, db_column="computerid", null=True, blank=True)
    remoteIP = LatinField(max_length=15, null=True, blank=True)
    wasavailable = TinyField(null=True, blank=True)
    timestamp = ZeroLocalTimeField()
    other = LatinField(max_length=255, null=True, blank=True)

    class Meta:
        managed = False
        db_table = "changelog"
        verbose_name = "changelog entry"
        verbose_name_plural = "changelog entries"

    def __str__(self) -> str:
        return f"change {self.pk} of log {self.log_id}"


class ComputerLoadState(models.Model):
    """A step in the loading of a computer."""

    id = SmallKey(primary_key=True)
    loadstatename = LatinField(max_length=24, unique=True)
    prettyname = LatinField(max_length=50, null=True, blank=True)
    est = TinyField(null=True, blank=True)

    class Meta:
        managed = False
        db_table = "computerloadstate"

    def __str__(self) -> str:
        return self.prettyname or self.loadstatename


class ComputerLoadLog(models.Model):
    """A step that a computer reached while it was loaded."""

    id = IntKey(primary_key=True)
    reservation = models.ForeignKey(Reservation, models.DO_NOTHING, db_column="reservationid")
    computer = models.ForeignKey(Computer, models.DO_NOTHING, db_column="computerid")
    loadstate = models.ForeignKey(ComputerLoadState, models.DO_NOTHING, db_column="loadstateid")
    timestamp = LocalTimeField(null=True, blank=True)
    additionalinfo = LatinTextField(null=True, blank=True)

    class Meta:
        managed = False
        db_table = "computerloadlog"
        verbose_name = "load log entry"
        verbose_name_plural = "load log entries"

    def __str__(self) -> str:
        return cached_name(self, "loadstate") or f"state {self.loadstate_id}"


class ServerRequest(models.Model):
    """Further columns of a request that is for a server, not for a user's session."""

    id = MediumKey(primary_key=True)
    name = LatinField(max_length=255)
    serverprofileid = SmallField(default=0)
    request = models.OneToOneField(Request, models.DO_NOTHING, db_column="requestid")
    fixedIP = LatinField(max_length=15, null=True, blank=True)
    fixedMAC = LatinField(max_length=17, null=True, blank=True)
    admingroup = models.ForeignKey(UserGroup, models.DO_NOTHING, db_column="admingroupid", null=True, blank=True)
    logingroup = models.ForeignKey(
        UserGroup,
        models.DO_NOTHING,
        db_column="logingroupid",
        null=True,
        blank=True,
        related_name="serverrequest_logingroup_set",
    )
    monitored = TinyField(default=0)

    class Meta:
        managed = False
        db_table = "serverrequest"

    def __str__(self) -> str:
        return self.name
