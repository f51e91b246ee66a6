"""Name the contract's version of a quarantined record, and the last error of a source."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("ingest", "0005_leader_epoch")]

    operations = [
        migrations.RenameField("quarantine", "number", "contract_version"),
        migrations.RenameField("source", "trouble", "last_error"),
        migrations.AlterModelOptions(
            "source", {"ordering": ("dataset", "topic", "partition", "id"), "verbose_name": "position"}
        ),
    ]
