"""The table of the cache that all workers share, as Django's createcachetable makes it."""

from django.db import migrations, models

from blockalloc.schema.operations import EncodeAsUtf8mb4


class Migration(migrations.Migration):
    dependencies = [("blockalloc", "0002_own_tables")]

    operations = [
        # A table without a model: only the cache itself reads and writes it.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.CreateModel(
                    name="CacheEntry",
                    fields=[
                        ("cache_key", models.CharField(max_length=255, primary_key=True, serialize=False)),
                        ("value", models.TextField()),
                        ("expires", models.DateTimeField(db_index=True)),
                    ],
                    options={"db_table": "blockalloc_cache"},
                ),
                EncodeAsUtf8mb4("CacheEntry"),
            ],
        ),
    ]
