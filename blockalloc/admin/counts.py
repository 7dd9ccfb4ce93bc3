"""Further columns of lists, as subqueries, so that a list takes one query whatever its length."""

from typing import Any

from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from blockalloc.models import BlockComputer, ImageRevision, SubImage


def number_of(rows: QuerySet[Any], by: str) -> Combinable:
    """The number of `rows` that refer to the outer row by the column `by`."""
    # Without an order, which would become part of the grouping.
    counted = rows.order_by().values(by).annotate(number=Count(by)).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), Value(0))


def first(rows: QuerySet[Any], column: str) -> Subquery:
    """A column of the first of `rows`."""
    return Subquery(rows.values(column)[:1])


def loaded(computers: QuerySet[BlockComputer]) -> QuerySet[BlockComputer]:
    """The block computers that have the production revision of their image now."""
    return computers.filter(holds_production("computer__imagerevision", "image"))


def holds_production(revision: str, image: str) -> Exists:
    """Whether the revision is the image's production revision.

    A condition and not a join: a database without statistics would begin with all revisions in production.
    """
    return Exists(ImageRevision.objects.filter(pk=OuterRef(revision), image=OuterRef(image), production=1))


def computers_of_machine(meta: str) -> Combinable:
    """The number of computers that make one machine of an image: more than one for a cluster."""
    subimages = SubImage.objects.filter(imagemeta=OuterRef(meta), imagemeta__subimages=1)
    return Value(1) + number_of(subimages, "imagemeta")
