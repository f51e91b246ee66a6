"""The port to whatever knows the signals of a fleet."""

from typing import Protocol

from apps.fleet.engine.observation import Observation


class SignalSource(Protocol):
    """Knows what the services of a fleet did lately and on the days before.

    A source takes its `Span` (window, step, days) and its limits at birth, and fills a `Gathering`.
    """

    def observe(self, at_s: float) -> Observation:
        """The fleet as it was in the window that ends at `at_s`, epoch seconds; none at all where it names none.

        Raises SourceAway: keep what is known, ask again.
        Raises SourceRefused: mend address, credentials or query.
        Raises SourceInvalid: what it holds cannot be read; the message names the place.
        """
        ...
