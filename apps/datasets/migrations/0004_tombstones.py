"""The function that purges old tombstones: no other role than the owner may delete rows of a dataset."""

from django.db import migrations

from apps.datasets.adapters.database.roles import role_name

PURGE_TOMBSTONES = """
CREATE FUNCTION public.anden_purge_tombstones(dataset bigint, older_days integer, at_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    target text;
    before timestamptz;
    purged integer;
BEGIN
    IF older_days < 1 THEN
        RAISE EXCEPTION 'a tombstone stays for at least one day' USING ERRCODE = '22023';
    END IF;
    SELECT d.name INTO target FROM public.datasets_dataset d WHERE d.id = dataset;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no dataset %', dataset USING ERRCODE = '22023';
    END IF;
    before := clock_timestamp() - make_interval(days => older_days);
    -- The conditions stand twice: a row that came back to life between search and deletion is spared.
    EXECUTE format(
        'DELETE FROM data.%1$I WHERE _deleted AND _at < $1 AND (tableoid, ctid) IN '
        '(SELECT tableoid, ctid FROM data.%1$I WHERE _deleted AND _at < $1 LIMIT $2)', target)
        USING before, least(greatest(at_most, 1), 100000);
    GET DIAGNOSTICS purged = ROW_COUNT;
    RETURN purged;
END $function$;
COMMENT ON FUNCTION public.anden_purge_tombstones IS 'Deletes up to a number of an upsert dataset''s tombstones older than some days; says how many.';
REVOKE ALL ON FUNCTION public.anden_purge_tombstones(bigint, integer, integer) FROM PUBLIC;
"""


def grant(apps, schema_editor):
    app = schema_editor.connection.ops.quote_name(role_name("app"))
    schema_editor.execute(
        f"GRANT EXECUTE ON FUNCTION public.anden_purge_tombstones(bigint, integer, integer) TO {app}"
    )


class Migration(migrations.Migration):
    dependencies = [("datasets", "0003_ledger")]
    operations = [
        migrations.RunSQL(PURGE_TOMBSTONES, "DROP FUNCTION public.anden_purge_tombstones"),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
