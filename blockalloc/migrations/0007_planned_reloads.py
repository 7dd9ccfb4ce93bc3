"""When reloads of block computers were planned to begin."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("blockalloc", "0006_load_times"),
    ]

    operations = [
        migrations.CreateModel(
            name="PlannedReload",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("block_time_id", models.PositiveIntegerField()),
                ("computer_id", models.PositiveIntegerField()),
                ("request_id", models.PositiveIntegerField(db_index=True)),
                ("start", models.DateTimeField(db_index=True)),
            ],
            options={
                "db_table": "blockalloc_planned_reload",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("block_time_id", "computer_id", "request_id"), name="blockalloc_planned_reload_of"
                    )
                ],
            },
        ),
    ]
