"""Celery beat's database schedule, with a clean shutdown."""

import signal

from django_celery_beat.schedulers import DatabaseScheduler


class Scheduler(DatabaseScheduler):  # type: ignore[misc] # django-celery-beat has no types
    """django-celery-beat's scheduler, stopped by an exception instead of a query inside the signal handler.

    Celery's handler writes the schedule immediately. If it interrupts a query, psycopg's lock on the connection is
    held, and the write deadlocks until the process is killed.
    """

    def setup_schedule(self) -> None:
        """Load the schedule; from now on SIGTERM and SIGINT cancel a running query.

        Raises SystemExit: beat received a stop signal.
        """
        # Celery installs its handlers just before this call; on this exception it writes once more and ends its loop.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.default_int_handler)
        try:
            super().setup_schedule()
        except KeyboardInterrupt:
            raise SystemExit(0) from None
