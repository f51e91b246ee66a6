"""Call a contract's version `version`, in the catalogue and in the ledger."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("datasets", "0005_bounds")]

    operations = [
        migrations.RemoveConstraint("contractversion", "one_contract_a_number"),
        migrations.RenameField("contractversion", "number", "version"),
        migrations.RenameField("dataset", "number", "version"),
        migrations.AlterModelOptions("contractversion", {"ordering": ("dataset", "-version")}),
        migrations.AddConstraint(
            "contractversion",
            models.UniqueConstraint(fields=("dataset", "version"), name="one_contract_per_version"),
        ),
        # The ledger is not Django's to migrate: of its model, only the state changes. PostgreSQL renames the column of
        # every partition with the parent's.
        migrations.RenameField("batch", "number", "version"),
        migrations.RunSQL(
            "ALTER TABLE public.datasets_batch RENAME COLUMN number TO version",
            "ALTER TABLE public.datasets_batch RENAME COLUMN version TO number",
        ),
    ]
