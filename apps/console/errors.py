"""Errors of the console, named by the caller's reaction."""


class ConsoleError(Exception):
    """The console failed."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__)


class GroupMissing(ConsoleError):
    """The group does not exist yet: run `manage.py migrate`."""


class PasswordRefused(ConsoleError):
    """The password fails validation: choose another."""


class NameTaken(ConsoleError):
    """A superuser has this name: choose another."""
