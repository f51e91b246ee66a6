"""The errors of api, named by the caller's reaction; `problems.py` maps each to its answer over HTTP."""

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
    """There is no such dataset for this key."""


class DatasetUnreadable(ApiError):
    """This version of Andén cannot read the dataset's contract: try again later. Other datasets answer."""


class RecordNotFound(ApiError):
    """There is no such record."""


class ActionForbidden(ApiError):
    """The key may not do this with the dataset."""


class DatasetReadOnly(ApiError):
    """This dataset takes no writes over HTTP."""


class ParameterInvalid(ApiError):
    """A parameter of the address breaks its rule: correct it."""


class HeaderInvalid(ApiError):
    """A header of the request breaks its rule: correct it."""


class QueryTimeout(ApiError):
    """The query took too long: narrow its filters."""


class ResponseTooLarge(ApiError):
    """The answer is larger than it may be: ask for less."""


class RecordExists(ApiError):
    """A record with this key exists: PUT or PATCH it."""


class DuplicateValue(ApiError):
    """Another record has this value, which must be unique: choose another."""


class StaleWrite(ApiError):
    """The stored record is newer than this write: read it again."""


class PreconditionFailed(ApiError):
    """The record is not in the state that If-Match or If-None-Match asks for: read it again."""


class BodyTooLarge(ApiError):
    """The body is larger than is taken."""


class MediaTypeUnsupported(ApiError):
    """The body's media type is not taken here: send one of those that are, in UTF-8."""

    def __init__(self, taken: Sequence[str]) -> None:
        super().__init__(f"the body's media type is not taken here: send {' or '.join(taken)}, in UTF-8")
        self.taken = taken


class ContentEncodingUnsupported(ApiError):
    """The body is compressed or otherwise encoded: send it as it is."""


class TooManyExports(ApiError):
    """All exports are taken: try again later."""


class RecordLocked(ApiError):
    """Another writer holds the record, and nothing was changed: try again later."""


class WriteTimeout(ApiError):
    """The write took too long, and nothing was changed: try again later."""


class DatabaseUnavailable(ApiError):
    """The database does not answer for now: try again later."""


class ClientInvalid(ApiError):
    """The client cannot be made or changed like this: correct the command."""

    @classmethod
    def unknown_columns(cls, dataset: str, names: Sequence[str]) -> "ClientInvalid":
        """The refusal of columns that the dataset's contract does not have."""
        return cls(f"{dataset} has no column {', '.join(map(repr, names))}: see datasets show {dataset}")
