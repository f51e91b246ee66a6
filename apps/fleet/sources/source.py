"""The port to a source of signals."""

from typing import Protocol

from apps.fleet.engine.observation import Observation


class SignalSource(Protocol):
    """Provides the signals of a fleet, now and on earlier days.

    Construct it with an `ObservationSpan` (window, step, days) and limits; it fills an `ObservationBuilder`.
    """

    def observe(self, at_s: float) -> Observation:
        """The fleet in the window that ends at `at_s`, epoch seconds; empty if the source has no services.

        Raises SourceUnavailable: keep the last result and retry.
        Raises SourceRefused: fix the URL, the credentials or the query.
        Raises SourceInvalid: the data cannot be read; the message names the place.
        """
        ...
