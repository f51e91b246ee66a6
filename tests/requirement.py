"""What happens to a test whose machine lacks something."""

import os
from typing import NoReturn

import pytest


def skip_or_fail(reason: str) -> NoReturn:
    """Skip the test for want of something on this machine, or fail it where nothing may be skipped."""
    if os.environ.get("ANDEN_TEST_REQUIRE_ALL") == "1":
        pytest.fail(f"ANDEN_TEST_REQUIRE_ALL=1, but {reason}", pytrace=False)
    pytest.skip(reason)
