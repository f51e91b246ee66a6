"""The months of CloudWatch belong to the app cloudwatch now; nothing changes in the database."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("monitoring", "0005_grafana_confirmed"),
        ("cloudwatch", "0001_cloudwatch"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel("CloudWatchMonth")]),
    ]
