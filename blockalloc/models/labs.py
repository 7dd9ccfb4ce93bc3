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


def class_in_lab(lab: int, key: str = "pk", image: str = "blockRequest__image") -> Q:
    """The condition for rows about a class, with its id in the column `key`, and its image in `image`."""
    computers = _rows("BlockComputer").filter(blockTime=OuterRef(key))
    has_some = Exists(computers.filter(computer__in=computers_of(lab)))
    return Q(has_some) | (Q(**{f"{image}__in": images_of(lab)}) & ~Q(Exists(computers)))


def series_in_lab(lab: int) -> Q:
    """The condition for block requests with a class of the lab; without any class, those for an image of the lab."""
    times = _rows("BlockTime").filter(blockRequest=OuterRef("pk"))
    has_some = Exists(times.filter(class_in_lab(lab)))
    return Q(has_some) | (Q(image__in=images_of(lab)) & ~Q(Exists(times)))


def _members(kind: str) -> QuerySet[Any]:
    """The resources of a type, whose `subid` is the id of a row."""
    return _rows("Resource").filter(resourcetype__name=kind)


def _rows(model: str) -> QuerySet[Any]:
    table: type[Model] = apps.get_model("blockalloc", model)
    return table._default_manager.all()
