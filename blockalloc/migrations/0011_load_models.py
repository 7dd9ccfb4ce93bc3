"""Load models that were learned before, and an index to learn them by."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("blockalloc", "0010_outlook"),
    ]

    operations = [
        migrations.CreateModel(
            name="KeptLoadModel",
            fields=[
                ("image_id", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("revision_id", models.PositiveIntegerField()),
                ("reload_minutes", models.PositiveIntegerField()),
                ("knots", models.TextField()),
                ("failing", models.FloatField()),
                ("source", models.CharField(max_length=60)),
                ("loads", models.PositiveIntegerField()),
                ("failed", models.PositiveIntegerField()),
                ("learned", models.DateTimeField()),
            ],
            options={
                "db_table": "blockalloc_load_model",
            },
        ),
        migrations.AddIndex(
            model_name="seenload",
            index=models.Index(fields=["image_id", "begun"], name="blockalloc_seen_load_of_image"),
        ),
    ]
