"""The record of decisions."""

from django.db import migrations, models

from blockalloc.schema.operations import EncodeAsUtf8mb4


class Migration(migrations.Migration):
    dependencies = [
        ("blockalloc", "0003_cache"),
    ]

    operations = [
        migrations.CreateModel(
            name="Roster",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("seen", models.DateTimeField(db_index=True)),
                ("names", models.BinaryField()),
            ],
            options={
                "db_table": "blockalloc_roster",
            },
        ),
        migrations.CreateModel(
            name="Decision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("started", models.DateTimeField(db_index=True)),
                ("action", models.CharField(max_length=16)),
                ("door", models.CharField(max_length=60)),
                ("caller", models.CharField(max_length=190)),
                ("person", models.CharField(max_length=190)),
                ("address", models.CharField(max_length=60)),
                ("parameters", models.TextField()),
                ("outcome", models.CharField(max_length=16)),
                ("code", models.IntegerField(null=True)),
                ("text", models.TextField()),
                ("block_time_id", models.IntegerField(null=True)),
                ("block_request_id", models.IntegerField(null=True)),
                ("block_name", models.CharField(max_length=80)),
                ("block_start", models.DateTimeField(db_index=True, null=True)),
                ("block_end", models.DateTimeField(null=True)),
                ("image_id", models.IntegerField(null=True)),
                ("image_name", models.CharField(max_length=60)),
                ("user_group", models.CharField(max_length=190)),
                ("owner", models.CharField(max_length=190)),
                ("affiliation_id", models.IntegerField(null=True)),
                ("wanted", models.SmallIntegerField(null=True)),
                ("had", models.SmallIntegerField(null=True)),
                ("allocated", models.SmallIntegerField(null=True)),
                ("duration", models.IntegerField()),
                ("retries", models.SmallIntegerField(default=0)),
                ("waits", models.SmallIntegerField(default=0)),
                ("version", models.CharField(max_length=60)),
                ("roster_id", models.BigIntegerField(null=True)),
                ("findings", models.BinaryField(null=True)),
            ],
            options={
                "db_table": "blockalloc_decision",
                "indexes": [
                    models.Index(fields=["block_time_id", "id"], name="blockalloc_decision_of_time"),
                    models.Index(fields=["block_request_id", "id"], name="blockalloc_decision_of_request"),
                    models.Index(fields=["affiliation_id", "id"], name="blockalloc_decision_of_affil"),
                    models.Index(
                        fields=["block_name", "caller", "person", "user_group"], name="blockalloc_decision_search"
                    ),
                ],
            },
        ),
        EncodeAsUtf8mb4("Decision", "utf8mb4_unicode_ci"),  # is searched
        EncodeAsUtf8mb4("Roster"),
    ]
