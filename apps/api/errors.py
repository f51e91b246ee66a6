"""Errors of the API, named by the caller's reaction. `problems.py` maps each to an HTTP response."""

from collections.abc import Sequence


class ApiError(Exception):
    """The request failed."""

    def __init__(self, message: str = "", *, parameter: str = "", field: str = "") -> None:
        super().__init__(message or self.__doc__)
        self.parameter = parameter
        self.field = field


class AuthenticationRequired(ApiError):
    """Send a valid key: Authorization: Bearer anden_…"""


class DatasetNotFound(ApiError):
    """Dataset does not exist, or this key has no grant on it."""


class DatasetUnreadable(ApiError):
    """This version of Andén cannot read the dataset's contract: retry later. Other datasets are available."""


class RecordNotFound(ApiError):
    """Record does not exist."""


class ActionForbidden(ApiError):
    """This key's grant does not allow the action."""


class DatasetReadOnly(ApiError):
    """This dataset does not accept writes over HTTP."""


class ParameterInvalid(ApiError):
    """A query parameter is invalid: correct it."""


class HeaderInvalid(ApiError):
    """A request header is invalid: correct it."""


class QueryTimeout(ApiError):
    """The query took too long: use narrower filters."""


class ResponseTooLarge(ApiError):
    """The response would exceed its size limit: request less."""


class RecordExists(ApiError):
    """A record with this key already exists: PUT or PATCH it."""


class DuplicateValue(ApiError):
    """Another record already has this unique value: choose a different one."""


class StaleWrite(ApiError):
    """The stored record is newer than this write: fetch it again."""


class PreconditionFailed(ApiError):
    """The record does not satisfy If-Match or If-None-Match: fetch it again."""


class BodyTooLarge(ApiError):
    """The request body exceeds its size limit."""


class MediaTypeUnsupported(ApiError):
    """Media type is not supported here: send a supported one, in UTF-8."""

    def __init__(self, supported: Sequence[str]) -> None:
        super().__init__(f"unsupported media type or charset: send {' or '.join(supported)} in UTF-8")
        self.supported = supported


class ContentEncodingUnsupported(ApiError):
    """The body has a Content-Encoding: send it unencoded."""


class TooManyExports(ApiError):
    """Too many concurrent exports: retry later."""


class RecordLocked(ApiError):
    """Another write holds the record, and nothing was changed: retry later."""


class WriteTimeout(ApiError):
    """The write took too long, and nothing was changed: retry later."""


class DatabaseUnavailable(ApiError):
    """The database is temporarily unavailable: retry later."""


class ClientInvalid(ApiError):
    """The client cannot be created or changed this way: correct the command."""

    @classmethod
    def unknown_columns(cls, dataset: str, names: Sequence[str]) -> "ClientInvalid":
        """The error for columns that the contract does not define."""
        return cls(f"{dataset} has no column {', '.join(map(repr, names))}: run `manage.py datasets show {dataset}`")
