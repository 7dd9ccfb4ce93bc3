"""The inventory: computers, their images, management nodes, and the hosts of virtual machines."""

from django.db import models

from blockalloc.fields import (
    BlobField,
    CheckInField,
    EnumField,
    LatinField,
    LatinTextField,
    LocalTimeField,
    MediumField,
    MediumKey,
    MediumLatinTextField,
    SmallField,
    SmallKey,
    TinyField,
    ZeroLocalTimeField,
)
from blockalloc.models.accounts import User
from blockalloc.models.catalogue import OS, ImageType, Module, Platform, Provisioning, Schedule, State
from blockalloc.models.naming import cached_name
from blockalloc.models.querysets import ImageRevisionQuerySet


class ImageMeta(models.Model):
    """Special properties of an image. `subimages` 1: it is a cluster, with its further computers in SubImage."""

    id = SmallKey(primary_key=True)
    checkuser = TinyField(default=1)
    subimages = TinyField(default=0)
    sysprep = TinyField(default=1)
    postoption = LatinField(max_length=32, null=True, blank=True)
    architecture = LatinField(max_length=10, null=True, blank=True)
    rootaccess = TinyField(default=1)
    sethostname = TinyField(null=True, blank=True)

    class Meta:
        managed = False
        db_table = "imagemeta"
        verbose_name = "image meta data"
        verbose_name_plural = "image meta data"

    def __str__(self) -> str:
        return f"meta data {self.pk}"


class Image(models.Model):
    """An image, by the name that users know. Its production revision is the file that is loaded."""

    id = SmallKey(primary_key=True)
    name = LatinField(max_length=70, unique=True, blank=True, default="")
    prettyname = LatinField(max_length=80, unique=True, blank=True, default="")
    owner = models.ForeignKey(User, models.DO_NOTHING, db_column="ownerid", null=True, blank=True, default=1)
    imagetype = models.ForeignKey(ImageType, models.DO_NOTHING, db_column="imagetypeid", default=1)
    platform = models.ForeignKey(Platform, models.DO_NOTHING, db_column="platformid", default=1)
    OS = models.ForeignKey(OS, models.DO_NOTHING, db_column="OSid")
    imagemeta = models.ForeignKey(ImageMeta, models.DO_NOTHING, db_column="imagemetaid", null=True, blank=True)
    minram = MediumField(default=0)
    minprocnumber = TinyField(default=0)
    minprocspeed = SmallField(default=0)
    minnetwork = SmallField(default=0)
    maxconcurrent = TinyField(null=True, blank=True)
    reloadtime = TinyField(default=10)
    deleted = TinyField(default=0)
    test = TinyField(default=0)
    lastupdate = LocalTimeField(null=True, blank=True)
    forcheckout = TinyField(default=1)
    maxinitialtime = MediumField(default=0)
    project = EnumField(words=("vcl", "hpc", "vclhpc"), default="vcl")
    size = SmallField(default=0)
    architecture = EnumField(words=("x86", "x86_64"), default="x86")
    description = LatinTextField(null=True, blank=True)
    usage = LatinTextField(null=True, blank=True)
    basedoffrevision = models.ForeignKey(
        "ImageRevision",
        models.DO_NOTHING,
        db_column="basedoffrevisionid",
        null=True,
        blank=True,
        related_name="derived_images",
    )

    class Meta:
        managed = False
        db_table = "image"

    def __str__(self) -> str:
        return self.prettyname


class ImageRevision(models.Model):
    """One version of an image: a file that can be loaded."""

    id = MediumKey(primary_key=True)
    image = models.ForeignKey(Image, models.DO_NOTHING, db_column="imageid")
    revision = SmallField()
    user = models.ForeignKey(User, models.DO_NOTHING, db_column="userid")
    datecreated = LocalTimeField()
    deleted = TinyField()
    datedeleted = LocalTimeField(null=True, blank=True)
    production = TinyField()
    comments = LatinTextField(null=True, blank=True)
    imagename = LatinField(max_length=75)
    autocaptured = TinyField(default=0)

    objects = ImageRevisionQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "imagerevision"

    def __str__(self) -> str:
        return f"{self.imagename} (revision {self.revision})"


class SubImage(models.Model):
    """One further computer of a cluster, with its image.

    The table has no key, and a cluster with two computers of the same image has two equal rows. Write rows with
    `create()`: `save()` and `delete()` would change all equal ones.
    """

    pk = models.CompositePrimaryKey("imagemeta_id", "image_id")
    imagemeta = models.ForeignKey(ImageMeta, models.DO_NOTHING, db_column="imagemetaid")
    image = models.ForeignKey(Image, models.DO_NOTHING, db_column="imageid")

    class Meta:
        managed = False
        db_table = "subimages"
        verbose_name = "subimage"

    def __str__(self) -> str:
        return f"image {self.image_id}"


class Computer(models.Model):
    """A computer, bare metal or virtual. A virtual one has a `vmhost`."""

    id = SmallKey(primary_key=True)
    state = models.ForeignKey(State, models.DO_NOTHING, db_column="stateid", default=10)
    owner = models.ForeignKey(User, models.DO_NOTHING, db_column="ownerid", null=True, blank=True, default=1)
    platform = models.ForeignKey(Platform, models.DO_NOTHING, db_column="platformid", default=1)
    schedule = models.ForeignKey(Schedule, models.DO_NOTHING, db_column="scheduleid", null=True, blank=True)
    vmhost = models.ForeignKey(
        "VmHost", models.DO_NOTHING, db_column="vmhostid", null=True, blank=True, related_name="guests"
    )
    currentimage = models.ForeignKey(Image, models.DO_NOTHING, db_column="currentimageid", default=1)
    nextimage = models.ForeignKey(
        Image, models.DO_NOTHING, db_column="nextimageid", default=1, related_name="computer_nextimage_set"
    )
    imagerevision = models.ForeignKey(ImageRevision, models.DO_NOTHING, db_column="imagerevisionid", default=1)
    RAM = MediumField(default=0)
    procnumber = TinyField(default=1)
    procspeed = SmallField(default=0)
    network = SmallField(default=100)
    hostname = LatinField(max_length=36, blank=True, default="")
    IPaddress = LatinField(max_length=15, blank=True, default="")
    privateIPaddress = LatinField(max_length=15, null=True, blank=True)
    eth0macaddress = LatinField(max_length=17, null=True, blank=True)
    eth1macaddress = LatinField(max_length=17, null=True, blank=True)
    type = EnumField(words=("blade", "lab", "virtualmachine"), default="blade")
    provisioning = models.ForeignKey(Provisioning, models.DO_NOTHING, db_column="provisioningid")
    drivetype = LatinField(max_length=4, default="hda")
    deleted = TinyField(default=0)
    datedeleted = ZeroLocalTimeField()
    notes = LatinTextField(null=True, blank=True)
    lastcheck = LocalTimeField(null=True, blank=True)
    location = LatinField(max_length=255, null=True, blank=True)
    dsa = MediumLatinTextField(null=True, blank=True)
    dsapub = MediumLatinTextField(null=True, blank=True)
    rsa = MediumLatinTextField(null=True, blank=True)
    rsapub = MediumLatinTextField(null=True, blank=True)
    host = BlobField(null=True, blank=True)
    hostpub = MediumLatinTextField(null=True, blank=True)
    vmtypeid = TinyField(null=True, blank=True)
    predictivemodule = models.ForeignKey(Module, models.DO_NOTHING, db_column="predictivemoduleid", default=9)

    class Meta:
        managed = False
        db_table = "computer"

    def __str__(self) -> str:
        return self.hostname


class VmProfile(models.Model):
    """A configuration of VM hosts."""

    id = SmallKey(primary_key=True)
    profilename = LatinField(max_length=56, unique=True)
    image = models.ForeignKey(Image, models.DO_NOTHING, db_column="imageid")
    resourcepath = LatinField(max_length=256, null=True, blank=True)
    folderpath = LatinField(max_length=256, null=True, blank=True)
    repositorypath = LatinField(max_length=128, null=True, blank=True)
    repositoryimagetype = models.ForeignKey(ImageType, models.DO_NOTHING, db_column="repositoryimagetypeid", default=1)
    datastorepath = LatinField(max_length=128)
    datastoreimagetype = models.ForeignKey(
        ImageType,
        models.DO_NOTHING,
        db_column="datastoreimagetypeid",
        default=1,
        related_name="vmprofile_datastore_set",
    )
    vmpath = LatinField(max_length=128, null=True, blank=True)
    virtualswitch0 = LatinField(max_length=80, default="VMnet0")
    virtualswitch1 = LatinField(max_length=80, default="VMnet2")
    virtualswitch2 = LatinField(max_length=80, null=True, blank=True)
    virtualswitch3 = LatinField(max_length=80, null=True, blank=True)
    vmdisk = EnumField(words=("dedicated", "shared"), default="dedicated")
    username = LatinField(max_length=80, null=True, blank=True)
    password = LatinField(max_length=256, null=True, blank=True)
    secretid = SmallField(null=True, blank=True)
    eth0generated = TinyField(default=0)
    eth1generated = TinyField(default=0)
    rsapub = LatinTextField(null=True, blank=True)
    rsakey = LatinField(max_length=256, null=True, blank=True)
    encryptedpasswd = LatinTextField(null=True, blank=True)

    class Meta:
        managed = False
        db_table = "vmprofile"
        verbose_name = "VM profile"

    def __str__(self) -> str:
        return self.profilename


class VmHost(models.Model):
    """A computer that runs virtual machines."""

    id = SmallKey(primary_key=True)
    computer = models.ForeignKey(Computer, models.DO_NOTHING, db_column="computerid", related_name="vmhosts")
    vmprofile = models.ForeignKey(VmProfile, models.DO_NOTHING, db_column="vmprofileid")

    class Meta:
        managed = False
        db_table = "vmhost"
        verbose_name = "VM host"

    def __str__(self) -> str:
        return cached_name(self, "computer") or f"computer {self.computer_id}"


class ManagementNode(models.Model):
    """A host on which a back end runs. It loads the computers that it is mapped to, and reports by `lastcheckin`."""

    id = SmallKey(primary_key=True)
    IPaddress = LatinField(max_length=15, blank=True, default="")
    hostname = LatinField(max_length=50, unique=True, blank=True, default="")
    owner = models.ForeignKey(User, models.DO_NOTHING, db_column="ownerid", default=1)
    state = models.ForeignKey(State, models.DO_NOTHING, db_column="stateid")
    lastcheckin = CheckInField(null=True)
    checkininterval = TinyField(default=12)
    installpath = LatinField(max_length=100, default="/install")
    imagelibenable = TinyField(default=0)
    imagelibgroup = models.ForeignKey(
        "blockalloc.ResourceGroup", models.DO_NOTHING, db_column="imagelibgroupid", null=True, blank=True
    )
    imagelibuser = LatinField(max_length=20, null=True, blank=True, default="vclstaff")
    imagelibkey = LatinField(max_length=100, null=True, blank=True, default="/etc/vcl/imagelib.key")
    keys = LatinField(max_length=1024, null=True, blank=True)
    sshport = SmallField(default=22)
    publicIPconfiguration = EnumField(words=("dynamicDHCP", "manualDHCP", "static"), default="dynamicDHCP")
    publicSubnetMask = LatinField(max_length=56, null=True, blank=True)
    publicDefaultGateway = LatinField(max_length=56, null=True, blank=True)
    publicDNSserver = LatinField(max_length=56, null=True, blank=True)
    sysadminEmailAddress = LatinField(max_length=128, null=True, blank=True)
    sharedMailBox = LatinField(max_length=128, null=True, blank=True)
    NOT_STANDALONE = LatinField(max_length=128, null=True, blank=True)
    availablenetworks = LatinTextField(blank=True)

    class Meta:
        managed = False
        db_table = "managementnode"

    def __str__(self) -> str:
        return self.hostname
