# Apart from the column: a statement that changes tables can't be rolled back. If this one has to wait too long for
# somebody's transaction, `migrate` goes on here another time, and does not add the column again.

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("blockalloc", "0013_request_id"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="decision",
            index=models.Index(fields=["request_id"], name="blockalloc_decision_request_id"),
        ),
    ]
