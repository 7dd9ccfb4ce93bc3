"""Which classes are of a lab: a *lab* is a resource group of computers.

A class is of a lab if it has computers of it. If it has none (yet, or any more), it is if its image is mapped to the
lab: its computers would come from there. Each condition is one for a whole table; none grows with the computers.
"""

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

if TYPE_CHECKING:
    from blockalloc.models.privileges import ResourceGroup


def labs() -> "QuerySet[ResourceGroup]":
    """The labs of the site that have any computers, by name."""
    members = _rows("ResourceGroupMember").filter(resourcegroup=OuterRef("pk"))
    found: QuerySet[ResourceGroup] = _rows("ResourceGroup").filter(Exists(members), resourcetype__name="computer")
    return found.order_by("name", "pk")


def computers_of(lab: int) -> QuerySet[Any]:
    """The ids of the lab's computers, for conditions (`computer__in`)."""
    return _members("computer").filter(resourcegroupmember__resourcegroup=lab).values("subid")


def images_of(lab: int) -> QuerySet[Any]:
    """The ids of the images that are mapped to the lab, for conditions."""
    groups = _rows("ResourceMap").filter(resourcegroup2=lab).values("resourcegroup1")
    return _members("image").filter(resourcegroupmember__resourcegroup__in=groups).values("subid")


def class_in_lab(lab: int) -> Q:
    """The condition for block times that are classes of the lab."""
    # By the lab's computers, once, and not by the computers of each class: those are many more.
    with_computers = _rows("BlockComputer").filter(computer__in=computers_of(lab)).values("blockTime")
    has_any = Exists(_rows("BlockComputer").filter(blockTime=OuterRef("pk")))
    return Q(pk__in=with_computers) | (Q(blockRequest__image__in=images_of(lab)) & ~Q(has_any))


def about_class_in_lab(lab: int) -> Q:
    """The condition for rows that outlive the class that they are about; if it is gone, their own image counts.

    They have the class in `block_time_id` and its image in `image_id`.
    """
    classes = _rows("BlockTime").filter(class_in_lab(lab)).values("pk")
    is_there = Exists(_rows("BlockTime").filter(pk=OuterRef("block_time_id")))
    return Q(block_time_id__in=classes) | (Q(image_id__in=images_of(lab)) & ~Q(is_there))


def series_in_lab(lab: int) -> Q:
    """The condition for block requests with a class of the lab; without any class, those for an image of the lab."""
    classes = _rows("BlockTime").filter(class_in_lab(lab)).values("blockRequest")
    has_any = Exists(_rows("BlockTime").filter(blockRequest=OuterRef("pk")))
    return Q(pk__in=classes) | (Q(image__in=images_of(lab)) & ~Q(has_any))


def _members(kind: str) -> QuerySet[Any]:
    """The resources of a type, whose `subid` is the id of a row."""
    return _rows("Resource").filter(resourcetype__name=kind)


def _rows(model: str) -> QuerySet[Any]:
    table: type[Model] = apps.get_model("blockalloc", model)
    return table._default_manager.all()
