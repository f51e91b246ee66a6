"""`datasets apply|list|show|export|drop`: contracts and the tables made from them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.console import Console
from rich.table import Table
from rich.text import Text

from apps.datasets.adapters.contract_files import document_text, documents
from apps.datasets.core.contract.contract import Contract
from apps.datasets.core.contract.descriptions import describe_visibility, order_parameter
from apps.datasets.core.contract.unenforced_terms import unenforced_terms
from apps.datasets.core.errors import ContractInvalid
from apps.datasets.management.base import AndenCommand
from apps.datasets.selectors import analyst_view_problems, catalogue_read, dataset_get
from apps.datasets.services import ApplyResult, dataset_apply, dataset_drop


class Command(AndenCommand):
    """Applies contracts and shows the datasets."""

    help = "Apply, list, show, export and drop datasets."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        apply = actions.add_parser("apply", help="create or change datasets to match their contracts")
        apply.add_argument("path", type=Path, help="a contract, or a folder of contracts (ODCS v3 YAML)")
        apply.add_argument("--dry-run", action="store_true", help="print the SQL and change nothing")
        actions.add_parser("list", help="list all datasets")
        for word, text in (
            ("show", "show one dataset's contract as a table"),
            ("export", "print one dataset's contract as YAML"),
        ):
            actions.add_parser(word, help=text).add_argument("name")
        drop = actions.add_parser("drop", help="drop a dataset and its table")
        drop.add_argument("name")
        drop.add_argument("--yes", action="store_true", help="also if it contains rows")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        width = None if self.stdout.isatty() else 160
        self.console = Console(file=self.stdout, highlight=False, width=width)  # type: ignore[arg-type]
        getattr(self, f"_{action}")(options)

    def _apply(self, options: dict[str, Any]) -> None:
        applied = rejected = 0
        for file, document in documents(options["path"]):
            try:
                done = dataset_apply(document, dry_run=options["dry_run"])
            except ContractInvalid as error:
                rejected += 1
                self.stderr.write(self.style.ERROR(f"{file}: rejected"))
                self.stderr.write("\n".join(f"  {problem}" for problem in error.problems))
                continue
            applied += 1
            for statement in done.statements if options["dry_run"] else ():
                self.stdout.write(f"{statement};")
            self.stdout.write(f"{done.name}: {_state(done, dry_run=options['dry_run'])}, version {done.version}")
            for line in (*describe_visibility(done.before, done.contract), *_unenforced(document)):
                self.stdout.write(f"  {line}")
        if rejected:
            verb = "checked" if options["dry_run"] else "applied"
            raise CommandError(
                f"{rejected} of {applied + rejected} contracts rejected, {applied} {verb}: fix them, then repeat"
            )

    def _list(self, _: dict[str, Any]) -> None:
        found = catalogue_read()
        datasets = found.readable
        for unreadable in found.unreadable:
            self.stderr.write(self.style.WARNING(f"{unreadable.name}: {unreadable.reason}"))
        if not datasets and not found.unreadable:
            self.stdout.write("No datasets yet: apply one with `manage.py datasets apply contracts`.")
            return
        table = Table("dataset", "mode", "topic", "fields", "key", "version", box=None, pad_edge=False)
        for item in datasets:
            contract = item.contract
            cells = (item.name, contract.mode, contract.topic, str(len(contract.fields)))
            table.add_row(*map(Text, (*cells, ", ".join(contract.primary_key), str(item.version))))
        self.console.print(table)

    def _show(self, options: dict[str, Any]) -> None:
        item = dataset_get(options["name"])
        contract = item.contract
        for label, value in _facts(contract, item.version):
            self.console.print(Text(f"{label:<15} {value}"))
        table = Table("field", "type", "required", "checks", "description", box=None, pad_edge=False)
        for field in contract.fields:
            marks = [f"{name}={value}" for name, value in _checks(field.checks)]
            marks += ["unique"] if field.unique else []
            marks += ["restricted"] if field.restricted else []
            required = "yes" if field.required else ""
            table.add_row(*map(Text, (field.name, field.type.sql, required, " ".join(marks), field.description)))
        self.console.print()
        self.console.print(table)
        notes = [*describe_visibility(None, contract), *analyst_view_problems(item), *_unenforced(item.document)]
        self.console.print(*map(Text, ["", *notes] if notes else []), sep="\n", end="\n" if notes else "")

    def _export(self, options: dict[str, Any]) -> None:
        self.stdout.write(document_text(dataset_get(options["name"]).document), ending="")

    def _drop(self, options: dict[str, Any]) -> None:
        dataset_drop(options["name"], with_data=options["yes"])
        self.stdout.write(f"{options['name']}: dropped")


def _state(done: ApplyResult, *, dry_run: bool) -> str:
    if done.changed:
        return "would change" if dry_run else "applied"
    if done.restored:
        return "its stored document would be restored" if dry_run else "its stored document restored"
    return "unchanged" + (", analyst view recreated" if done.statements and not dry_run else "")


def _unenforced(document: Mapping[str, Any]) -> Iterator[str]:
    return (f"kept, not enforced yet: {sentence}" for sentence in unenforced_terms(document))


def _facts(contract: Contract, version: int) -> list[tuple[str, object]]:
    return [
        ("dataset", contract.name),
        ("description", contract.description or "–"),
        ("version", f"{version} (contract {contract.version})"),
        ("topic", f"{contract.topic}, {contract.topic_spec.partitions} partition(s)"),
        ("format", contract.format),
        ("mode", contract.mode),
        ("key", ", ".join(contract.primary_key)),
        ("event time", contract.event_time or "–"),
        ("unknown fields", contract.unknown_fields),
        ("API writes", "yes" if contract.api_writes else "no"),
        ("orders", "; ".join(map(order_parameter, contract.orders)) or "–"),
        ("filters", ", ".join(contract.filters) or "–"),
    ]


def _checks(checks: Any) -> list[tuple[str, object]]:
    found = ((name, getattr(checks, name)) for name in checks.__dataclass_fields__)
    return [(name, value) for name, value in found if value not in (None, ())]
