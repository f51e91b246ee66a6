"""Takes over the fleet and its incidents from monitoring: the tables stay where they are, under their names."""

import django.db.models.deletion
from django.db import migrations, models

from apps.datasets.adapters.database.content_types import content_types_moved

MODELS = ("fleetdetail", "fleetevaluation", "fleetservice", "incident", "incidentnote", "incidentsuspicion")


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("contenttypes", "0002_remove_content_type_name"),
        ("monitoring", "0006_cloudwatch_left"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="FleetEvaluation",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("at", models.DateTimeField(unique=True)),
                        ("outcome", models.CharField(db_default="ok", max_length=40)),
                        ("trouble", models.TextField(blank=True, db_default="")),
                        ("window_s", models.FloatField()),
                        ("read_s", models.FloatField()),
                        ("score_s", models.FloatField(db_default=0)),
                        ("ok", models.IntegerField(db_default=0)),
                        ("outliers", models.IntegerField(db_default=0)),
                        ("no_data", models.IntegerField(db_default=0)),
                        ("learning", models.IntegerField(db_default=0)),
                        ("shifts", models.JSONField(db_default={})),
                        ("events", models.JSONField(db_default=[])),
                        ("flags", models.JSONField(db_default=[])),
                        ("multiples", models.JSONField(db_default=[])),
                        ("service_ids", models.BinaryField(default=b"")),
                        ("worst", models.BinaryField(default=b"")),
                        ("states", models.BinaryField(default=b"")),
                    ],
                    options={
                        "db_table": "monitoring_fleetevaluation",
                        "ordering": ("-at",),
                    },
                ),
                migrations.CreateModel(
                    name="FleetService",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=250, unique=True)),
                        ("zone", models.CharField(blank=True, db_default="", max_length=250)),
                        (
                            "state",
                            models.SmallIntegerField(
                                choices=[(0, "ok"), (1, "outlier"), (2, "no data"), (3, "learning")]
                            ),
                        ),
                        ("since", models.DateTimeField()),
                        ("first_seen", models.DateTimeField()),
                        ("last_seen", models.DateTimeField()),
                    ],
                    options={
                        "db_table": "monitoring_fleetservice",
                        "ordering": ("name",),
                    },
                ),
                migrations.CreateModel(
                    name="FleetDetail",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("signals", models.JSONField()),
                        ("peers", models.JSONField()),
                        ("score", models.BinaryField()),
                        ("value", models.BinaryField()),
                        ("ratio", models.BinaryField()),
                        (
                            "evaluation",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="detail",
                                to="fleet.fleetevaluation",
                            ),
                        ),
                    ],
                    options={"db_table": "monitoring_fleetdetail"},
                ),
                migrations.CreateModel(
                    name="Incident",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("outlier", "outlier"),
                                    ("fleet", "whole fleet"),
                                    ("zone", "zone"),
                                    ("no_data", "no data"),
                                    ("quality", "data quality"),
                                ],
                                max_length=16,
                            ),
                        ),
                        ("subject", models.CharField(max_length=250)),
                        ("signal", models.CharField(blank=True, max_length=64)),
                        (
                            "stage",
                            models.CharField(
                                choices=[
                                    ("open", "open"),
                                    ("acknowledged", "acknowledged"),
                                    ("mitigated", "mitigated"),
                                    ("closed", "closed"),
                                ],
                                default="open",
                                max_length=16,
                            ),
                        ),
                        (
                            "reason",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("fixed", "fixed"),
                                    ("expected", "expected, or a change we made"),
                                    ("false_alarm", "false alarm"),
                                    ("duplicate", "duplicate of another incident"),
                                    ("recovered", "no longer seen, by itself"),
                                ],
                                default="",
                                max_length=16,
                            ),
                        ),
                        ("sentence", models.TextField()),
                        ("evidence", models.JSONField(default=dict)),
                        ("trail", models.JSONField(default=list)),
                        ("score", models.FloatField(null=True)),
                        ("worst_score", models.FloatField(null=True)),
                        ("closed_score", models.FloatField(null=True)),
                        ("opened_at", models.DateTimeField()),
                        ("last_seen_at", models.DateTimeField()),
                        ("quiet_since", models.DateTimeField(null=True)),
                        ("closed_at", models.DateTimeField(null=True)),
                        ("closed_by", models.CharField(blank=True, default="", max_length=150)),
                        ("returns", models.PositiveIntegerField(default=0)),
                    ],
                    options={
                        "db_table": "monitoring_incident",
                        "ordering": ("-opened_at", "-id"),
                        "indexes": [
                            models.Index(fields=["stage", "-opened_at"], name="monitoring_incident_stage"),
                            models.Index(fields=["subject", "-opened_at"], name="monitoring_incident_subject"),
                            models.Index(fields=["closed_at"], name="monitoring_incident_closed"),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("stage", "closed"), _negated=True),
                                fields=("kind", "subject", "signal"),
                                name="one_live_incident",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(
                                    models.Q(("stage", "closed"), _negated=True),
                                    models.Q(("kind", "quality"), _negated=True),
                                ),
                                fields=("kind", "subject"),
                                name="one_live_incident_a_subject",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="IncidentSuspicion",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("kind", models.CharField(max_length=16)),
                        ("subject", models.CharField(max_length=250)),
                        ("signal", models.CharField(blank=True, max_length=64)),
                        ("since", models.DateTimeField()),
                    ],
                    options={
                        "db_table": "monitoring_incidentsuspicion",
                        "constraints": [
                            models.UniqueConstraint(fields=("kind", "subject", "signal"), name="one_suspicion")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="IncidentNote",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        ("by", models.CharField(blank=True, default="", max_length=150)),
                        ("source", models.CharField(blank=True, default="", max_length=16)),
                        ("target", models.CharField(max_length=16)),
                        (
                            "reason",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("fixed", "fixed"),
                                    ("expected", "expected, or a change we made"),
                                    ("false_alarm", "false alarm"),
                                    ("duplicate", "duplicate of another incident"),
                                    ("recovered", "no longer seen, by itself"),
                                ],
                                default="",
                                max_length=16,
                            ),
                        ),
                        ("note", models.TextField(blank=True, default="")),
                        (
                            "incident",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="notes", to="fleet.incident"
                            ),
                        ),
                    ],
                    options={
                        "db_table": "monitoring_incidentnote",
                        "ordering": ("id",),
                    },
                ),
            ],
        ),
        content_types_moved("monitoring", "fleet", *MODELS),
    ]
