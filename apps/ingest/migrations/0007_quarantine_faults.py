"""List every fault of a quarantined record. The default lets workers of the previous release insert rows."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ingest", "0006_contract_version_last_error")]

    operations = [migrations.AddField("quarantine", "faults", models.JSONField(blank=True, db_default=[]))]
