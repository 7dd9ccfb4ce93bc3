"""Block allocations: block requests, their block times, and the computers of these."""

from django.db import models

from blockalloc.fields import (
    EnumField,
    LatinField,
    LatinTextField,
    LocalTimeField,
    MediumField,
    MediumKey,
    TinyField,
)
from blockalloc.models.accounts import User, UserGroup
from blockalloc.models.inventory import Computer, Image, ManagementNode
from blockalloc.models.naming import cached_name, span
from blockalloc.models.querysets import BlockComputerQuerySet, BlockRequestQuerySet, BlockTimeQuerySet
from scheduling.block_status import BlockStatus


class BlockRequest(models.Model):
    """A block request: an image on a number of machines for a user group, at one or more block times."""

    id = MediumKey(primary_key=True)
    name = LatinField(max_length=80)
    image = models.ForeignKey(Image, models.DO_NOTHING, db_column="imageid")
    numMachines = TinyField()
    group = models.ForeignKey(UserGroup, models.DO_NOTHING, db_column="groupid", null=True, blank=True)
    repeating = EnumField(words=("weekly", "monthly", "list"), default="weekly")
    owner = models.ForeignKey(User, models.DO_NOTHING, db_column="ownerid")
    managementnode = models.ForeignKey(
        ManagementNode, models.DO_NOTHING, db_column="managementnodeid", null=True, blank=True
    )
    expireTime = LocalTimeField()
    processing = TinyField(default=0)
    status = EnumField(words=("requested", "accepted", "completed", "rejected", "deleted"), default="accepted")
    comments = LatinTextField(null=True, blank=True)

    objects = BlockRequestQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "blockRequest"

    def __str__(self) -> str:
        return self.name


class BlockTime(models.Model):
    """A block time: one class of a block request. `processed`: its computers have been asked for."""

    id = MediumKey(primary_key=True)
    blockRequest = models.ForeignKey(BlockRequest, models.DO_NOTHING, db_column="blockRequestid")
    start = LocalTimeField()
    end = LocalTimeField()
    processed = TinyField(default=0)
    skip = TinyField(default=0)

    objects = BlockTimeQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "blockTimes"
        # For actions of staff. Django's accounts are granted them in its own tables, accounts of VCL in VCL's.
        permissions = [
            ("allocate_blocktime", "Can have computers allocated to a block time"),
            ("dry_run_blocktime", "Can try out what an allocation of a block time would do"),
            ("release_blocktime", "Can release computers of a block time"),
            ("skip_blocktime", "Can have a block time skipped, or not skipped"),
            ("put_right_blocktime", "Can have computers of a block time exchanged, or loaded again"),
            ("hold_blocktime", "Can have the holds on computers of a block time stopped, or set again"),
        ]

    def __str__(self) -> str:
        return span(self.start, self.end)

    @property
    def block_status(self) -> BlockStatus:
        """Whether it will take place and may have computers, or why not."""
        end, expires = (int(moment.timestamp()) for moment in (self.end, self.blockRequest.expireTime))
        return BlockStatus(bool(self.skip), self.blockRequest.status, end, expires)


class BlockComputer(models.Model):
    """A computer that a block time has. `reloadrequestid` 0: there is no request to load it."""

    pk = models.CompositePrimaryKey("blockTime_id", "computer_id")
    blockTime = models.ForeignKey(BlockTime, models.DO_NOTHING, db_column="blockTimeid")
    computer = models.ForeignKey(Computer, models.DO_NOTHING, db_column="computerid")
    image = models.ForeignKey(Image, models.DO_NOTHING, db_column="imageid")
    reloadrequestid = MediumField(default=0)

    objects = BlockComputerQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "blockComputers"

    def __str__(self) -> str:
        return cached_name(self, "computer") or f"computer {self.computer_id}"


class BlockWebDate(models.Model):
    """The dates of a block request as entered in VCL's form.

    The table has no key and may have equal rows: `pk` is not always unique.
    """

    pk = models.CompositePrimaryKey("blockRequest_id", "start")
    blockRequest = models.ForeignKey(BlockRequest, models.DO_NOTHING, db_column="blockRequestid")
    start = models.DateField()
    end = models.DateField()
    days = TinyField(null=True, blank=True)
    weeknum = TinyField(null=True, blank=True)

    class Meta:
        managed = False
        db_table = "blockWebDate"

    def __str__(self) -> str:
        return f"{self.start} to {self.end}"


class BlockWebTime(models.Model):
    """The hours of a block request as entered in VCL's form, on a 12-hour clock.

    The table has no key and may have equal rows: `pk` is not always unique.
    """

    pk = models.CompositePrimaryKey("blockRequest_id", "order")
    blockRequest = models.ForeignKey(BlockRequest, models.DO_NOTHING, db_column="blockRequestid")
    starthour = TinyField()
    startminute = TinyField()
    startmeridian = EnumField(words=("am", "pm"))
    endhour = TinyField()
    endminute = TinyField()
    endmeridian = EnumField(words=("am", "pm"))
    order = TinyField()

    class Meta:
        managed = False
        db_table = "blockWebTime"

    def __str__(self) -> str:
        start = f"{self.starthour}:{self.startminute:02} {self.startmeridian}"
        return f"{start}–{self.endhour}:{self.endminute:02} {self.endmeridian}"
