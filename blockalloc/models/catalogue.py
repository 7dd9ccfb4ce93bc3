"""Short lists to which computers and images refer: states, platforms, operating systems, schedules."""

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
    """A processor family. An image runs only on computers of its own platform."""

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
    """A family of operating systems. Other tables refer to it by name."""

    id = TinyKey(primary_key=True)
    name = LatinField(max_length=30, unique=True)

    class Meta:
        managed = False
        db_table = "OStype"
        verbose_name = "OS type"

    def __str__(self) -> str:
        return self.name


class OSInstallType(models.Model):
    """A way to install an image on a computer. Other tables refer to it by name."""

    id = TinyKey(primary_key=True)
    name = LatinField(max_length=30, unique=True)

    class Meta:
        managed = False
        db_table = "OSinstalltype"
        verbose_name = "OS install type"

    def __str__(self) -> str:
        return self.name


class OS(models.Model):
    """An operating system together with the way in which it is installed."""

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
    """A provisioning engine, which loads images on computers."""

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
    """An install type that a provisioning engine supports."""

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
    """The hours of the week at which computers are available."""

    id = TinyKey(primary_key=True)
    name = LatinField(max_length=25, unique=True, blank=True, default="")
    owner = models.ForeignKey(User, models.DO_NOTHING, db_column="ownerid", default=1)

    class Meta:
        managed = False
        db_table = "schedule"

    def __str__(self) -> str:
        return self.name


class ScheduleTime(models.Model):
    """One stretch of available time, in minutes of the week: 0 is Sunday 00:00, 10080 the end of Saturday.

    The table has no key and may have equal rows: `pk` is not always unique.
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
