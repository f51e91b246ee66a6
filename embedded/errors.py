"""What can go wrong with the embedded servers, named by what the reader of the message does about it."""


class EmbeddedError(Exception):
    """An embedded server cannot do its work."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__)


class NotInstalled(EmbeddedError):
    """A package of requirements/embedded.txt is missing: install it."""


class NetworkNeeded(EmbeddedError):
    """The jars are not here yet and cannot be fetched: connect to a network once."""


class JarsDiffer(EmbeddedError):
    """The jars are not the ones that were locked: never run them."""


class FolderInUse(EmbeddedError):
    """Another process runs a server in this folder: stop that one first."""


class StartFailed(EmbeddedError):
    """The server ended or stayed silent while it started: read its log."""


class SetupFailed(EmbeddedError):
    """A step before the start failed: the message names the step, what it said and its log."""
