"""What every process imports at start."""

import os
import subprocess
import sys


def test_boto3_is_imported_only_by_processes_that_use_aws() -> None:
    code = "import django, sys; django.setup(); print('boto3' in sys.modules)"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "False\n", done.stderr
