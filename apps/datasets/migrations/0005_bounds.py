"""Bounds for the sessions of roles that stand: of those that write, too. `roles ensure` sets what the owner may not."""

from django.conf import settings
from django.db import migrations

from apps.datasets.adapters.database.roles import bound_roles


def bound(apps, schema_editor):
    schema_editor.connection.ensure_connection()
    bound_roles(schema_editor.connection.connection, timeouts_s=settings.ANDEN.timeouts_s())


class Migration(migrations.Migration):
    dependencies = [("datasets", "0004_tombstones")]
    operations = [migrations.RunPython(bound, migrations.RunPython.noop)]
