"""The Celery application: `celery -A config worker`, `celery -A config beat`."""

import os
from pathlib import Path

from celery import Celery
from django.conf import settings

from config import sqs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

sqs.register()
app = Celery("anden")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_after_configure.connect
def make_broker_folders(sender: Celery, **_: object) -> None:
    """Create the folders that the filesystem broker expects."""
    for option, folder in settings.CELERY_BROKER_TRANSPORT_OPTIONS.items():
        if option.endswith(("_in", "_out", "_folder")):
            Path(folder).mkdir(parents=True, exist_ok=True)
