"""Roles, schemas and default rights, before Django creates its first table, so that each table has its grants."""

from django.conf import settings
from django.db import migrations

from apps.datasets.adapters.database.roles import create_roles, role_name

SCHEMAS = """
CREATE SCHEMA IF NOT EXISTS data;
CREATE SCHEMA IF NOT EXISTS parts;
CREATE SCHEMA IF NOT EXISTS analyst;
COMMENT ON SCHEMA analyst IS 'One view per dataset, without restricted columns and deleted rows, for BI tools.';
COMMENT ON SCHEMA data IS 'One table per dataset, made from its contract.';
COMMENT ON SCHEMA parts IS 'The partitions of the tables in data and of the ledger.';
GRANT USAGE ON SCHEMA public TO "{app}", "{ingest}", "{reader}", "{writer}";
GRANT USAGE ON SCHEMA data TO "{app}", "{ingest}", "{reader}", "{writer}";
GRANT USAGE ON SCHEMA analyst TO "{analyst}";
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "{app}";
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "{app}";
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO "{app}";
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
"""


def make(apps, schema_editor):
    schema_editor.connection.ensure_connection()
    create_roles(
        schema_editor.connection.connection,
        schema_editor.connection.settings_dict["NAME"],
        timeouts_s=settings.ANDEN.timeouts_s(),
    )
    names = {role: role_name(role).replace('"', '""') for role in ("app", "ingest", "reader", "writer", "analyst")}
    schema_editor.execute(SCHEMAS.format(**names), params=None)


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    run_before = [("contenttypes", "0001_initial"), ("django_celery_beat", "0001_initial")]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
