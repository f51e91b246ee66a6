"""`manage.py metrics serve`: /metrics for processes without a web server."""

from typing import Any

import prometheus_client
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.telemetry import prometheus


class Command(BaseCommand):
    """Serves what the processes of this machine wrote to the metrics folder: a sidecar of workers in a cluster."""

    help = "Serve the metrics of all processes that share the metrics folder."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        serve = parser.add_subparsers(dest="action", required=True).add_parser(
            "serve", help="Serve metrics over HTTP."
        )
        serve.add_argument("--port", type=int, default=9464, help="port to listen on; 0 picks a free one")
        serve.add_argument("--address", default="127.0.0.1", help="address to listen on")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Serve until the process is stopped."""
        address, port = options["address"], options["port"]
        try:
            server, thread = prometheus_client.start_http_server(port, address, prometheus.registry())
        except (OSError, OverflowError) as error:
            raise CommandError(
                f"cannot serve metrics at {address}:{port}: {error}: choose another address or port"
            ) from error
        self.stdout.write(f"metrics at http://{address}:{server.server_port}/metrics")
        self.stdout.flush()
        thread.join()
