"""The ledger, and the functions that make partitions with the owner's rights and within bounds."""

from django.db import migrations

from apps.datasets.adapters.database.roles import GrantTo, role_name

LEDGER = """
CREATE SEQUENCE public.datasets_batch_id_seq AS bigint;
CREATE TABLE public.datasets_batch (
    day date NOT NULL DEFAULT (clock_timestamp() AT TIME ZONE 'UTC')::date,
    id bigint NOT NULL,
    dataset_id bigint NOT NULL,
    number integer NOT NULL,
    source_id integer NOT NULL,
    first_offset bigint NOT NULL,
    last_offset bigint NOT NULL,
    rows integer NOT NULL,
    rejects integer NOT NULL,
    bytes bigint NOT NULL,
    min_event_time timestamptz,
    max_event_time timestamptz,
    worker text NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    committed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (day, id)
) PARTITION BY RANGE (day);
CREATE INDEX datasets_batch_dataset ON public.datasets_batch (dataset_id, committed_at DESC);
CREATE INDEX datasets_batch_source ON public.datasets_batch (source_id, last_offset DESC);
COMMENT ON TABLE public.datasets_batch IS 'The ledger: what each committed batch took from each source.';
"""

ENSURE_LEDGER_DAYS = """
CREATE FUNCTION public.anden_ensure_ledger_days(ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    today constant date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    day date := today - 1;
    part text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('anden ledger days', 0));
    WHILE day <= today + least(greatest(ahead, 0), 31) LOOP
        part := 'ledger_' || to_char(day, 'YYYY_MM_DD');
        IF to_regclass(format('parts.%I', part)) IS NULL THEN
            EXECUTE format('CREATE TABLE parts.%I (LIKE public.datasets_batch INCLUDING ALL)', part);
            EXECUTE format('ALTER TABLE public.datasets_batch ATTACH PARTITION parts.%I FOR VALUES FROM (%L) TO (%L)',
                           part, day, day + 1);
            made := made + 1;
        END IF;
        day := day + 1;
    END LOOP;
    RETURN made;
END $function$;
COMMENT ON FUNCTION public.anden_ensure_ledger_days IS 'Makes the ledger''s days from yesterday to at most 31 ahead; says how many were made.';
"""

DROP_LEDGER_DAYS = """
CREATE FUNCTION public.anden_drop_ledger_days(keep integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    today constant date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    part text;
    dropped integer := 0;
BEGIN
    IF keep < 1 THEN
        RAISE EXCEPTION 'the ledger keeps at least one day' USING ERRCODE = '22023';
    END IF;
    FOR part IN
        SELECT child.relname FROM pg_inherits
        JOIN pg_class child ON child.oid = inhrelid
        WHERE inhparent = 'public.datasets_batch'::regclass
          AND child.relname < 'ledger_' || to_char(today - keep, 'YYYY_MM_DD')
    LOOP
        EXECUTE format('DROP TABLE parts.%I', part);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $function$;
COMMENT ON FUNCTION public.anden_drop_ledger_days IS 'Drops the ledger''s days older than the number kept; says how many.';
"""

ENSURE_MONTHS = """
CREATE FUNCTION public.anden_ensure_months(dataset bigint, first date, last date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    known record;
    month date;
    part text;
    made integer := 0;
BEGIN
    SELECT d.name,
           coalesce(d.earliest, date '1970-01-01') AS earliest,
           coalesce(d.latest, (date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') + interval '13 months')::date) AS latest
      INTO known FROM public.datasets_dataset d WHERE d.id = dataset AND d.event_time <> '';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'dataset % has no monthly partitions', dataset USING ERRCODE = '22023';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('anden months', dataset));
    month := date_trunc('month', greatest(first, known.earliest)::timestamp)::date;
    WHILE month <= least(last, known.latest) LOOP
        part := format('d%s_%s', dataset, to_char(month, 'YYYY_MM'));
        IF to_regclass(format('parts.%I', part)) IS NULL THEN
            -- Made standalone and attached: CREATE TABLE … PARTITION OF would wait for every open batch.
            EXECUTE format('CREATE TABLE parts.%I (LIKE data.%I INCLUDING ALL)', part, known.name);
            EXECUTE format('COMMENT ON TABLE parts.%I IS %L', part, known.name || ' ' || to_char(month, 'YYYY-MM'));
            EXECUTE format('ALTER TABLE data.%I ATTACH PARTITION parts.%I FOR VALUES FROM (%L) TO (%L)',
                           known.name, part, month || ' 00:00:00+00', (month + interval '1 month')::date || ' 00:00:00+00');
            made := made + 1;
        END IF;
        month := (month + interval '1 month')::date;
    END LOOP;
    RETURN made;
END $function$;
COMMENT ON FUNCTION public.anden_ensure_months IS 'Makes a dataset''s monthly partitions within its contract''s bounds; says how many were made.';
"""

FUNCTIONS = {
    "anden_ensure_ledger_days(integer)": ("app", "ingest", "writer"),
    "anden_drop_ledger_days(integer)": ("app",),
    "anden_ensure_months(bigint, date, date)": ("app", "ingest", "writer"),
}


def grant_functions(apps, schema_editor):
    quote = schema_editor.connection.ops.quote_name
    for function, roles in FUNCTIONS.items():
        for role in roles:
            schema_editor.execute(f"GRANT EXECUTE ON FUNCTION public.{function} TO {quote(role_name(role))}")
    for role in ("ingest", "writer"):
        schema_editor.execute(f"GRANT USAGE ON SEQUENCE public.datasets_batch_id_seq TO {quote(role_name(role))}")
    schema_editor.execute("SELECT public.anden_ensure_ledger_days(7)")


class Migration(migrations.Migration):
    dependencies = [("datasets", "0002_catalogue")]
    operations = [
        migrations.RunSQL(
            LEDGER, "DROP TABLE public.datasets_batch; DROP SEQUENCE public.datasets_batch_id_seq;"
        ),
        migrations.RunSQL(ENSURE_LEDGER_DAYS, "DROP FUNCTION public.anden_ensure_ledger_days"),
        migrations.RunSQL(DROP_LEDGER_DAYS, "DROP FUNCTION public.anden_drop_ledger_days"),
        migrations.RunSQL(ENSURE_MONTHS, "DROP FUNCTION public.anden_ensure_months"),
        migrations.RunPython(grant_functions, migrations.RunPython.noop),
        *(
            GrantTo(role, privileges, table)
            for role in ("ingest", "writer")
            for table, privileges in (
                ("datasets_dataset", "SELECT"),
                ("datasets_contractversion", "SELECT"),
                ("datasets_batch", "SELECT, INSERT"),
            )
        ),
    ]
