"""Images: their requirements, their load times, and the series that use them."""

from datetime import datetime

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from blockalloc import clock
from blockalloc.admin.base import ReadOnlyAdmin, ReadOnlyInline
from blockalloc.admin.block_requests import (
    decided,
    expires,
    group,
    machines,
    next_time,
    times_to_come,
    with_next_time,
)
from blockalloc.admin.counts import first, holds_production, number_of
from blockalloc.admin.filters import ALL, Choice, ChoiceFilter, InUseFilter
from blockalloc.models import BlockRequest, BlockTime, Computer, Image, ImageRevision, SubImage
from blockalloc.models.scope import scope_of
from blockalloc.pages.columns import column, duration, fact, in_words, link, list_link, person
from blockalloc.pages.vcl_words import INSTALL_TYPES, both_as_text
from blockalloc.store import rows, snapshot

# --- Facts of an image --------------------------------------------------------------------------


@column("Image", ordering="prettyname")
def prettyname(image: Image) -> str:
    """The name for users."""
    return image.prettyname


@column("Operating system", ordering="OS__prettyname")
def operating_system(image: Image) -> str:
    """With its install type, which limits the computers that can load it."""
    install_type = image.OS.installtype_id
    return format_html(
        '{}<span class="quiet">, {}</span>', image.OS.prettyname, both_as_text(INSTALL_TYPES, install_type or "")
    )


@column("Platform", ordering="platform__name")
def platform(image: Image) -> str:
    """An image runs only on computers of its own platform."""
    return image.platform.name


@column("RAM", ordering="minram")
def memory(image: Image) -> str:
    """The minimum for a computer."""
    return f"{image.minram} MB"


@column("Processors", ordering="minprocnumber")
def processors(image: Image) -> str:
    """The minimum for a computer."""
    return f"{image.minprocnumber} × {image.minprocspeed} MHz"


@column("Needs at least", ordering="minram")
def needs(image: Image) -> str:
    """What a computer must have: memory and processors."""
    return format_html('<span class="nowrap">{}</span>', f"{image.minram / 1024:.3g} GB, {processors(image)}")


@column("Network", ordering="minnetwork")
def network(image: Image) -> str:
    """The minimum for a computer."""
    return f"{image.minnetwork} Mbit/s"


@column("Maximum in use at once")
def at_once(image: Image) -> str:
    """How many may be in use at a time, for licences and the like."""
    return "no limit" if image.maxconcurrent is None else f"{image.maxconcurrent}"


@column("Extra computers (cluster)")
def further_computers(image: Image) -> str | None:
    """The images of the further computers of a cluster."""
    if image.imagemeta is None or not image.imagemeta.subimages:
        return None
    subimages = SubImage.objects.filter(imagemeta=image.imagemeta)
    return ", ".join(subimages.order_by("image__prettyname").values_list("image__prettyname", flat=True))


@column("Production revision")
def production(image: Image) -> str:
    """The image revision that is loaded."""
    return fact(image, "revision_name") or "none"


@column("Computers with it", ordering="loaded_on")
def loaded_on(image: Image) -> int:
    """The number of computers that have the production revision now."""
    return int(fact(image, "loaded_on"))


@column("Open series", ordering="open_blocks")
def open_blocks(image: Image) -> int:
    """The number of block requests that have not expired."""
    return int(fact(image, "open_blocks"))


@column("Expected load time")
def load_time(image: Image) -> str:
    """The estimate that reloads are planned with, by the loads of the last 12 months."""
    facts = rows.images(image.pk)[0].image
    text = duration(snapshot.load_seconds(facts, clock.now()))
    return format_html('{} – <a href="{}">load times</a>', text, reverse("admin:load_times", args=[image.pk]))


@column("Default load time")
def reload_time(image: Image) -> str:
    """The load time that counts while there are no loads to learn from."""
    return f"{image.reloadtime} min"


@column("Owner")
def owner(image: Image) -> str | None:
    """The user who maintains it."""
    return person(image, image.owner) if image.owner else None


@column("Removed")
def removed(image: Image) -> bool:
    """Whether it is deleted: VCL keeps the row."""
    return bool(image.deleted)


@column("Description")
def description(image: Image) -> str | None:
    """The description for users."""
    return image.description


@column("Classes")
def all_times(image: Image) -> str:
    """A link to the list of block times with this image."""
    return list_link(BlockTime, "all classes with this image", day=ALL, image=image.pk)


@column("So far")
def so_far(image: Image) -> str:
    """A link to the report of its classes of the last months."""
    address = reverse("admin:semester", query={"image": image.pk})
    return format_html('<a href="{}">what its classes asked for, had and used</a>', address)


# --- Its series and revisions -------------------------------------------------------------------


@column("Series")
def block(request: BlockRequest) -> str | None:
    """A link to the page of the block request."""
    return link(request)


class BlocksInline(ReadOnlyInline[BlockRequest, Image]):
    """The block requests for the image that have not expired and that the person may see."""

    model = BlockRequest
    verbose_name_plural = "open series"
    columns = (block, group, machines, decided, next_time, times_to_come, expires)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BlockRequest]:
        requests = BlockRequest.objects.visible_to(request.user).unexpired().select_related("group__affiliation")
        columns = ("image", "name", "numMachines", "status", "expireTime", "group__name", "group__affiliation__name")
        return with_next_time(requests.only(*columns)).order_by("name", "pk")


@column("Revision")
def revision(row: ImageRevision) -> int:
    return row.revision


@column("File name")
def revision_file(row: ImageRevision) -> str:
    """The file that is loaded."""
    return row.imagename


@column("In production")
def in_production(row: ImageRevision) -> bool:
    """Whether it is the revision that is loaded."""
    return bool(row.production)


@column("Created")
def made(row: ImageRevision) -> datetime:
    """The time of its capture."""
    return row.datecreated


@column("Removed")
def revision_removed(row: ImageRevision) -> str:
    """Whether it is deleted, and when: VCL keeps the row."""
    return f"yes, {in_words(row.datedeleted)}" if row.deleted else "no"


@column("Comments")
def revision_comments(row: ImageRevision) -> str | None:
    """The comments of the person who made it."""
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
    """Whether block requests use images."""

    title = "series"
    parameter_name = "blocks"

    def options(self) -> dict[str, Choice]:
        """In a block request that has not expired, or in none."""
        used = Exists(BlockRequest.objects.within(self.scope).unexpired().filter(image=OuterRef("pk")))
        return {
            ALL: Choice("All", Q()),
            "yes": Choice("In open series", Q(used)),
            "no": Choice("In no open series", ~Q(used)),
        }


_COLUMNS = (
    *"prettyname name minram minprocnumber minprocspeed minnetwork".split(),
    *"maxconcurrent reloadtime deleted description".split(),
    *("OS__prettyname", "OS__installtype", "platform__name", "imagemeta__subimages"),
    *("owner__unityid", "owner__affiliation__name"),
)


@admin.register(Image)
class ImageAdmin(ReadOnlyAdmin[Image]):
    """Images, by name."""

    list_display = (
        prettyname,
        operating_system,
        needs,
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
                (load_time, loaded_on, production),
                (all_times, so_far),
                (at_once, further_computers, reload_time),
                (owner, removed),
                description,
            ),
        ),
        ("What a computer must have", ((operating_system, platform), (memory, processors, network))),
    )
    inlines = (BlocksInline, RevisionsInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Image]:
        """With the production revision, and the numbers of computers that have it and of block requests for it."""
        # Not by `deleted=0`: SQLite would go through all computers by the index of that column, for each image.
        computers = Computer.objects.filter(
            holds_production("imagerevision", "currentimage"), ~Q(deleted__gt=0), currentimage=OuterRef("pk")
        )
        requests = BlockRequest.objects.visible_to(request.user).unexpired().filter(image=OuterRef("pk"))
        return (
            Image.objects.select_related("OS", "platform", "imagemeta", "owner__affiliation")
            .only(*_COLUMNS)
            .annotate(
                revision_name=first(ImageRevision.objects.in_production_for("pk"), "imagename"),
                loaded_on=number_of(computers, "currentimage"),
                open_blocks=number_of(requests, "image"),
                only_affiliation=scope_of(request.user).as_column(),
            )
        )
