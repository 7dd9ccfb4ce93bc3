"""Column types exactly as VCL's tables have them.

MariaDB refuses 300 in a tinyint, a word that an enum does not have and a snowman in a latin1 column; SQLite stores
all three. The validators here make `full_clean()` refuse them on both, so that a value which the demo site or a test
accepts is accepted by a real site too.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import lookups
from django.db.models.expressions import Combinable, Expression
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone

from blockalloc import check_ins
from blockalloc.site_time import instant_to_local, instant_to_utc, local_to_instant

_ST = TypeVar("_ST", contravariant=True)
_GT = TypeVar("_GT", covariant=True)

if not TYPE_CHECKING and not hasattr(models.Field, "__class_getitem__"):
    # The type stubs give Django's fields type parameters (set type, get type); Django's own classes have none.
    models.Field.__class_getitem__ = classmethod(lambda cls, _parameters: cls)

ZERO = "0000-00-00 00:00:00"  # what VCL stores in a NOT NULL DATETIME that has no value


def _is_mysql(connection: BaseDatabaseWrapper) -> bool:
    return connection.vendor == "mysql"


# --- Text -------------------------------------------------------------------------------------


def fits_latin1(value: str) -> bool:
    """Whether a `latin1` column can hold `value`: MariaDB refuses even to compare it with anything else."""
    try:
        validate_latin1(value)
    except ValidationError:
        return False
    return True


def validate_latin1(value: str) -> None:
    """Refuse characters that a `latin1` column cannot hold (MariaDB's latin1 is Windows' cp1252)."""
    try:
        value.encode("cp1252")
    except UnicodeEncodeError as error:
        character = value[error.start]
        raise ValidationError(
            "%(character)r cannot be stored: the column holds western European characters only.",
            code="latin1",
            params={"character": character},
        ) from error


class LatinField(models.CharField[_ST, _GT]):
    """varchar(n) in latin1."""

    default_validators = [validate_latin1]


class EnumField(models.CharField[_ST, _GT]):
    """enum('a','b'): one of a few words. `full_clean()` refuses all others."""

    def __init__(self, *, words: Sequence[str], **kwargs: Any) -> None:
        self.words = tuple(words)
        kwargs["choices"] = [(word, word) for word in self.words]
        kwargs["max_length"] = max(map(len, self.words))
        super().__init__(**kwargs)

    def deconstruct(self) -> Any:
        """As Field's, with `words` in the place of choices and length."""
        name, path, args, kwargs = super().deconstruct()
        del kwargs["choices"], kwargs["max_length"]
        return name, path, args, {"words": self.words, **kwargs}

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        """The enum itself, or a varchar that is wide enough."""
        if _is_mysql(connection):
            return f"enum({','.join(repr(word) for word in self.words)})"
        return f"varchar({self.max_length})"


class LatinTextField(models.TextField[_ST, _GT]):
    """text in latin1: up to 65,535 characters."""

    sql_type: ClassVar[str] = "text"
    default_validators = [validate_latin1, MaxLengthValidator(2**16 - 1)]

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        """MariaDB has a type for each size, SQLite one for all."""
        return self.sql_type if _is_mysql(connection) else "text"


class MediumLatinTextField(LatinTextField[_ST, _GT]):
    """mediumtext in latin1: up to 16 million characters."""

    sql_type = "mediumtext"
    default_validators = [validate_latin1, MaxLengthValidator(2**24 - 1)]


class LongLatinTextField(LatinTextField[_ST, _GT]):
    """longtext in latin1."""

    sql_type = "longtext"
    default_validators = [validate_latin1]


class BlobField(models.BinaryField[_ST, _GT]):
    """blob: up to 65,535 bytes."""

    default_validators = [MaxLengthValidator(2**16 - 1)]

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        """The same type in both databases."""
        return "blob"


# --- Whole numbers ----------------------------------------------------------------------------


def _between(low: int, high: int) -> list[Callable[[Any], None]]:
    return [MinValueValidator(low), MaxValueValidator(high)]


class _UnsignedColumn:
    """The column type of an unsigned number, for itself and for foreign keys to it."""

    sql_type: ClassVar[str]

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return self.sql_type if _is_mysql(connection) else "integer"

    def rel_db_type(self, connection: BaseDatabaseWrapper) -> str:
        return self.sql_type if _is_mysql(connection) else "integer"


class TinyField(_UnsignedColumn, models.PositiveSmallIntegerField[_ST, _GT]):
    """tinyint unsigned, 0 to 255. VCL's yes/no columns are such numbers too."""

    sql_type = "tinyint unsigned"
    default_validators = _between(0, 2**8 - 1)


class SmallField(_UnsignedColumn, models.PositiveSmallIntegerField[_ST, _GT]):
    """smallint unsigned, 0 to 65,535."""

    sql_type = "smallint unsigned"
    default_validators = _between(0, 2**16 - 1)


class MediumField(_UnsignedColumn, models.PositiveIntegerField[_ST, _GT]):
    """mediumint unsigned, 0 to 16,777,215."""

    sql_type = "mediumint unsigned"
    default_validators = _between(0, 2**24 - 1)


class IntField(_UnsignedColumn, models.PositiveIntegerField[_ST, _GT]):
    """int unsigned, 0 to 4,294,967,295."""

    sql_type = "int unsigned"
    default_validators = _between(0, 2**32 - 1)


class _UnsignedKey(_UnsignedColumn):
    """A primary key that the database numbers by itself."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return f"{self.sql_type} AUTO_INCREMENT" if _is_mysql(connection) else "integer"

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        # Django refuses key 0 on MySQL with a ValueError even in a look-up, where it just means "no such row";
        # callers send us such keys.
        return value if prepared else self.get_prep_value(value)

    if TYPE_CHECKING:

        def get_prep_value(self, value: Any) -> Any: ...


class TinyKey(_UnsignedKey, models.SmallAutoField[_ST, _GT]):  # type: ignore[misc]  # a flaw of the stubs
    """tinyint unsigned auto_increment."""

    sql_type = "tinyint unsigned"
    default_validators = _between(0, 2**8 - 1)


class SmallKey(_UnsignedKey, models.SmallAutoField[_ST, _GT]):  # type: ignore[misc]  # a flaw of the stubs
    """smallint unsigned auto_increment."""

    sql_type = "smallint unsigned"
    default_validators = _between(0, 2**16 - 1)


class MediumKey(_UnsignedKey, models.AutoField[_ST, _GT]):  # type: ignore[misc]  # a flaw of the stubs
    """mediumint unsigned auto_increment."""

    sql_type = "mediumint unsigned"
    default_validators = _between(0, 2**24 - 1)


class IntKey(_UnsignedKey, models.AutoField[_ST, _GT]):  # type: ignore[misc]  # a flaw of the stubs
    """int unsigned auto_increment."""

    sql_type = "int unsigned"
    default_validators = _between(0, 2**32 - 1)


# --- Times ------------------------------------------------------------------------------------


class _ClockField(models.DateTimeField[_ST, _GT]):
    """A time in whole seconds that does its own conversions.

    It is a DateTimeField to forms, admin and filters, but not to the database backends: they would convert by the
    connection's zone, and fail on zero dates. Values go to the database as text, which both databases compare
    and sort as times.
    """

    sql_type: ClassVar[str]

    def get_internal_type(self) -> str:
        """A name that no backend knows, so that none converts."""
        return "VclTimeField"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        """Text on SQLite, whose driver would convert columns of the declared type `datetime`."""
        return self.sql_type if _is_mysql(connection) else "text"

    def get_transform(self, lookup_name: str) -> Any:
        """None: `__date`, `__year` … would use the backends' own idea of the column's zone."""
        return None

    def to_python(self, value: Any) -> datetime | None:
        """Forms and fixtures: a time without zone is the site's."""
        moment = super().to_python(value)
        return local_to_instant(moment) if moment is not None and timezone.is_naive(moment) else moment

    def get_prep_value(self, value: Any) -> str | None:
        """The text that is stored and compared with."""
        value = models.Field.get_prep_value(self, value)
        moment = value if value is None or isinstance(value, datetime) else super().to_python(value)
        return None if moment is None else self.column_text(moment)

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        """The same text for every database."""
        return value if prepared else self.get_prep_value(value)

    def from_db_value(
        self, value: datetime | str | None, _expression: Expression, _connection: BaseDatabaseWrapper
    ) -> datetime | None:
        """Text from SQLite; datetimes from MariaDB, where the driver makes None of a zero date."""
        if isinstance(value, str):
            value = None if value.startswith("0000-") else datetime.fromisoformat(value)
        return None if value is None else self.moment(value)

    def column_text(self, moment: datetime) -> str:
        """The column's text for `moment`; one without a zone is site time."""
        raise NotImplementedError

    def moment(self, stored: datetime) -> datetime:
        """The aware datetime for the column's value."""
        raise NotImplementedError


class LocalTimeField(_ClockField[_ST, _GT]):
    """DATETIME: site time in the table, an aware datetime in the site's zone in Python."""

    sql_type = "datetime"

    def column_text(self, moment: datetime) -> str:
        """Site time; a moment without a zone is site time already and is kept to the letter."""
        wall = moment.replace(microsecond=0) if timezone.is_naive(moment) else instant_to_local(moment)
        return wall.isoformat(" ")

    def moment(self, stored: datetime) -> datetime:
        """In the site's zone; `site_time` has the rule for repeated and skipped times."""
        return local_to_instant(stored)


class InstantField(_ClockField[_ST, _GT]):
    """TIMESTAMP: an instant, in UTC because the session's time zone is +00:00; an aware datetime in UTC in Python."""

    sql_type = "timestamp"
    # A TIMESTAMP is 32 bits of seconds; 0 means the zero date.
    default_validators = [
        MinValueValidator(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
        MaxValueValidator(datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC)),
    ]

    def column_text(self, moment: datetime) -> str:
        """In UTC."""
        instant = local_to_instant(moment) if timezone.is_naive(moment) else moment
        return instant_to_utc(instant).replace(tzinfo=None).isoformat(" ")

    def moment(self, stored: datetime) -> datetime:
        """The same digits, in UTC."""
        return stored.replace(tzinfo=UTC)


class _ZeroDates(_ClockField[_ST, _GT]):
    """None is stored as the zero date, and compares as the zero date in filters."""

    if TYPE_CHECKING:
        _pyi_private_set_type: str | datetime | date | Combinable | None  # type: ignore[assignment]
        _pyi_lookup_exact_type: str | datetime | None  # type: ignore[assignment]
        _pyi_private_get_type: datetime | None  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "blank": True})

    def get_prep_value(self, value: Any) -> str:
        """Never NULL."""
        return super().get_prep_value(value) or ZERO


class ZeroLocalTimeField(_ZeroDates[_ST, _GT], LocalTimeField[_ST, _GT]):
    """A LocalTimeField whose None is '0000-00-00 00:00:00' in the table."""


class ZeroInstantField(_ZeroDates[_ST, _GT], InstantField[_ST, _GT]):
    """An InstantField whose None is '0000-00-00 00:00:00' in the table."""


class CheckInField(ZeroInstantField[_ST, _GT]):
    """`managementnode.lastcheckin`: a ZeroInstantField whose column has site time before VCL 2.5.1 (`check_ins`)."""

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        """The text in UTC, or in site time."""
        text = super().get_db_prep_value(value, connection, prepared)
        if text in (None, ZERO) or not check_ins.are_local(connection):
            return text
        instant = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
        return check_ins.stored(int(instant), connection).isoformat(" ")

    def from_db_value(
        self, value: datetime | str | None, expression: Expression, connection: BaseDatabaseWrapper
    ) -> datetime | None:
        """An aware datetime in UTC in either case."""
        if not isinstance(value, datetime):
            return super().from_db_value(value, expression, connection)
        return datetime.fromtimestamp(check_ins.instant(value, connection), UTC)


@_ZeroDates.register_lookup
class _IsNone(lookups.IsNull):
    """`isnull`: NULL (a nullable column, an outer join) or the zero date. MariaDB alone equates the two."""

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        column, params = self.process_lhs(compiler, connection)
        condition = f"({column} IS NULL OR {column} = %s)"
        return (condition if self.rhs else f"NOT {condition}"), [*params, *params, ZERO]


@_ZeroDates.register_lookup
class _Exact(lookups.Exact):
    """`= None` matches rows without a value, however that is stored."""

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        if self.rhs == ZERO:
            return _IsNone(self.lhs, True).as_sql(compiler, connection)
        return super().as_sql(compiler, connection)
