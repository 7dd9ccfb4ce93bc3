"""Load times that were counted before."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("blockalloc", "0005_staff_accounts"),
    ]

    operations = [
        migrations.CreateModel(
            name="LoadTime",
            fields=[
                ("image_id", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("seconds", models.BigIntegerField()),
                ("loads", models.PositiveIntegerField()),
                ("counted", models.DateTimeField()),
            ],
            options={
                "db_table": "blockalloc_load_time",
            },
        ),
    ]
