"""A web server that many tests share."""

from tests.acceptance.api.conftest import url

__all__ = ["url"]
