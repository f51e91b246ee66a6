"""Takes over the months of CloudWatch from monitoring: the table stays where it is, under its name."""

from django.db import migrations, models

from apps.datasets.adapters.database.content_types import content_types_moved


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("contenttypes", "0002_remove_content_type_name"),
        ("monitoring", "0005_grafana_confirmed"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="CloudWatchMonth",
                    fields=[
                        ("month", models.DateField(primary_key=True, serialize=False)),
                        ("metrics_requested", models.BigIntegerField(db_default=0)),
                        ("calls", models.BigIntegerField(db_default=0)),
                    ],
                    options={"ordering": ("-month",), "db_table": "monitoring_cloudwatchmonth"},
                ),
            ],
        ),
        content_types_moved("monitoring", "cloudwatch", "cloudwatchmonth"),
    ]
