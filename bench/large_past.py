"""The closing rows of some years of classes on the large site."""

from collections.abc import Iterator
from datetime import UTC, timedelta
from random import Random

from bench.large_site import NOW, Site, Value, id_of, insert

_COLUMNS = (
    "block_time_id block_request_id block_name image_id image_name user_group owner affiliation_id start end wanted "
    "had ready_at_start ready_after_five replaced loaded_again added asked_by used_at_peak used_in_the_mean closed"
)
_FIRST_ID = 1_000_000  # VCL's rows of these classes are gone
_A_DAY = 60  # classes


def build(site: Site) -> None:
    """Write them, the latest of them today."""
    insert("blockalloc_class_held", _COLUMNS, _rows(site))


def _rows(site: Site) -> Iterator[tuple[Value, ...]]:
    random = Random("closing rows")
    eight = NOW.replace(hour=0, minute=0).astimezone(UTC).replace(tzinfo=None)
    for n in range(site.sizes.closing_rows):
        place = random.randrange(len(site.machines))
        start = eight - timedelta(days=n // _A_DAY) + timedelta(hours=random.choice((5, 6, 7)) if n < _A_DAY else 14)
        wanted = site.machines[place]
        had = wanted - (3 if n % 10 == 3 else 0)
        ready = had - (1 if n % 7 == 0 else 0)
        used = random.randrange(had + 1)
        yield (
            _FIRST_ID + n, id_of(place), f"Class {place:03} laboratory", site.image(place), f"image {place}",
            f"CS{place % 200:03} section {place % 7}@{place % 3}", f"user{place}@{place % 3}", site.affiliation(place),
            f"{start:%Y-%m-%d %H:%M:%S}", f"{start + timedelta(hours=1 + n % 2):%Y-%m-%d %H:%M:%S}", wanted, had,
            ready if n % 20 else None, had, n % 3 == 0, 0, 0, "XMLRPCprocessBlockTime, vclsystem@Local",
            used if n % 20 else None, f"{used * 0.7:.1f}" if n % 20 else None, 1,
        )  # fmt: skip
