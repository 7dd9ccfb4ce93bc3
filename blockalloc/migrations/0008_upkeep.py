"""What keep_ready remembers, the loads that it saw, and the classes that took place."""

from django.db import migrations, models

from blockalloc.schema.operations import EncodeAsUtf8mb4


class Migration(migrations.Migration):
    dependencies = [
        ("blockalloc", "0007_planned_reloads"),
    ]

    operations = [
        migrations.CreateModel(
            name="ClassHeld",
            fields=[
                ("block_time_id", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("block_request_id", models.PositiveIntegerField()),
                ("block_name", models.CharField(max_length=80)),
                ("image_id", models.PositiveIntegerField()),
                ("image_name", models.CharField(max_length=60)),
                ("user_group", models.CharField(max_length=190)),
                ("owner", models.CharField(max_length=190)),
                ("affiliation_id", models.IntegerField(null=True)),
                ("start", models.DateTimeField(db_index=True)),
                ("end", models.DateTimeField(db_index=True)),
                ("wanted", models.IntegerField()),
                ("had", models.IntegerField()),
                ("ready_at_start", models.IntegerField(null=True)),
                ("ready_after_five", models.IntegerField(null=True)),
                ("replaced", models.IntegerField(default=0)),
                ("loaded_again", models.IntegerField(default=0)),
                ("added", models.IntegerField(default=0)),
                ("asked_by", models.CharField(default="", max_length=190)),
                ("used_at_peak", models.IntegerField(null=True)),
                ("used_in_the_mean", models.FloatField(null=True)),
                ("closed", models.BooleanField(default=False)),
            ],
            options={
                "db_table": "blockalloc_class_held",
            },
        ),
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("host", models.CharField(max_length=190)),
                ("milliseconds", models.IntegerField()),
                ("block_times", models.IntegerField(default=0)),
                ("doubt", models.TextField(default="")),
                ("zone", models.CharField(default="", max_length=64)),
                ("newest", models.CharField(default="", max_length=32)),
                ("proved", models.DateTimeField(null=True)),
                ("doubted", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "blockalloc_heartbeat",
            },
        ),
        migrations.CreateModel(
            name="ImageTrust",
            fields=[
                ("image_id", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("trusted", models.DateTimeField()),
            ],
            options={
                "db_table": "blockalloc_image_trust",
            },
        ),
        migrations.CreateModel(
            name="Watch",
            fields=[
                ("block_time_id", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("first_seen", models.DateTimeField(db_index=True)),
                ("processing_seen", models.DateTimeField(null=True)),
                ("tried", models.DateTimeField(null=True)),
                ("holds_stopped", models.DateTimeField(null=True)),
                ("noted", models.TextField(default="")),
                ("at_risk", models.TextField(default="")),
                ("replaced", models.IntegerField(default=0)),
                ("loaded_again", models.IntegerField(default=0)),
                ("added", models.IntegerField(default=0)),
            ],
            options={
                "db_table": "blockalloc_watch",
            },
        ),
        migrations.CreateModel(
            name="SeenLoad",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("request_id", models.PositiveIntegerField()),
                ("computer_id", models.PositiveIntegerField()),
                ("hostname", models.CharField(max_length=190)),
                ("image_id", models.PositiveIntegerField()),
                ("revision_id", models.PositiveIntegerField()),
                ("node_id", models.PositiveIntegerField(null=True)),
                ("provisioning", models.CharField(default="", max_length=60)),
                ("block_time_id", models.PositiveIntegerField(null=True)),
                ("begun", models.DateTimeField(db_index=True)),
                ("begun_is_exact", models.BooleanField(default=False)),
                ("at_work", models.DateTimeField()),
                ("over", models.DateTimeField(null=True)),
                ("outcome", models.CharField(default="at work", max_length=16)),
            ],
            options={
                "db_table": "blockalloc_seen_load",
                "indexes": [
                    models.Index(fields=["outcome", "over"], name="blockalloc_seen_load_over"),
                    models.Index(fields=["revision_id", "outcome", "over"], name="blockalloc_seen_load_of_rev"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("request_id", "computer_id", "begun"), name="blockalloc_seen_load_of"
                    )
                ],
            },
        ),
        EncodeAsUtf8mb4("ClassHeld", "utf8mb4_unicode_ci"),
        EncodeAsUtf8mb4("Heartbeat"),
        EncodeAsUtf8mb4("SeenLoad"),
        EncodeAsUtf8mb4("Watch"),
    ]
