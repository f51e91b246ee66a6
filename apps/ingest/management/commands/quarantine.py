"""`manage.py quarantine list|show`: print quarantined records and their reasons."""

import json
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.management.base import CommandError

from apps.datasets.core.record.raw_preview import escaped, preview_raw
from apps.datasets.management.base import AndenCommand
from apps.ingest.core.errors import IngestError
from apps.ingest.models import Quarantine
from apps.ingest.selectors import quarantine_get, quarantine_list


class Command(AndenCommand):
    """Prints the quarantine."""

    expected_errors = (IngestError,)

    help = "Print records that did not become rows, with their reasons."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        several = actions.add_parser("list", help="the latest records, one line each")
        several.add_argument("dataset", nargs="?", default="", metavar="DATASET")
        several.add_argument("--reason", default="", help="only this reason, for example wrong_type")
        several.add_argument("--state", default=Quarantine.State.OPEN, choices=Quarantine.State.values)
        several.add_argument("--limit", type=int, default=50, metavar="N")
        one = actions.add_parser("show", help="one complete record")
        one.add_argument("id", type=int, metavar="ID")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["action"] == "show":
            self._show(options["id"])
        else:
            self._list(options)

    def _list(self, options: dict[str, Any]) -> None:
        if options["limit"] < 1:
            raise CommandError("--limit must be at least 1")
        found = quarantine_list(
            dataset=options["dataset"], reason=options["reason"], state=options["state"], limit=options["limit"]
        )
        for record in found:
            self.stdout.write(f"{record.pk}  {record.dataset.name}  {record}  {escaped(record.message)}")
        if not found:
            of = f" of {options['dataset']}" if options["dataset"] else ""
            why = f" with the reason {options['reason']}" if options["reason"] else ""
            self.stdout.write(f"No {options['state']} record{of}{why} is in the quarantine.")

    def _show(self, record_id: int) -> None:
        record = quarantine_get(record_id)
        if record is None:
            raise CommandError(f"record {record_id} is not in the quarantine: see `manage.py quarantine list`")
        lines = {
            "id": record.pk,
            "dataset": f"{record.dataset.name}, contract version {record.contract_version}",
            "record": f"{record.topic}/{record.partition}, offset {record.offset}, sent {record.timestamp}",
            "reason": record.reason + (f" (SQLSTATE {record.sqlstate})" if record.sqlstate else ""),
            "field": record.field or "-",
            "message": record.message,
            "faults": _faults(record.faults),
            "state": f"{record.state}, recorded {record.recorded_at}",
            "headers": json.dumps(record.headers),
            "key": _preview(record.key),
            "value": _preview(record.value),
        }
        for name, value in lines.items():
            if name == "faults" and len(record.faults) < 2:
                continue
            self.stdout.write(f"{name:8}  {escaped(str(value))}")


def _faults(faults: Sequence[Mapping[str, str]]) -> str:
    """One line for each fault: field, reason and message, in columns; lines after the first align with it."""
    widths = [max((len(fault[part]) for fault in faults), default=0) for part in ("field", "reason")]
    lines = [
        f"{fault['field']:{widths[0]}}  {fault['reason']:{widths[1]}}  {fault['message']}".rstrip() for fault in faults
    ]
    return "\n          ".join(lines)


def _preview(raw: bytes | memoryview | None) -> str:
    """A preview of the bytes, as in the admin; a hex dump starts on a new line."""
    kind, text, left_out = preview_raw(None if raw is None else bytes(raw))
    first = {"nothing": "(none)", "bytes": "\n"}.get(kind, "")
    rest = f"\n… {left_out} more bytes" if left_out else ""
    return f"{first}{text}{rest}"
