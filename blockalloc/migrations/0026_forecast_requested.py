from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("blockalloc", "0025_forecasts_seen"),
    ]

    operations = [
        migrations.AddField(
            model_name="Forecast",
            name="requested",
            field=models.IntegerField(db_default=0),
        ),
    ]
