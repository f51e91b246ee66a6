"""A web server that many tests ask."""

from tests.acceptance.api.conftest import url

__all__ = ["url"]
