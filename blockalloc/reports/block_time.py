"""The computers of a block time, with the time and the management node of each reload. For shells and scripts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.conf import settings
from django.db.models import QuerySet

from blockalloc.models import BlockComputer, BlockTime, SubImage
from blockalloc.models.naming import span, with_affiliation
from blockalloc.site_time import site_zone
from scheduling import wording
from scheduling.class_numbers import allocated_and_spares

_COLUMNS = ("computer", "type", "image", "image now", "reload starts", "reload ends", "management node")


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A computer of a block time. When VCL has removed its reload, there are no times and no management node."""

    computer: str
    type: str
    image: str
    already_loaded: bool  # the image's production revision is on it now
    reload_start: datetime | None
    reload_end: datetime | None
    management_node: str | None

    @property
    def loading(self) -> str:
        """`already_loaded` in words."""
        return "already loaded" if self.already_loaded else "must load"


@dataclass(frozen=True, slots=True)
class AllocationReport:
    """A block time and its computers; times are site time.

    `allocated` counts whole machines, up to those wanted; `spares` those beyond.
    """

    block_time_id: int
    block: str
    image: str
    user_group: str | None
    start: datetime
    end: datetime
    wanted: int
    allocated: int
    spares: int
    rows: Sequence[ReportRow]


def allocation_report(block_time_id: int) -> AllocationReport:
    """The report of a block time as it is now. Raises BlockTime.DoesNotExist."""
    time = BlockTime.objects.select_related("blockRequest__image__imagemeta", "blockRequest__group__affiliation").get(
        pk=block_time_id
    )
    request = time.blockRequest
    computers = list(_computers(block_time_id))
    wanted = request.numMachines
    by_image = Counter(each.image_id for each in computers)
    allocated, spares = allocated_and_spares(_image_ids(time), by_image, wanted)
    return AllocationReport(
        block_time_id=time.pk,
        block=request.name,
        image=request.image.prettyname,
        user_group=with_affiliation(request.group, request.group.name) if request.group else None,
        start=time.start,
        end=time.end,
        wanted=wanted,
        allocated=allocated,
        spares=spares,
        rows=sorted(map(_row, computers), key=_by_reload),
    )


def as_text(report: AllocationReport) -> str:
    """A heading and, if there are computers, a table."""
    group = f" for {report.user_group}" if report.user_group else ""
    heading = (
        f"Block time {report.block_time_id}, {report.block}: {report.image}{group}, "
        f"{span(report.start, report.end)} ({settings.TIME_ZONE}), "
        f"{wording.allocated(report.allocated, report.wanted, report.spares)}"
    )
    return "\n".join([heading, "", *table(report.rows)]) if report.rows else heading


def table(rows: Sequence[ReportRow]) -> list[str]:
    """The lines of an aligned table of computers."""
    lines = [_COLUMNS, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * width for width in widths))
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def _cells(row: ReportRow) -> tuple[str, ...]:
    start, end = _site_time(row.reload_start), _site_time(row.reload_end)
    return (row.computer, row.type, row.image, row.loading, start, end, row.management_node or "-")


def _site_time(moment: datetime | None) -> str:
    return f"{moment.astimezone(site_zone()):%Y-%m-%d %H:%M:%S}" if moment else "-"


def _computers(block_time_id: int) -> QuerySet[BlockComputer]:
    """The block computers, in one query."""
    return (
        BlockComputer.objects.filter(blockTime=block_time_id)
        .select_related("computer", "image")
        .only("blockTime", "computer__hostname", "computer__type", "computer__imagerevision", "image__prettyname")
        .with_reload()
    )


def _row(block_computer: BlockComputer) -> ReportRow:
    computer = block_computer.computer
    start, end, node, production_id = (
        getattr(block_computer, name) for name in ("reload_start", "reload_end", "reload_node", "production_id")
    )
    return ReportRow(
        computer=computer.hostname,
        type=computer.type,
        image=block_computer.image.prettyname,
        already_loaded=computer.imagerevision_id == production_id,
        reload_start=cast("datetime | None", start),
        reload_end=cast("datetime | None", end),
        management_node=cast("str | None", node),
    )


def _by_reload(row: ReportRow) -> tuple[float, str]:
    """The sort key: by start of the reload; computers without a reload come first."""
    return (row.reload_start.timestamp() if row.reload_start else 0.0, row.computer)


def _image_ids(time: BlockTime) -> list[int]:
    """The images of one machine: for a cluster, one for each of its computers."""
    image = time.blockRequest.image
    image_ids = [image.pk]
    if image.imagemeta is not None and image.imagemeta.subimages:
        image_ids += SubImage.objects.filter(imagemeta=image.imagemeta).values_list("image_id", flat=True)
    return image_ids
