"""The fleet and its incidents belong to the app fleet now; nothing changes in the database."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("monitoring", "0006_cloudwatch_left"),
        ("fleet", "0001_fleet"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel(name)
                for name in ("FleetDetail", "FleetEvaluation", "FleetService")
                + ("IncidentNote", "IncidentSuspicion", "Incident")
            ],
        ),
    ]
