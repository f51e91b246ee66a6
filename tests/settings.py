"""Settings for tests, type checks and lint: every variable is set, and none points to a real server."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("ANDEN_SECRET_KEY", "tests-only-" + "0123456789abcdef" * 4)
for _role in ("app", "owner", "ingest", "reader", "writer", "analyst"):
    os.environ.setdefault(
        f"ANDEN_DATABASE_{_role.upper()}_URL", f"postgresql://anden_{_role}:nothing@127.0.0.1:1/anden"
    )
# Each pytest-xdist worker has its own queue, shared with its child processes; it may inherit another worker's.
_owner = os.environ.get("PYTEST_XDIST_WORKER", "")
if not os.environ.get("ANDEN_CELERY_FOLDER") or not os.environ["ANDEN_CELERY_FOLDER"].endswith(_owner):
    # Tests must not send tasks to the worker of a `make run` in this folder.
    _queue = Path(tempfile.gettempdir()) / f"anden-tests-celery-{os.getpid()}-{_owner}"
    os.environ["ANDEN_CELERY_FOLDER"] = str(_queue)
    atexit.register(shutil.rmtree, _queue, ignore_errors=True)

from config.settings import *  # noqa: E402, F403

# No collectstatic before tests: assets are served from the packages.
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
STORAGES["staticfiles"] = {  # noqa: F405
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}
