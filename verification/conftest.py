"""Tests on a cluster begin and end as all other tests do."""

from tests.conftest import (  # noqa: F401 - fixtures
    _clocks_agree,
    _emptied_quickly,
    _passwords_are_hashed_quickly,
    _rows_as_migrated,
    _seeded,
    _settings_are_put_back,
)
