"""Celery beat's schedule in the database, with a beat that ends when it is told to."""

import signal

from django_celery_beat.schedulers import DatabaseScheduler


class Scheduler(DatabaseScheduler):  # type: ignore[misc] # django-celery-beat has no types
    """django-celery-beat's scheduler, stopped by an exception instead of by a query inside the signal's handler.

    Celery's handler writes the schedule on the spot. A query that it interrupts holds psycopg's lock on the
    connection, so the write waits for its own process until that is killed.
    """

    def setup_schedule(self) -> None:
        """Read and complete the schedule; SIGTERM and SIGINT from now on cancel what the database is asked.

        Raises:
            SystemExit: beat was told to stop.
        """
        # Celery installs its handlers just before this and ends its loop, after a last write, at this exception.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.default_int_handler)
        try:
            super().setup_schedule()
        except KeyboardInterrupt:
            raise SystemExit(0) from None
