"""Users, their groups and affiliations, and how they sign in."""

from django.db import models
from django.utils import timezone

from blockalloc.fields import (
    EnumField,
    InstantField,
    IntField,
    LatinField,
    LatinTextField,
    LocalTimeField,
    LongLatinTextField,
    MediumField,
    MediumKey,
    SmallField,
    SmallKey,
    TinyField,
    TinyKey,
    ZeroLocalTimeField,
)
from blockalloc.models.naming import with_affiliation


class Affiliation(models.Model):
    """The organisation or directory of users and groups: an institution, or VCL itself (`Local`, `Global`)."""

    id = MediumKey(primary_key=True)
    name = LatinField(max_length=40, unique=True)
    shibname = LatinField(max_length=60, null=True, blank=True)
    dataUpdateText = LatinTextField(blank=True)
    sitewwwaddress = LatinField(max_length=128, null=True, blank=True)
    helpaddress = LatinField(max_length=32, null=True, blank=True)
    shibonly = TinyField(default=0)
    theme = LatinField(max_length=50, null=True, blank=True)

    class Meta:
        managed = False
        db_table = "affiliation"

    def __str__(self) -> str:
        return self.name


class AdminLevel(models.Model):
    """A level of administration from old versions of VCL; users still have one."""

    id = TinyKey(primary_key=True)
    name = LatinField(max_length=10, unique=True, blank=True, default="")

    class Meta:
        managed = False
        db_table = "adminlevel"

    def __str__(self) -> str:
        return self.name


class IMType(models.Model):
    """An instant messaging service for messages to users."""

    id = TinyKey(primary_key=True)
    name = LatinField(max_length=20, unique=True, blank=True, default="")

    class Meta:
        managed = False
        db_table = "IMtype"
        verbose_name = "IM type"

    def __str__(self) -> str:
        return self.name


class User(models.Model):
    """A user of VCL. `unityid` is the name; it is unique within the affiliation."""

    id = MediumKey(primary_key=True)
    uid = IntField(unique=True, null=True, blank=True)
    unityid = LatinField(max_length=80, blank=True, default="")
    affiliation = models.ForeignKey(Affiliation, models.DO_NOTHING, db_column="affiliationid", default=1)
    firstname = LatinField(max_length=20, blank=True, default="")
    lastname = LatinField(max_length=25, blank=True, default="")
    preferredname = LatinField(max_length=25, null=True, blank=True)
    email = LatinField(max_length=80, blank=True)
    emailnotices = TinyField(default=1)
    IMtype = models.ForeignKey(IMType, models.DO_NOTHING, db_column="IMtypeid", null=True, blank=True)
    IMid = LatinField(max_length=80, null=True, blank=True)
    adminlevelid = TinyField(default=1)
    width = SmallField(default=1024)
    height = SmallField(default=768)
    bpp = TinyField(default=16)
    audiomode = EnumField(words=("none", "local"), default="local")
    mapdrives = TinyField(default=1)
    mapprinters = TinyField(default=1)
    mapserial = TinyField(default=0)
    rdpport = SmallField(null=True, blank=True)
    showallgroups = TinyField(default=0)
    lastupdated = ZeroLocalTimeField()
    validated = TinyField(default=1)
    usepublickeys = TinyField(default=0)
    sshpublickeys = LatinTextField(null=True, blank=True)

    class Meta:
        managed = False
        db_table = "user"

    def __str__(self) -> str:
        return with_affiliation(self, self.unityid)

    @property
    def full_name(self) -> str:
        """First and last name, with the name that the person prefers to the first one; "" if VCL knows neither."""
        return " ".join(f"{self.preferredname or self.firstname} {self.lastname}".split())


class LocalAuth(models.Model):
    """The password of a user of affiliation `Local`: sha1(password + salt), in hex."""

    user = models.OneToOneField(User, models.DO_NOTHING, db_column="userid", primary_key=True)
    passhash = LatinField(max_length=40, blank=True, default="")
    salt = LatinField(max_length=8, blank=True, default="")
    lastupdated = ZeroLocalTimeField()
    lockedout = TinyField(default=0)

    class Meta:
        managed = False
        db_table = "localauth"
        verbose_name = "local password"

    def __str__(self) -> str:
        return f"password of user {self.user_id}"


class UserGroup(models.Model):
    """Users who share privileges. Its owner and the members of `editusergroup` may change it."""

    id = SmallKey(primary_key=True)
    name = LatinField(max_length=60)
    affiliation = models.ForeignKey(Affiliation, models.DO_NOTHING, db_column="affiliationid", null=True, blank=True)
    owner = models.ForeignKey(User, models.DO_NOTHING, db_column="ownerid", null=True, blank=True)
    editusergroup = models.ForeignKey("self", models.DO_NOTHING, db_column="editusergroupid", null=True, blank=True)
    custom = TinyField(default=0)
    courseroll = TinyField(default=0)
    initialmaxtime = MediumField(default=240)
    totalmaxtime = MediumField(default=360)
    maxextendtime = MediumField(default=60)
    overlapResCount = SmallField(default=0)

    class Meta:
        managed = False
        db_table = "usergroup"

    def __str__(self) -> str:
        return with_affiliation(self, self.name)


class UserGroupMember(models.Model):
    """The membership of a user in a user group."""

    pk = models.CompositePrimaryKey("user_id", "usergroup_id")
    user = models.ForeignKey(User, models.DO_NOTHING, db_column="userid")
    usergroup = models.ForeignKey(UserGroup, models.DO_NOTHING, db_column="usergroupid")

    class Meta:
        managed = False
        db_table = "usergroupmembers"

    def __str__(self) -> str:
        return f"user {self.user_id} in group {self.usergroup_id}"


class UserGroupPrivType(models.Model):
    """A right on VCL's web site that a user group can have."""

    id = TinyKey(primary_key=True)
    name = LatinField(max_length=50)
    help = LatinTextField(null=True, blank=True)

    class Meta:
        managed = False
        db_table = "usergroupprivtype"
        verbose_name = "user group right type"

    def __str__(self) -> str:
        return self.name


class UserGroupPriv(models.Model):
    """A right on VCL's web site that a user group has."""

    pk = models.CompositePrimaryKey("usergroup_id", "userprivtype_id")
    usergroup = models.ForeignKey(UserGroup, models.DO_NOTHING, db_column="usergroupid")
    userprivtype = models.ForeignKey(UserGroupPrivType, models.DO_NOTHING, db_column="userprivtypeid")

    class Meta:
        managed = False
        db_table = "usergrouppriv"
        verbose_name = "user group right"

    def __str__(self) -> str:
        return f"group {self.usergroup_id}: right {self.userprivtype_id}"


class LoginLog(models.Model):
    """One attempt to sign in. The table has no key: `pk` is not always unique."""

    pk = models.CompositePrimaryKey("user", "timestamp")
    user = LatinField(max_length=50)
    authmech = LatinField(max_length=30)
    affiliation = models.ForeignKey(Affiliation, models.DO_NOTHING, db_column="affiliationid")
    timestamp = InstantField(default=timezone.now)
    passfail = TinyField(default=0)
    remoteIP = LatinField(max_length=15)
    code = EnumField(words=("none", "invalid credentials"), default="none")

    class Meta:
        managed = False
        db_table = "loginlog"
        verbose_name = "login log entry"
        verbose_name_plural = "login log entries"

    def __str__(self) -> str:
        return f"{self.user} {self.timestamp}"


class XmlrpcLog(models.Model):
    """One XML-RPC call to VCL itself. The table has no key: `pk` is not always unique."""

    pk = models.CompositePrimaryKey("xmlrpcKeyid", "timestamp")
    xmlrpcKeyid = MediumField(default=0)
    timestamp = ZeroLocalTimeField()
    IPaddress = LatinField(max_length=15, null=True, blank=True)
    method = LatinField(max_length=60, null=True, blank=True)
    apiversion = TinyField(default=1)
    comments = LatinTextField(null=True, blank=True)

    class Meta:
        managed = False
        db_table = "xmlrpcLog"
        verbose_name = "XML-RPC log entry"
        verbose_name_plural = "XML-RPC log entries"

    def __str__(self) -> str:
        return f"{self.method} {self.timestamp}"


class Variable(models.Model):
    """A setting of the VCL site."""

    id = SmallKey(primary_key=True)
    name = LatinField(max_length=128, unique=True)
    serialization = EnumField(words=("none", "yaml", "phpserialize"), default="none")
    value = LongLatinTextField()
    setby = LatinField(max_length=128, null=True, blank=True)
    timestamp = LocalTimeField()

    class Meta:
        managed = False
        db_table = "variable"

    def __str__(self) -> str:
        return self.name
