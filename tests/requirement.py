"""Skips or fails tests whose requirements are missing on this machine."""

import os
from typing import NoReturn

import pytest


def skip_or_fail(reason: str) -> NoReturn:
    """Skip the test, or fail it if ANDEN_TEST_REQUIRE_ALL is 1."""
    if os.environ.get("ANDEN_TEST_REQUIRE_ALL") == "1":
        pytest.fail(f"ANDEN_TEST_REQUIRE_ALL=1, but {reason}", pytrace=False)
    pytest.skip(reason)
