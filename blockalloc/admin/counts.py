"""Further columns of lists, as subqueries, so that a list takes one query whatever its length."""

from typing import Any

from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from blockalloc.models import BlockComputer, BlockTime, ImageRevision, SubImage


def number_of(rows: QuerySet[Any], by: str) -> Combinable:
    """The number of `rows` that refer to the outer row by the column `by`."""
    # Without an order, which would become part of the grouping.
    counted = rows.order_by().values(by).annotate(number=Count(by)).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), Value(0))


def first(rows: QuerySet[Any], column: str) -> Subquery:
    """A column of the first of `rows`."""
    return Subquery(rows.values(column)[:1])


def holds_production(revision: str, image: str) -> Exists:
    """Whether the revision is the image's production revision.

    A condition and not a join: a database without statistics would begin with all revisions in production.
    """
    return Exists(ImageRevision.objects.filter(pk=OuterRef(revision), image=OuterRef(image), production=1))


def computers_of_machine(meta: str) -> Combinable:
    """The number of computers that make one machine of an image: more than one for a cluster."""
    subimages = SubImage.objects.filter(imagemeta=OuterRef(meta), imagemeta__subimages=1)
    return Value(1) + number_of(subimages, "imagemeta")


_IMAGE, _META = "blockRequest__image", "blockRequest__image__imagemeta"


def _computers_with(time: str | OuterRef, image: str) -> QuerySet[BlockComputer]:
    """The computers of an outer block time that are to have an outer image.

    A sum has no index: SQLite would find the rows by their image, which thousands share, and not by their block time.
    """
    rows = BlockComputer.objects.filter(blockTime=OuterRef(time)).alias(image_number=F("image") + 0)
    return rows.filter(image_number=OuterRef(image))


def to_count_machines(times: QuerySet[BlockTime]) -> QuerySet[BlockTime]:
    """Block times with what `lacks_machines` needs; only a query that asks for it pays for it."""
    own = _computers_with("pk", _IMAGE)
    same = SubImage.objects.filter(imagemeta=OuterRef(_META), imagemeta__subimages=1, image=OuterRef(_IMAGE))
    return times.alias(
        of_image=number_of(own, "blockTime"),
        of_image_each=Value(1) + number_of(same, "imagemeta"),
    )


def lacks_machines() -> Q:
    """The condition for block times that have fewer whole machines than they want: see scheduling.machines.

    For an image of the machine they have too few computers.
    """
    own = _computers_with(OuterRef("pk"), "image")
    same = SubImage.objects.filter(imagemeta=OuterRef("imagemeta"), image=OuterRef("image"))
    further = SubImage.objects.filter(imagemeta=OuterRef(_META), imagemeta__subimages=1)
    further = further.exclude(image=OuterRef(_IMAGE)).alias(
        present=number_of(own, "blockTime"), each=number_of(same, "imagemeta")
    )
    lacking = further.filter(present__lt=F("each") * OuterRef("blockRequest__numMachines"))
    return Q(of_image__lt=F("of_image_each") * F("blockRequest__numMachines")) | Q(Exists(lacking))
