"""`manage.py print_grants`: SQL for an administrator, whatever the settings are; names that need no second thought."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from blockalloc.schema import tables
from blockalloc.schema.rights import WRITTEN, own_tables
from tests.support.servers.own_process import bare, run

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]


def printed(*arguments: str) -> list[str]:
    """The statements, without the comments."""
    out = StringIO()
    call_command("print_grants", *arguments, stdout=out)
    return [line for line in out.getvalue().splitlines() if not line.startswith("-- ")]


def test_running_reads_the_database_and_names_each_table_that_it_writes() -> None:
    lines = printed("running", "--host", "10.0.0.%", "--database", "vcl_test", "--account", "blocks")
    assert lines[0] == r"GRANT SELECT ON `vcl\_test`.* TO 'blocks'@'10.0.0.%';"
    assert "GRANT INSERT, UPDATE ON `vcl_test`.`blockRequest` TO 'blocks'@'10.0.0.%';" in lines
    assert "GRANT INSERT, UPDATE, DELETE ON `vcl_test`.`blockalloc_cache` TO 'blocks'@'10.0.0.%';" in lines
    assert len(lines) == 1 + len(WRITTEN) + len(own_tables()) - 1
    assert not [line for line in lines if "django_migrations" in line or "CREATE" in line or "DROP" in line]


@pytest.mark.parametrize("purpose", ["migrating", "going-back"])
def test_migrations_may_change_no_table_of_vcls(purpose: str) -> None:
    first, *others = printed(purpose)
    assert first == "GRANT SELECT ON `vcl`.* TO 'blockalloc_migration'@'localhost';"
    named = [line.split("`")[3] for line in others]
    assert named == list(own_tables())
    assert not set(named) & set(tables())
    assert all(("DROP" in line) == (purpose == "going-back") for line in others)


def test_what_is_taken_away() -> None:
    assert [line.split(" ON ")[0] for line in printed("going-back", "--revoke")] == ["REVOKE DROP"] * len(own_tables())
    for purpose in ("running", "migrating", "indexing"):
        granted = [line.replace("GRANT", "REVOKE").replace(" TO ", " FROM ") for line in printed(purpose)]
        assert printed(purpose, "--revoke") == granted


def test_indexes() -> None:
    assert printed("indexing") == [
        "GRANT INDEX ON `vcl`.`log` TO 'blockalloc'@'localhost';",
        "GRANT INDEX ON `vcl`.`request` TO 'blockalloc'@'localhost';",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--account", "a' OR 'b"),
        ("--account", ""),
        ("--account", "x" * 81),
        ("--account", "a\nb"),
        ("--host", "10.0.0.%'"),
        ("--host", "a b"),
        ("--database", "vcl`.*"),
        ("--database", "mysql.user"),
        ("--database", "a\\_b"),
    ],
)
def test_bad_names_are_refused(arguments: tuple[str, str]) -> None:
    with pytest.raises(CommandError) as refusal:
        call_command("print_grants", "running", *arguments)
    assert f"argument {arguments[0]}: {arguments[1]!r}" in str(refusal.value)
    assert ": use " in str(refusal.value)


def test_a_refusal_ends_with_status_2_and_prints_no_sql() -> None:
    done = run("manage.py", "print_grants", "running", "--host", "a b")
    assert (done.returncode, done.stdout) == (2, "")


def test_broken_settings_are_in_nobodys_way(tmp_path: Path) -> None:
    file = tmp_path / "blockalloc.env"
    file.write_text("DATABASE_URL=nonsense\nexport X=1\n", encoding="utf-8")
    assert bare("manage.py", "print_grants", "indexing", standard=file).stdout.startswith("-- Indexes")
