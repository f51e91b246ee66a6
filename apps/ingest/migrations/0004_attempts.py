"""What a worker was at when it died, so that its successor finds the record that ends workers."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ingest", "0003_ends")]
    operations = [
        migrations.AddField("source", "attempt_offset", models.BigIntegerField(blank=True, null=True)),
        migrations.AddField("source", "attempt_records", models.IntegerField(db_default=0)),
        migrations.AddField("source", "attempts", models.IntegerField(db_default=0)),
    ]
