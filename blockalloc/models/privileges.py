"""Resource groups, their mappings, and the privilege tree."""

from django.db import models

from blockalloc.fields import (
    EnumField,
    LatinField,
    MediumField,
    MediumKey,
    SmallKey,
    TinyKey,
)
from blockalloc.models.accounts import User, UserGroup
from blockalloc.models.naming import cached_name


class ResourceType(models.Model):
    """A type of resources, such as `computer` or `image`."""

    id = TinyKey(primary_key=True)
    name = LatinField(max_length=50, unique=True, blank=True, default="")

    class Meta:
        managed = False
        db_table = "resourcetype"

    def __str__(self) -> str:
        return self.name


class Resource(models.Model):
    """Something that can be in resource groups: `subid` is its id in the table that the type names."""

    id = MediumKey(primary_key=True)
    resourcetype = models.ForeignKey(ResourceType, models.DO_NOTHING, db_column="resourcetypeid")
    subid = MediumField(default=0)

    class Meta:
        managed = False
        db_table = "resource"

    def __str__(self) -> str:
        return f"{cached_name(self, 'resourcetype') or 'resource'} {self.subid}"


class ResourceGroup(models.Model):
    """Resources of one type that share privileges and mappings."""

    id = SmallKey(primary_key=True)
    name = LatinField(max_length=60, blank=True, default="")
    ownerusergroup = models.ForeignKey(UserGroup, models.DO_NOTHING, db_column="ownerusergroupid", default=39)
    resourcetype = models.ForeignKey(ResourceType, models.DO_NOTHING, db_column="resourcetypeid")

    class Meta:
        managed = False
        db_table = "resourcegroup"

    def __str__(self) -> str:
        return self.name


class ResourceGroupMember(models.Model):
    """The membership of a resource in a resource group."""

    pk = models.CompositePrimaryKey("resource_id", "resourcegroup_id")
    resource = models.ForeignKey(Resource, models.DO_NOTHING, db_column="resourceid")
    resourcegroup = models.ForeignKey(ResourceGroup, models.DO_NOTHING, db_column="resourcegroupid")

    class Meta:
        managed = False
        db_table = "resourcegroupmembers"

    def __str__(self) -> str:
        return f"resource {self.resource_id} in group {self.resourcegroup_id}"


class ResourceMap(models.Model):
    """A mapping of two resource groups: images to computers, management nodes to computers, and so on."""

    pk = models.CompositePrimaryKey("resourcegroup1_id", "resourcegroup2_id")
    resourcegroup1 = models.ForeignKey(ResourceGroup, models.DO_NOTHING, db_column="resourcegroupid1")
    resourcetype1 = models.ForeignKey(ResourceType, models.DO_NOTHING, db_column="resourcetypeid1", default=13)
    resourcegroup2 = models.ForeignKey(
        ResourceGroup, models.DO_NOTHING, db_column="resourcegroupid2", related_name="resourcemap2_set"
    )
    resourcetype2 = models.ForeignKey(
        ResourceType, models.DO_NOTHING, db_column="resourcetypeid2", default=12, related_name="resourcemap2_set"
    )

    class Meta:
        managed = False
        db_table = "resourcemap"
        verbose_name = "resource mapping"

    def __str__(self) -> str:
        return f"group {self.resourcegroup1_id} with group {self.resourcegroup2_id}"


class PrivNode(models.Model):
    """A node of the privilege tree. The root is its own parent."""

    id = MediumKey(primary_key=True)
    parent = models.ForeignKey("self", models.DO_NOTHING, db_column="parent")
    name = LatinField(max_length=50, blank=True, default="")

    class Meta:
        managed = False
        db_table = "privnode"
        verbose_name = "privilege node"

    def __str__(self) -> str:
        return self.name


class ResourcePriv(models.Model):
    """A privilege on a resource group at a node: `available`, …; `block` and `cascade` set the inheritance of it."""

    id = MediumKey(primary_key=True)
    resourcegroup = models.ForeignKey(ResourceGroup, models.DO_NOTHING, db_column="resourcegroupid")
    privnode = models.ForeignKey(PrivNode, models.DO_NOTHING, db_column="privnodeid")
    type = EnumField(
        words=("block", "cascade", "available", "administer", "manageGroup", "manageMapping"), default="block"
    )

    class Meta:
        managed = False
        db_table = "resourcepriv"
        verbose_name = "resource privilege"

    def __str__(self) -> str:
        return f"{self.type} of group {self.resourcegroup_id} at node {self.privnode_id}"


class UserPrivType(models.Model):
    """A privilege of users in the tree, such as `imageCheckOut`; also `block` and `cascade`."""

    id = SmallKey(primary_key=True)
    name = LatinField(max_length=50, unique=True, blank=True, default="")

    class Meta:
        managed = False
        db_table = "userprivtype"
        verbose_name = "privilege type"

    def __str__(self) -> str:
        return self.name


class UserPriv(models.Model):
    """A privilege that a user or a user group has at a node."""

    id = MediumKey(primary_key=True)
    user = models.ForeignKey(User, models.DO_NOTHING, db_column="userid", null=True, blank=True)
    usergroup = models.ForeignKey(UserGroup, models.DO_NOTHING, db_column="usergroupid", null=True, blank=True)
    privnode = models.ForeignKey(PrivNode, models.DO_NOTHING, db_column="privnodeid")
    userprivtype = models.ForeignKey(UserPrivType, models.DO_NOTHING, db_column="userprivtypeid")

    class Meta:
        managed = False
        db_table = "userpriv"
        verbose_name = "user privilege"

    def __str__(self) -> str:
        return f"right {self.userprivtype_id} at node {self.privnode_id}"
