"""Our first own tables: the guard with its one row, and the answers that are remembered."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from blockalloc.schema.operations import EncodeAsUtf8mb4


def insert_guard_row(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The row that every allocation writes first: it must be there before the first one."""
    guards = apps.get_model("blockalloc", "Guard").objects.using(schema_editor.connection.alias)
    guards.get_or_create(id=1, defaults={"n": 0})


class Migration(migrations.Migration):
    dependencies = [("blockalloc", "0001_vcl_tables")]

    operations = [
        migrations.CreateModel(
            name="Guard",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("n", models.BigIntegerField(default=0)),
            ],
            options={"db_table": "blockalloc_guard"},
        ),
        migrations.RunPython(insert_guard_row, migrations.RunPython.noop),
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user", models.CharField(max_length=190)),
                ("key", models.CharField(max_length=200)),
                ("parameters", models.TextField()),
                ("answer", models.IntegerField()),
                ("block_time_id", models.IntegerField()),
                ("created", models.DateTimeField(db_index=True)),
            ],
            options={
                "db_table": "blockalloc_idempotencykey",
                "constraints": [
                    models.UniqueConstraint(fields=("user", "key"), name="blockalloc_idempotency_key_of_user")
                ],
            },
        ),
        EncodeAsUtf8mb4("IdempotencyKey"),
    ]
