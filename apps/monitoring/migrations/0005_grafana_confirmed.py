from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("monitoring", "0004_grafana"),
    ]

    operations = [
        migrations.AddField(
            model_name="grafanasync",
            name="confirmed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
