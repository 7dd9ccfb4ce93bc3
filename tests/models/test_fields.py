"""Columns behave as VCL's on both databases: zero dates, widths, words, characters, times, keys."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.core.exceptions import FieldError, ValidationError
from django.db import connection, models
from django.db.models import Max, Min

from blockalloc.models import (
    OS,
    Affiliation,
    BlockComputer,
    BlockRequest,
    BlockTime,
    BlockWebDate,
    BlockWebTime,
    Computer,
    Image,
    ImageMeta,
    ImageRevision,
    ManagementNode,
    Request,
    Reservation,
    Schedule,
    ScheduleTime,
    Semaphore,
    SubImage,
    User,
    UserGroup,
    UserGroupMember,
)
from blockalloc.site_time import instant_to_local, local_to_instant

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_new_york(settings: Any) -> None:
    settings.TIME_ZONE = "America/New_York"


@pytest.fixture
def image() -> Image:
    image = Image.objects.create(name="image", prettyname="Image", OS_id=36)
    revision = ImageRevision(id=1, image=image, revision=1, user_id=1, imagename="image-v1", deleted=0, production=1)
    revision.datecreated = utc(2026, 1, 1)
    revision.save(force_insert=True)
    return image


@pytest.fixture
def computer(image: Image) -> Computer:
    return Computer.objects.create(
        hostname="vm1", currentimage=image, nextimage=image, imagerevision_id=1, provisioning_id=1
    )


@pytest.fixture
def node() -> ManagementNode:
    return ManagementNode.objects.create(hostname="mn1", state_id=2)


@pytest.fixture
def block(image: Image) -> BlockRequest:
    return BlockRequest.objects.create(
        name="block", image=image, numMachines=20, owner_id=2, expireTime=utc(2026, 12, 1)
    )


def utc(*parts: int) -> datetime:
    """An instant, given in UTC."""
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def wall_clock(*parts: int) -> datetime:
    """A time without zone."""
    return utc(*parts).replace(tzinfo=None)


def stored(row: models.Model, column: str) -> str:
    """What the table holds, as text, past all conversions of ours and of the driver."""
    on_mariadb = "SELECT CONCAT({column}, '') FROM {table} WHERE id = %s"
    on_sqlite = "SELECT {column} FROM {table} WHERE id = %s"
    return str(run(on_mariadb if connection.vendor == "mysql" else on_sqlite, row, column, row.pk)[0][0])


def write(row: models.Model, column: str, value: str | None) -> None:
    """Put a value into the table as others do, past all conversions of ours."""
    run("UPDATE {table} SET {column} = %s WHERE id = %s", row, column, value, row.pk)


def run(sql: str, row: models.Model, column: str, *values: Any) -> list[Any]:
    """Run SQL on the table and a column of a row."""
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(sql.format(table=quote(row._meta.db_table), column=quote(column)), values)
        return list(cursor.fetchall()) if cursor.description else []


def refused(row: models.Model) -> set[str]:
    """The fields that full_clean() refuses."""
    with pytest.raises(ValidationError) as caught:
        row.full_clean()
    return set(caught.value.error_dict)


class TestLocalTimes:
    """DATETIME columns are the site's wall clock."""

    @pytest.mark.parametrize(
        ("wall", "instant"),
        [
            pytest.param("2026-01-15 12:00:00", utc(2026, 1, 15, 17), id="winter"),
            pytest.param("2026-07-15 12:00:00", utc(2026, 7, 15, 16), id="summer"),
            pytest.param("2026-11-01 01:30:00", utc(2026, 11, 1, 5, 30), id="repeated: the first occurrence"),
            pytest.param("2026-11-01 02:00:00", utc(2026, 11, 1, 7), id="after the repeated hour"),
            pytest.param("2026-03-08 01:59:59", utc(2026, 3, 8, 6, 59, 59), id="before the skipped hour"),
            pytest.param("2026-03-08 02:30:00", utc(2026, 3, 8, 7, 30), id="skipped: an hour later on the clock"),
            pytest.param("2026-03-08 03:00:00", utc(2026, 3, 8, 7), id="after the skipped hour"),
        ],
    )
    def test_wall_clock_is_read_as_an_instant(self, block: BlockRequest, wall: str, instant: datetime) -> None:
        write(block, "expireTime", wall)
        block.refresh_from_db()
        assert block.expireTime.timestamp() == instant.timestamp()

    @pytest.mark.parametrize("wall", ["2026-11-01 01:30:00", "2026-03-08 02:30:00"])
    def test_what_was_read_is_written_back_as_it_was(self, block: BlockRequest, wall: str) -> None:
        write(block, "expireTime", wall)
        block.refresh_from_db()
        block.save()
        assert stored(block, "expireTime") == wall

    @pytest.mark.parametrize(
        ("instant", "wall"),
        [
            (utc(2026, 11, 1, 5, 30), "2026-11-01 01:30:00"),
            (utc(2026, 11, 1, 6, 30), "2026-11-01 01:30:00"),
            (utc(2026, 3, 8, 7, 30), "2026-03-08 03:30:00"),
            (datetime(2026, 1, 15, 12, 0, 0, 999_999, UTC), "2026-01-15 07:00:00"),
            (wall_clock(2026, 3, 8, 2, 30), "2026-03-08 02:30:00"),
        ],
    )
    def test_instant_is_stored_as_the_wall_clock_in_whole_seconds(
        self, block: BlockRequest, instant: datetime, wall: str
    ) -> None:
        block.expireTime = instant
        block.save()
        assert stored(block, "expireTime") == wall

    def test_filters_take_instants(self, block: BlockRequest) -> None:
        block.expireTime = utc(2026, 11, 1, 5, 30)
        block.save()
        found = BlockRequest.objects.filter
        assert found(expireTime=utc(2026, 11, 1, 5, 30)).exists()
        assert found(expireTime__gt=utc(2026, 11, 1, 5, 29)).exists()
        assert not found(expireTime__gt=utc(2026, 11, 1, 5, 30)).exists()
        assert found(expireTime__range=(utc(2026, 11, 1), utc(2026, 11, 2))).exists()
        assert found(expireTime__in=[utc(2026, 11, 1, 5, 30)]).exists()

    def test_extremes_are_instants(self, block: BlockRequest) -> None:
        for hour in (14, 16):
            BlockTime.objects.create(blockRequest=block, start=utc(2026, 11, 30, hour), end=utc(2026, 11, 30, hour + 2))
        extremes = BlockTime.objects.aggregate(first=Min("start"), last=Max("end"))
        assert extremes == {"first": utc(2026, 11, 30, 14), "last": utc(2026, 11, 30, 18)}

    def test_bulk_update_stores_the_wall_clock(self, block: BlockRequest) -> None:
        block.expireTime = utc(2026, 7, 1, 12)
        BlockRequest.objects.bulk_update([block], ["expireTime"])
        assert stored(block, "expireTime") == "2026-07-01 08:00:00"

    @pytest.mark.parametrize("part", ["date", "year", "hour"])
    def test_parts_of_a_time_are_refused(self, part: str) -> None:
        with pytest.raises(FieldError):
            BlockRequest.objects.filter(**{f"expireTime__{part}": 1}).exists()

    def test_helpers_refuse_the_wrong_kind(self) -> None:
        with pytest.raises(ValueError, match="already has a zone"):
            local_to_instant(utc(2026, 1, 1))
        with pytest.raises(ValueError, match="has no zone"):
            instant_to_local(wall_clock(2026, 1, 1))

    def test_block_time_is_named_by_its_hours(self, block: BlockRequest) -> None:
        within = BlockTime(blockRequest=block, start=utc(2026, 11, 30, 14), end=utc(2026, 11, 30, 16))
        beyond = BlockTime(blockRequest=block, start=utc(2026, 11, 30, 14), end=utc(2026, 12, 1, 16))
        assert str(within) == "2026-11-30 09:00–11:00"
        assert str(beyond) == "2026-11-30 09:00–2026-12-01 11:00"


class TestInstants:
    """TIMESTAMP columns are instants."""

    def test_both_occurrences_of_a_repeated_hour_are_told_apart(self, node: ManagementNode) -> None:
        for instant in (utc(2026, 11, 1, 5, 30), utc(2026, 11, 1, 6, 30)):
            node.lastcheckin = instant
            node.save()
            node.refresh_from_db()
            assert node.lastcheckin == instant
            assert stored(node, "lastcheckin") == f"{instant:%Y-%m-%d %H:%M:%S}"
            assert ManagementNode.objects.filter(lastcheckin__gte=instant).exists()

    def test_time_without_zone_is_the_sites(self, node: ManagementNode) -> None:
        node.lastcheckin = wall_clock(2026, 1, 15, 12)
        node.save()
        assert stored(node, "lastcheckin") == "2026-01-15 17:00:00"

    @pytest.mark.parametrize("instant", [utc(1970, 1, 1), utc(2038, 1, 19, 3, 14, 8)])
    def test_beyond_32_bits_is_refused(self, node: ManagementNode, instant: datetime) -> None:
        node.lastcheckin = instant
        assert "lastcheckin" in refused(node)


class TestZeroDates:
    """None is '0000-00-00 00:00:00' where the schema says so."""

    def test_none_is_stored_as_zero_and_read_as_none(self, computer: Computer) -> None:
        assert stored(computer, "datedeleted") == "0000-00-00 00:00:00"
        computer.refresh_from_db()
        assert computer.datedeleted is None
        computer.full_clean()
        computer.save()
        assert stored(computer, "datedeleted") == "0000-00-00 00:00:00"

    def test_none_is_found_by_filters(self, computer: Computer) -> None:
        found = Computer.objects.filter
        assert found(datedeleted=None).exists()
        assert found(datedeleted__isnull=True).exists()
        assert not found(datedeleted__isnull=False).exists()
        assert not Computer.objects.exclude(datedeleted=None).exists()
        assert found(datedeleted__lt=utc(2026, 1, 1)).exists()
        computer.datedeleted = utc(2026, 1, 1)
        computer.save()
        assert not found(datedeleted=None).exists()
        assert found(datedeleted__isnull=False, datedeleted=utc(2026, 1, 1)).exists()

    def test_null_and_zero_are_both_none_where_both_occur(
        self, computer: Computer, image: Image, node: ManagementNode
    ) -> None:
        request = Request.objects.create(state_id=19, laststate_id=19, user_id=2)
        reservation = Reservation.objects.create(
            request=request, computer=computer, image=image, imagerevision_id=1, managementnode=node
        )
        assert stored(reservation, "lastcheck") == "0000-00-00 00:00:00"
        for value in (None, "0000-00-00 00:00:00"):
            write(reservation, "lastcheck", value)
            reservation.refresh_from_db()
            assert reservation.lastcheck is None
            assert Reservation.objects.filter(lastcheck=None).exists()
            assert not Reservation.objects.filter(lastcheck__isnull=False).exists()

    def test_zero_timestamp_is_none(self, node: ManagementNode) -> None:
        assert stored(node, "lastcheckin") == "0000-00-00 00:00:00"
        node.refresh_from_db()
        assert node.lastcheckin is None
        assert ManagementNode.objects.filter(lastcheckin=None).exists()
        assert not ManagementNode.objects.filter(lastcheckin__gt=utc(2026, 1, 1)).exists()

    def test_zero_is_found_over_an_outer_join(self, computer: Computer) -> None:
        assert User.objects.filter(computer__datedeleted__isnull=True, pk=3).exists()


class TestRefusals:
    """full_clean() refuses on both databases what MariaDB would not store."""

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("numMachines", -1),
            ("numMachines", 256),
            ("name", "x" * 81),
            ("name", "snowman ☃"),
            ("repeating", "yearly"),
            ("repeating", "Weekly"),
            ("repeating", ""),
            ("status", None),
            ("comments", "☃"),
            ("comments", "x" * 65_536),
            ("processing", 300),
        ],
    )
    def test_value_that_does_not_fit_is_refused(self, block: BlockRequest, column: str, value: object) -> None:
        setattr(block, column, value)
        assert refused(block) == {column}

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("numMachines", 255),
            ("name", "x" * 80),
            ("name", "café “x” €"),
            ("comments", "x" * 65_535),
            ("comments", None),
        ],
    )
    def test_value_that_just_fits_is_stored(self, block: BlockRequest, column: str, value: object) -> None:
        setattr(block, column, value)
        block.full_clean()
        block.save()
        block.refresh_from_db()
        assert getattr(block, column) == value

    @pytest.mark.parametrize(
        ("field", "most"), [("procspeed", 2**16 - 1), ("RAM", 2**24 - 1), ("procnumber", 2**8 - 1), ("network", 65_535)]
    )
    def test_each_width_has_its_limit(self, computer: Computer, field: str, most: int) -> None:
        setattr(computer, field, most)
        computer.full_clean()
        computer.save()
        setattr(computer, field, most + 1)
        assert refused(computer) == {field}

    def test_keys_have_the_width_too(self) -> None:
        assert "id" in refused(Affiliation(id=2**24, name="x"))

    @pytest.mark.parametrize("key", [0, -1, 2**40])
    def test_looking_for_an_impossible_key_finds_nothing(self, key: int) -> None:
        assert not Image.objects.filter(pk=key).exists()
        assert not BlockRequest.objects.filter(image_id=key).exists()


class TestKeys:
    """Composite keys, and tables that have none."""

    def test_composite_key_finds_its_row(self, block: BlockRequest, computer: Computer) -> None:
        time = BlockTime.objects.create(blockRequest=block, start=utc(2026, 11, 30, 14), end=utc(2026, 11, 30, 16))
        BlockComputer.objects.bulk_create([BlockComputer(blockTime=time, computer=computer, image_id=block.image_id)])
        row = BlockComputer.objects.get(pk=(time.pk, computer.pk))
        assert (row.pk, row.reloadrequestid) == ((time.pk, computer.pk), 0)
        assert str(row) == f"computer {computer.pk}"
        assert str(BlockComputer.objects.select_related("computer").get()) == "vm1"
        assert list(time.blockcomputer_set.values_list("computer__hostname", flat=True)) == ["vm1"]

    def test_members_of_a_group(self) -> None:
        UserGroupMember.objects.create(user_id=3, usergroup_id=3)
        assert list(UserGroup.objects.filter(usergroupmember__user=3)) == [UserGroup.objects.get(pk=3)]

    def test_tables_without_a_key_hold_equal_rows(self, block: BlockRequest, image: Image) -> None:
        meta = ImageMeta.objects.create(subimages=1)
        day = date(2026, 11, 30)
        hours: dict[str, Any] = {"starthour": 9, "startminute": 0, "startmeridian": "am"}
        hours |= {"endhour": 11, "endminute": 0, "endmeridian": "am", "order": 0}
        for _ in range(2):
            SubImage.objects.create(imagemeta=meta, image=image)
            BlockWebDate.objects.create(blockRequest=block, start=day, end=day, days=0)
            BlockWebTime.objects.create(blockRequest=block, **hours)
        ScheduleTime.objects.bulk_create([ScheduleTime(schedule_id=1, start=0, end=10080)])
        assert list(SubImage.objects.values_list("image_id", flat=True)) == [image.pk, image.pk]
        assert [row.start for row in BlockWebDate.objects.all()] == [day, day]
        assert [str(row) for row in BlockWebTime.objects.all()] == ["9:00 am–11:00 am"] * 2
        assert [str(row) for row in Schedule.objects.get(pk=1).scheduletime_set.all()] == ["Sun 00:00–Sat 24:00"] * 2

    def test_claims_are_rows_without_a_key(self, computer: Computer, image: Image, node: ManagementNode) -> None:
        claim = Semaphore(computer=computer, image=image, imagerevision_id=1, managementnode=node, procid="x")
        claim.expires = utc(2026, 11, 1, 6, 30)
        Semaphore.objects.bulk_create([claim, claim])
        assert Semaphore.objects.filter(expires__gte=utc(2026, 11, 1, 6, 30)).count() == 2
        assert Semaphore.objects.filter(procid="X").update(procid="held", expires=utc(2026, 11, 1, 7)) == 2
        assert {row.expires for row in Semaphore.objects.all()} == {utc(2026, 11, 1, 7)}
        assert Semaphore.objects.filter(procid="held").delete()[0] == 2

    def test_install_types_are_referred_to_by_name(self) -> None:
        assert OS.objects.get(name="vmwarelinux").installtype_id == "vmware"
        assert OS.objects.filter(installtype__name="vmware", type__name="linux").exists()


class TestDefaults:
    """Columns that are left out have the schema's default."""

    def test_request(self) -> None:
        request = Request.objects.create(state_id=19, laststate_id=19, user_id=2)
        request.refresh_from_db()
        assert (request.checkuser, request.forimaging, request.log_id, request.start) == (1, 0, None, None)

    def test_block_request(self, block: BlockRequest) -> None:
        block.refresh_from_db()
        assert (block.processing, block.status, block.repeating, block.group_id) == (0, "accepted", "weekly", None)

    def test_text_compares_without_case(self, computer: Computer) -> None:
        assert Computer.objects.filter(hostname="VM1").exists()


def test_users_are_named_with_their_affiliation_where_that_costs_nothing(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        assert str(User.objects.get(pk=3)) == "vclsystem"
        assert str(User.objects.select_related("affiliation").get(pk=3)) == "vclsystem@Local"
