"""A psycopg connection that does not wait for an answer forever.

PostgreSQL's own timeouts end with the process that keeps them, and TCP's end with an acknowledgement, which the kernel
of a frozen server still sends.
"""

import logging
from functools import cache
from time import monotonic
from typing import Any, ClassVar, Final, TypeVar

import psycopg
from psycopg.abc import PQGen

LOGGER: Final = logging.getLogger("apps.ingest.postgresql")

SILENCE_S: Final = 10.0
"""A longer silence is logged."""

Result = TypeVar("Result")


class AnswerTimeout(psycopg.OperationalError):
    """PostgreSQL did not answer in time: the connection is closed, and a COMMIT may or may not have happened."""


class DeadlineConnection(psycopg.Connection[Any]):
    """A connection on which PostgreSQL is never silent for longer than the deadline.

    A silence is a wait in which the server neither sends nor accepts a byte: after a statement, a block of a COPY or a
    COMMIT.
    """

    deadline_s: ClassVar[float]

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        """What psycopg's own `wait` returns. Raises AnswerTimeout."""
        try:
            return super().wait(self._watched(gen), interval, timeout)
        except AnswerTimeout:
            self.close()
            raise

    def _watched(self, gen: PQGen[Result]) -> PQGen[Result]:
        """The generator; psycopg resumes it at each interval, without anything ready in a silence."""
        asked_s = moved_s = monotonic()
        logged = False
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready:
                    moved_s = monotonic()
                elif (silent_s := monotonic() - moved_s) > self.deadline_s:
                    raise AnswerTimeout(
                        f"PostgreSQL did not answer within {self.deadline_s:g} s (ANDEN_INGEST_STATEMENT_DEADLINE_S); "
                        f"its session was closed"
                    )
                elif silent_s > SILENCE_S and not logged:
                    logged = True
                    LOGGER.warning(
                        "PostgreSQL has not answered for %.0f s; waiting up to %g s", SILENCE_S, self.deadline_s
                    )
                # psycopg sends None when it starts to wait again after an interrupt; its C code takes only integers.
                wanted = gen.send(ready or psycopg.waiting.Ready.NONE)
        except StopIteration as end:
            if logged:
                LOGGER.info("PostgreSQL answered after %.0f s", monotonic() - asked_s)
            result: Result = end.value
            return result


@cache
def deadline_connection(deadline_s: float) -> type[DeadlineConnection]:
    """The connection class with this deadline, in seconds."""
    return type("DeadlineConnection", (DeadlineConnection,), {"deadline_s": deadline_s})
