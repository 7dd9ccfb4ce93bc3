"""Images: what they need, how long they load, which blocks use them."""

from datetime import datetime

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from blockalloc import clock
from blockalloc.admin.base import ReadOnlyAdmin, ReadOnlyInline
from blockalloc.admin.block_requests import (
    expires,
    group,
    machines,
    next_time,
    request_status,
    times_to_come,
    with_next_time,
)
from blockalloc.admin.counts import first, holds_production, number_of
from blockalloc.admin.filters import ALL, Choice, ChoiceFilter, InUseFilter
from blockalloc.models import BlockRequest, BlockTime, Computer, Image, ImageRevision, SubImage
from blockalloc.models.scope import scope_of
from blockalloc.pages.columns import column, duration, fact, in_words, link, list_link, person
from blockalloc.store import rows, snapshot

# --- Facts of an image --------------------------------------------------------------------------


@column("Image", ordering="prettyname")
def prettyname(image: Image) -> str:
    """What users call it."""
    return image.prettyname


@column("Operating system", ordering="OS__prettyname")
def operating_system(image: Image) -> str:
    """With the way it is installed, which decides on which computers it can be."""
    return f"{image.OS.prettyname} ({image.OS.installtype_id})"


@column("Platform", ordering="platform__name")
def platform(image: Image) -> str:
    """It runs on its own platform only."""
    return image.platform.name


@column("RAM", ordering="minram")
def memory(image: Image) -> str:
    """The least that a computer must have."""
    return f"{image.minram} MB"


@column("Processors", ordering="minprocnumber")
def processors(image: Image) -> str:
    """The least that a computer must have."""
    return f"{image.minprocnumber} × {image.minprocspeed} MHz"


@column("Network", ordering="minnetwork")
def network(image: Image) -> str:
    """The least that a computer must have."""
    return f"{image.minnetwork} Mbit/s"


@column("In use at once")
def at_once(image: Image) -> str:
    """Licences and the like."""
    return "any number" if image.maxconcurrent is None else f"at most {image.maxconcurrent}"


@column("Further computers")
def further_computers(image: Image) -> str | None:
    """Those that a cluster needs beside the first."""
    if image.imagemeta is None or not image.imagemeta.subimages:
        return None
    found = SubImage.objects.filter(imagemeta=image.imagemeta)
    return ", ".join(found.order_by("image__prettyname").values_list("image__prettyname", flat=True))


@column("Production revision")
def production(image: Image) -> str:
    """The one that is loaded."""
    return fact(image, "revision_name") or "none"


@column("Computers with it", ordering="loaded_on")
def loaded_on(image: Image) -> int:
    """How many computers hold that revision now."""
    return int(fact(image, "loaded_on"))


@column("Open blocks", ordering="open_blocks")
def open_blocks(image: Image) -> int:
    """Requests that are not over."""
    return int(fact(image, "open_blocks"))


@column("Expected load time")
def load_time(image: Image) -> str:
    """What blocks are planned with: what loads took in the last 12 months."""
    found = rows.images(image.pk)[0].image
    text = duration(snapshot.load_seconds(found, clock.now()))
    return format_html('{} – <a href="{}">load times</a>', text, reverse("admin:load_times", args=[image.pk]))


@column("If it was never loaded")
def reload_time(image: Image) -> str:
    """What counts while there are no loads to learn from."""
    return f"{image.reloadtime} min"


@column("Owner")
def owner(image: Image) -> str | None:
    """Who sees to it."""
    return person(image, image.owner) if image.owner else None


@column("Removed")
def removed(image: Image) -> bool:
    """VCL keeps the row."""
    return bool(image.deleted)


@column("Description")
def description(image: Image) -> str | None:
    """For users."""
    return image.description


@column("Block times")
def all_times(image: Image) -> str:
    """The way to the lists."""
    return list_link(BlockTime, "all times of blocks with this image", day=ALL, image=image.pk)


# --- Its blocks and revisions -------------------------------------------------------------------


@column("Block")
def block(request: BlockRequest) -> str | None:
    """To the page of the request."""
    return link(request)


class BlocksInline(ReadOnlyInline[BlockRequest, Image]):
    """The requests for the image that are not over, of those that are to be seen."""

    model = BlockRequest
    verbose_name_plural = "open blocks"
    columns = (block, group, machines, request_status, next_time, times_to_come, expires)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BlockRequest]:
        """By name."""
        requests = BlockRequest.objects.visible_to(request.user).unexpired().select_related("group__affiliation")
        columns = ("image", "name", "numMachines", "status", "expireTime", "group__name", "group__affiliation__name")
        return with_next_time(requests.only(*columns)).order_by("name", "pk")


@column("Revision")
def revision(row: ImageRevision) -> int:
    """Its number."""
    return row.revision


@column("File name")
def revision_file(row: ImageRevision) -> str:
    """What is loaded."""
    return row.imagename


@column("In production")
def in_production(row: ImageRevision) -> bool:
    """Whether this one is loaded."""
    return bool(row.production)


@column("Made")
def made(row: ImageRevision) -> datetime:
    """When it was captured."""
    return row.datecreated


@column("Removed")
def revision_removed(row: ImageRevision) -> str:
    """VCL keeps the row."""
    return f"yes, {in_words(row.datedeleted)}" if row.deleted else "no"


@column("Comments")
def revision_comments(row: ImageRevision) -> str | None:
    """What its maker says."""
    return row.comments


class RevisionsInline(ReadOnlyInline[ImageRevision, Image]):
    """All revisions of the image."""

    model = ImageRevision
    verbose_name_plural = "revisions"
    columns = (revision, revision_file, in_production, made, revision_removed, revision_comments)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImageRevision]:
        """The newest first."""
        return ImageRevision.objects.order_by("-revision", "-pk")


# --- List and page ------------------------------------------------------------------------------


class InBlocksFilter(ChoiceFilter):
    """Whether blocks use images."""

    title = "blocks"
    parameter_name = "blocks"

    def options(self) -> dict[str, Choice]:
        """In open blocks or not."""
        used = Exists(BlockRequest.objects.within(self.scope).unexpired().filter(image=OuterRef("pk")))
        return {
            ALL: Choice("All", Q()),
            "yes": Choice("In open blocks", Q(used)),
            "no": Choice("In no open block", ~Q(used)),
        }


_COLUMNS = (
    *"prettyname name minram minprocnumber minprocspeed minnetwork".split(),
    *"maxconcurrent reloadtime deleted description".split(),
    *("OS__prettyname", "OS__installtype", "platform__name", "imagemeta__subimages"),
    *("owner__unityid", "owner__affiliation__name"),
)


@admin.register(Image)
class ImageAdmin(ReadOnlyAdmin[Image]):
    """Images."""

    list_display = (
        prettyname,
        operating_system,
        platform,
        memory,
        processors,
        production,
        loaded_on,
        open_blocks,
    )
    list_filter = (InBlocksFilter, InUseFilter)
    search_fields = ("prettyname", "name", "OS__prettyname")
    search_help_text = "Search by image, file name or operating system"
    ordering = ("prettyname", "pk")
    sections = (
        (
            None,
            (
                (production, loaded_on),
                (load_time, reload_time),
                (at_once, further_computers),
                (owner, removed),
                all_times,
                description,
            ),
        ),
        ("What a computer must have", ((operating_system, platform), (memory, processors, network))),
    )
    inlines = (BlocksInline, RevisionsInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Image]:
        """With what is loaded and what is asked for."""
        holding = Computer.objects.filter(
            holds_production("imagerevision", "currentimage"), deleted=0, currentimage=OuterRef("pk")
        )
        requests = BlockRequest.objects.visible_to(request.user).unexpired().filter(image=OuterRef("pk"))
        return (
            Image.objects.select_related("OS", "platform", "imagemeta", "owner__affiliation")
            .only(*_COLUMNS)
            .annotate(
                revision_name=first(ImageRevision.objects.in_production_for("pk"), "imagename"),
                loaded_on=number_of(holding, "currentimage"),
                open_blocks=number_of(requests, "image"),
                only_affiliation=scope_of(request.user).as_column(),
            )
        )
