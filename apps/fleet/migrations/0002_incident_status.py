"""Name the columns of incidents and evaluations by what they hold: status, score history, recurrences, error."""

from django.db import migrations, models
from django.db.models import Q

ACTIVE = ~Q(status="closed")
KINDS = [
    ("outlier", "outlier"),
    ("fleet", "fleet"),
    ("zone", "zone"),
    ("no_data", "no data"),
    ("quality", "data quality"),
]
REASONS = [
    ("fixed", "fixed"),
    ("expected", "expected, or a change we made"),
    ("false_alarm", "false alarm"),
    ("duplicate", "duplicate of another incident"),
    ("recovered", "no longer detected"),
]


class Migration(migrations.Migration):
    dependencies = [("fleet", "0001_fleet")]

    operations = [
        migrations.RemoveConstraint("incident", "one_live_incident"),
        migrations.RemoveConstraint("incident", "one_live_incident_a_subject"),
        migrations.RemoveIndex("incident", "monitoring_incident_stage"),
        migrations.RenameField("incident", "stage", "status"),
        migrations.RenameField("incident", "trail", "score_history"),
        migrations.RenameField("incident", "returns", "recurrences"),
        migrations.RenameField("fleetevaluation", "trouble", "error"),
        migrations.AddIndex(
            "incident", models.Index(fields=["status", "-opened_at"], name="monitoring_incident_status")
        ),
        migrations.AddConstraint(
            "incident",
            models.UniqueConstraint(fields=("kind", "subject", "signal"), condition=ACTIVE, name="one_active_incident"),
        ),
        migrations.AddConstraint(
            "incident",
            models.UniqueConstraint(
                fields=("kind", "subject"),
                condition=ACTIVE & ~Q(kind="quality"),
                name="one_active_incident_per_subject",
            ),
        ),
        migrations.AlterField("incident", "kind", models.CharField(choices=KINDS, max_length=16)),
        migrations.AlterField(
            "incident", "reason", models.CharField(blank=True, choices=REASONS, default="", max_length=16)
        ),
        migrations.AlterField(
            "incidentnote", "reason", models.CharField(blank=True, choices=REASONS, default="", max_length=16)
        ),
    ]
