"""The port to whatever knows the signals of a fleet."""

from typing import Protocol

from apps.fleet.engine.observation import Observation


class SignalSource(Protocol):
    """Knows what the services of a fleet did lately and on the days before.

    A source is made with its `ObservationSpan` (window, step, days) and limits, and fills an `ObservationBuilder`.
    """

    def observe(self, at_s: float) -> Observation:
        """The fleet as it was in the window that ends at `at_s`, epoch seconds; none at all where it names none.

        Raises SourceUnavailable: keep what is known, ask again.
        Raises SourceRefused: mend address, credentials or query.
        Raises SourceInvalid: what it holds cannot be read; the message names the place.
        """
        ...
