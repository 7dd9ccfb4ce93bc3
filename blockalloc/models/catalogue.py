"""The short lists that the inventory is described by: states, platforms, operating systems, schedules."""

from django.db import models

from blockalloc.fields import (
    LatinField,
    MediumField,
    SmallField,
    SmallKey,
    TinyKey,
)
from blockalloc.models.accounts import User
from blockalloc.models.naming import minute_of_week


class State(models.Model):
    """A state of computers and of requests, such as `available` or `reload`. The ids are fixed."""

    id = TinyKey(primary_key=True)
    name = LatinField(max_length=20, unique=True, blank=True, default="")

    class Meta:
        managed = False
        db_table = "state"

    def __str__(self) -> str:
        return self.name


class Platform(models.Model):
    """A processor family. An image runs on computers of its own platform only."""

    id = TinyKey(primary_key=True)
    name = LatinField(max_length=20, unique=True, blank=True, default="")

    class Meta:
        managed = False
        db_table = "platform"

    def __str__(self) -> str:
        return self.name


class Module(models.Model):
    """A Perl module of the back end."""

    id = SmallKey(primary_key=True)
    name = LatinField(max_length=30, unique=True)
    prettyname = LatinField(max_length=70)
    description = LatinField(max_length=255, blank=True)
    perlpackage = LatinField(max_length=150)

    class Meta:
        managed = False
        db_table = "module"

    def __str__(self) -> str:
        return self.prettyname


class OSType(models.Model):
    """A family of operating systems. Others refer to it by name."""

    id = TinyKey(primary_key=True)
    name = LatinField(max_length=30, unique=True)

    class Meta:
        managed = False
        db_table = "OStype"
        verbose_name = "OS type"

    def __str__(self) -> str:
        return self.name


class OSInstallType(models.Model):
    """A way to put an image on a computer. Others refer to it by name."""

    id = TinyKey(primary_key=True)
    name = LatinField(max_length=30, unique=True)

    class Meta:
        managed = False
        db_table = "OSinstalltype"
        verbose_name = "OS install type"

    def __str__(self) -> str:
        return self.name


class OS(models.Model):
    """An operating system as VCL tells them apart: with the way it is installed."""

    id = TinyKey(primary_key=True)
    name = LatinField(max_length=20, unique=True)
    prettyname = LatinField(max_length=64, unique=True, blank=True, default="")
    type = models.ForeignKey(OSType, models.DO_NOTHING, to_field="name", db_column="type")
    installtype = models.ForeignKey(
        OSInstallType, models.DO_NOTHING, to_field="name", db_column="installtype", default="image"
    )
    minram = MediumField(default=512)
    sourcepath = LatinField(max_length=30, null=True, blank=True)
    module = models.ForeignKey(Module, models.DO_NOTHING, db_column="moduleid", null=True, blank=True)

    class Meta:
        managed = False
        db_table = "OS"
        verbose_name = "operating system"
        verbose_name_plural = "operating systems"

    def __str__(self) -> str:
        return self.prettyname


class Provisioning(models.Model):
    """What puts images on a computer."""

    id = SmallKey(primary_key=True)
    name = LatinField(max_length=30, unique=True)
    prettyname = LatinField(max_length=70)
    module = models.ForeignKey(Module, models.DO_NOTHING, db_column="moduleid")

    class Meta:
        managed = False
        db_table = "provisioning"
        verbose_name = "provisioning method"

    def __str__(self) -> str:
        return self.prettyname


class ProvisioningOSInstallType(models.Model):
    """An install type that a provisioning method supports."""

    pk = models.CompositePrimaryKey("provisioning_id", "OSinstalltype_id")
    provisioning = models.ForeignKey(Provisioning, models.DO_NOTHING, db_column="provisioningid")
    OSinstalltype = models.ForeignKey(OSInstallType, models.DO_NOTHING, db_column="OSinstalltypeid")

    class Meta:
        managed = False
        db_table = "provisioningOSinstalltype"
        verbose_name = "provisioning install type"

    def __str__(self) -> str:
        return f"provisioning {self.provisioning_id} by install type {self.OSinstalltype_id}"


class Schedule(models.Model):
    """When in the week computers are open."""

    id = TinyKey(primary_key=True)
    name = LatinField(max_length=25, unique=True, blank=True, default="")
    owner = models.ForeignKey(User, models.DO_NOTHING, db_column="ownerid", default=1)

    class Meta:
        managed = False
        db_table = "schedule"

    def __str__(self) -> str:
        return self.name


class ScheduleTime(models.Model):
    """One opening, in minutes of the week: 0 is Sunday 00:00, 10080 the end of Saturday.

    The table has no key and may hold equal rows: `pk` only usually tells rows apart.
    """

    pk = models.CompositePrimaryKey("schedule_id", "start", "end")
    schedule = models.ForeignKey(Schedule, models.DO_NOTHING, db_column="scheduleid")
    start = SmallField(default=0)
    end = SmallField(default=0)

    class Meta:
        managed = False
        db_table = "scheduletimes"

    def __str__(self) -> str:
        return f"{minute_of_week(self.start)}–{minute_of_week(self.end)}"


class ImageType(models.Model):
    """A file format of images."""

    id = SmallKey(primary_key=True)
    name = LatinField(max_length=16, unique=True)

    class Meta:
        managed = False
        db_table = "imagetype"

    def __str__(self) -> str:
        return self.name


class VmType(models.Model):
    """A kind of hypervisor."""

    id = TinyKey(primary_key=True)
    name = LatinField(max_length=30, unique=True)

    class Meta:
        managed = False
        db_table = "vmtype"
        verbose_name = "VM type"

    def __str__(self) -> str:
        return self.name
