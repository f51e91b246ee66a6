"""The errors of the embedded servers, named by the reader's reaction."""


class EmbeddedError(Exception):
    """An embedded server failed."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__)


class NotInstalled(EmbeddedError):
    """A package of requirements/embedded.txt is missing: install it."""


class NetworkNeeded(EmbeddedError):
    """Kafka's jars are missing and cannot be downloaded: connect to a network once."""


class JarsDiffer(EmbeddedError):
    """The jars do not match the lock file: do not run them."""


class FolderInUse(EmbeddedError):
    """Another process runs a server in this folder: stop it first."""


class StartFailed(EmbeddedError):
    """The server exited or did not answer while starting: read its log."""


class SetupFailed(EmbeddedError):
    """A setup step failed: the message names the step, its error and its log."""
