"""Staff who sign in by accounts of VCL, and what staff may do with block times."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from blockalloc.schema.operations import EncodeAsUtf8mb4


class Migration(migrations.Migration):
    dependencies = [
        ("blockalloc", "0004_decisions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # In Django's state only: the table is VCL's.
        migrations.AlterModelOptions(
            name="blocktime",
            options={
                "managed": False,
                "permissions": [
                    ("allocate_blocktime", "Can have computers allocated to a block time"),
                    ("dry_run_blocktime", "Can try out what an allocation of a block time would do"),
                    ("release_blocktime", "Can release computers of a block time"),
                    ("skip_blocktime", "Can have a block time skipped, or not skipped"),
                ],
            },
        ),
        migrations.CreateModel(
            name="StaffAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("vcl_user_id", models.PositiveIntegerField(unique=True)),
                ("digest", models.CharField(max_length=64)),
                (
                    "user",
                    models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL),
                ),
            ],
            options={
                "verbose_name": "account of VCL among the staff",
                "verbose_name_plural": "accounts of VCL among the staff",
                "db_table": "blockalloc_staffaccount",
            },
        ),
        EncodeAsUtf8mb4("StaffAccount"),
    ]
