"""What staff may do about the upkeep of block times."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("blockalloc", "0008_upkeep"),
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
                    ("put_right_blocktime", "Can have computers of a block time exchanged, or loaded again"),
                    ("hold_blocktime", "Can have the holds on computers of a block time stopped, or set again"),
                ],
            },
        ),
    ]
