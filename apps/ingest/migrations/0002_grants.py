"""The workers' rights: positions and quarantine, and nothing to delete."""

from django.db import migrations

from apps.datasets.adapters.database.roles import GrantTo


class Migration(migrations.Migration):
    dependencies = [("ingest", "0001_positions_and_quarantine")]
    operations = [
        GrantTo("ingest", "SELECT, INSERT, UPDATE", "ingest_source"),
        GrantTo("ingest", "SELECT, INSERT, UPDATE", "ingest_quarantine"),
    ]
