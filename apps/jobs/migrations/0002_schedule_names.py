"""Rename a task in beat's stored schedule, and delete entries under former names: beat only ever adds entries."""

from django.db import migrations

FORMER = (
    "show that beat lives",
    "make the ledger's days ahead",
    "drop the ledger's old days",
    "look after jobs that nobody runs",
    "delete the fleet's old evaluations",
    "count the jobs",
    "look for edits by hand in Grafana",
)


def rename(apps, schema_editor):
    tasks = apps.get_model("django_celery_beat", "PeriodicTask").objects.using(schema_editor.connection.alias)
    tasks.filter(name__in=FORMER).delete()
    tasks.filter(task="monitoring.look_for_drift").update(task="monitoring.detect_drift")


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_job"), ("django_celery_beat", "0019_alter_periodictasks_options")]

    operations = [migrations.RunPython(rename, migrations.RunPython.noop)]
