"""The drill's table: what each phase did, by release, and the verdict."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tests.drill.audit import Verdict
from tests.drill.journal import Journal, Phase

STORED: Final = (
    "SELECT split_part(worker, '/', 1), sum(rows + rejects)::bigint FROM datasets_batch WHERE source_id IN"
    " (SELECT id FROM ingest_source WHERE topic LIKE 'drill.%') AND committed_at >= to_timestamp({began})"
    " AND committed_at < to_timestamp({ended}) GROUP BY 1"
)


def stored(phase: Phase, ask: Callable[[str], list[Any]]) -> Mapping[str, int]:
    """The records that each release stored in this phase."""
    return dict(ask(STORED.format(began=phase.began_s, ended=phase.ended_s)))


def report(
    phases: Sequence[tuple[Phase, Mapping[str, int]]], journal: Journal, verdict: Verdict, releases: Sequence[str]
) -> str:
    """The phases as a table, the counts of the audit, and the verdict."""
    columns = [f"{what} {name}" for what in ("records by", "responses by") for name in releases]
    lines = [
        "",
        "| Phase | Seconds | " + " | ".join(columns) + " | Per second |",
        "|---|---" + "|---" * (len(columns) + 1) + "|",
    ]
    for phase, records in phases:
        counts = [records.get(name, 0) for name in releases] + [phase.requests[name] for name in releases]
        rates = sum(records.values()) / phase.seconds, phase.requests.total() / phase.seconds
        rate = f"{rates[0]:.0f} records, {rates[1]:.0f} responses"
        lines.append(
            f"| {phase.name} | {phase.seconds:.0f} | " + " | ".join(f"{count:,}" for count in counts) + f" | {rate} |"
        )
    lines += ["", *(f"{count:9,}  {what}" for what, count in verdict.counts.items())]
    notes = sum((phase.notes for phase, _ in phases), start=type(phases[0][0].notes)())
    lines += [f"{count:9,}  {what}" for what, count in notes.items()]
    responses = sum(phase.requests.total() for phase, _ in phases)
    lines += [f"{responses:9,}  responses", "", *journal.faults]
    lines.append(f"{len(journal.faults)} faults: {'FAILED' if journal.faults else 'passed'}")
    return "\n".join(lines)
