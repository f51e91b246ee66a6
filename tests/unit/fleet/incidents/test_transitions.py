"""How evaluations change incidents, over simulated hours."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.fleet.incidents.detections import Detection, DetectionSet, IncidentKey
from apps.fleet.incidents.lifecycle import HOUR_S, MINUTE_S, IncidentKind, IncidentStatus
from apps.fleet.incidents.transitions import (
    AUTO_CLOSE_S,
    RECURRENCE_WINDOW_S,
    IncidentAction,
    StoredIncident,
    incident_changes,
)

NOW = 1_000_000.0
SEEN = Detection(IncidentKind.OUTLIER, "checkout", "error_ratio", 8.0, "checkout is slow.")
KNOWN = StoredIncident(
    id=7,
    kind="outlier",
    subject="checkout",
    signal="error_ratio",
    status="open",
    reason="",
    last_seen_s=NOW - MINUTE_S,
    quiet_s=None,
    closed_s=None,
    closed_score=None,
)


def acts(
    known: StoredIncident | None,
    *seen: Detection,
    at_s: float = NOW,
    unknown: frozenset[IncidentKey] = frozenset(),
    waiting: dict[IncidentKey, float] | None = None,
) -> list[IncidentAction]:
    made = incident_changes(
        [known] if known else [], DetectionSet(seen, unknown), waiting_since=waiting or {}, at_s=at_s
    )
    return [change.action for change in made]


def closed(reason: str, *, ago_s: float, seen_ago_s: float = MINUTE_S, score: float = 8.0) -> StoredIncident:
    return replace(
        KNOWN,
        status="closed",
        reason=reason,
        closed_s=NOW - ago_s,
        closed_score=score,
        last_seen_s=NOW - seen_ago_s,
    )


STAYED = {SEEN.key: NOW - 5 * MINUTE_S}


def test_flags_must_persist_to_open_an_incident_and_events_need_not() -> None:
    assert acts(None, SEEN) == [IncidentAction.WAIT]
    assert acts(None, SEEN, waiting={SEEN.key: NOW - 4 * MINUTE_S}) == [IncidentAction.WAIT]
    assert acts(None, SEEN, waiting=STAYED) == [IncidentAction.OPEN]
    assert acts(None, replace(SEEN, kind=IncidentKind.ZONE)) == [IncidentAction.OPEN]
    assert acts(None, replace(SEEN, kind=IncidentKind.FLEET)) == [IncidentAction.OPEN]


def test_missing_data_must_persist_to_open_an_incident() -> None:
    silent = Detection(IncidentKind.NO_DATA, "checkout", "", None, "checkout has no data.")
    assert acts(None, silent) == [IncidentAction.WAIT]
    assert acts(None, silent, waiting={silent.key: NOW - 9 * MINUTE_S}) == [IncidentAction.WAIT]
    assert acts(None, silent, waiting={silent.key: NOW - 10 * MINUTE_S}) == [IncidentAction.OPEN]


@pytest.mark.parametrize("status", [IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED, IncidentStatus.MITIGATED])
def test_an_active_incident_is_updated_then_quiet_then_recovered(status: IncidentStatus) -> None:
    known = replace(KNOWN, status=status)
    assert acts(known, SEEN) == [IncidentAction.UPDATE]
    assert acts(known) == [IncidentAction.QUIET]
    patience = AUTO_CLOSE_S[status]
    assert acts(replace(known, quiet_s=NOW - patience + 1)) == []
    assert acts(replace(known, quiet_s=NOW - patience)) == [IncidentAction.RECOVER]


def test_signals_of_a_service_share_an_incident_and_services_do_not() -> None:
    assert acts(KNOWN, replace(SEEN, signal="latency_p95")) == [IncidentAction.UPDATE]
    other = replace(SEEN, subject="search")
    assert acts(KNOWN, other, waiting={other.key: NOW - 5 * MINUTE_S}) == [IncidentAction.OPEN, IncidentAction.QUIET]
    quality = replace(SEEN, kind=IncidentKind.QUALITY)
    assert acts(replace(KNOWN, kind="quality"), replace(quality, signal="late")) == [
        IncidentAction.OPEN,
        IncidentAction.QUIET,
    ]


def test_a_silent_service_has_not_recovered() -> None:
    assert acts(KNOWN, unknown=frozenset({SEEN.key})) == []


def test_a_late_evaluation_changes_nothing() -> None:
    assert acts(KNOWN, at_s=KNOWN.last_seen_s - 1) == []
    just_closed = closed("fixed", ago_s=MINUTE_S)
    assert acts(just_closed, SEEN, at_s=NOW - 2 * MINUTE_S) == [IncidentAction.UPDATE]


@pytest.mark.parametrize(
    ("reason", "ago_s", "expected"),
    [
        ("fixed", 14 * MINUTE_S, IncidentAction.UPDATE),
        ("fixed", 16 * MINUTE_S, IncidentAction.REOPEN),
        ("expected", 23 * HOUR_S, IncidentAction.UPDATE),
        ("expected", 25 * HOUR_S, IncidentAction.REOPEN),
        ("false_alarm", 23 * HOUR_S, IncidentAction.UPDATE),
        ("false_alarm", 25 * HOUR_S, IncidentAction.REOPEN),
        ("duplicate", 23 * HOUR_S, IncidentAction.UPDATE),
        ("recovered", MINUTE_S, IncidentAction.REOPEN),
    ],
)
def test_a_close_reason_holds_for_its_time(reason: str, ago_s: float, expected: IncidentAction) -> None:
    assert acts(closed(reason, ago_s=ago_s), SEEN) == [expected]


@pytest.mark.parametrize("reason", ["fixed", "expected", "false_alarm", "duplicate", "recovered"])
def test_a_worsening_incident_reopens_for_any_reason(reason: str) -> None:
    known = closed(reason, ago_s=MINUTE_S, score=5.0)
    assert acts(known, replace(SEEN, score=7.6)) == [IncidentAction.REOPEN]
    assert acts(known, replace(SEEN, score=-7.6)) == [IncidentAction.REOPEN]


@pytest.mark.parametrize("reason", ["fixed", "expected", "false_alarm", "duplicate", "recovered"])
def test_a_flag_that_was_gone_for_more_than_an_hour_opens_a_new_incident(reason: str) -> None:
    gone = RECURRENCE_WINDOW_S + 1
    assert acts(closed(reason, ago_s=gone, seen_ago_s=gone + 9), SEEN, waiting=STAYED) == [IncidentAction.OPEN]


def test_the_active_incident_takes_precedence_over_older_ones() -> None:
    older = replace(closed("false_alarm", ago_s=MINUTE_S), id=9)
    made = incident_changes([older, KNOWN], DetectionSet((SEEN,), frozenset()), waiting_since={}, at_s=NOW)
    assert [(change.action, change.known) for change in made] == [(IncidentAction.UPDATE, KNOWN)]


@given(
    st.lists(st.booleans(), min_size=60, max_size=600),
    st.lists(st.tuples(st.integers(0, 599), st.sampled_from(["fixed", "expected", "false_alarm"])), max_size=20),
)
def test_at_most_one_incident_an_hour_opens(flapping: list[bool], closings: list[tuple[int, str]]) -> None:
    """Minute by minute; a person closes active incidents at some minutes."""
    known: StoredIncident | None = None
    opened: list[float] = []
    for minute, shown in enumerate(flapping):
        at_s = minute * MINUTE_S
        made = incident_changes(
            [known] if known else [],
            DetectionSet((SEEN,) if shown else (), frozenset()),
            waiting_since={SEEN.key: -HOUR_S},
            at_s=at_s,
        )
        for change in made:
            if change.action is IncidentAction.OPEN:
                opened.append(at_s)
                known = replace(KNOWN, last_seen_s=at_s)
            elif known and change.action is IncidentAction.QUIET:
                known = replace(known, quiet_s=at_s)
            elif known and change.action is IncidentAction.RECOVER:
                known = replace(known, status="closed", reason="recovered", closed_s=at_s, closed_score=8.0)
            elif known and change.action in {IncidentAction.UPDATE, IncidentAction.REOPEN}:
                status = "open" if change.action is IncidentAction.REOPEN else known.status
                known = replace(known, last_seen_s=at_s, quiet_s=None, status=status)
        for when, reason in closings:
            if when == minute and known and known.status != "closed":
                known = replace(known, status="closed", reason=reason, closed_s=at_s, closed_score=8.0)
    assert all(later - earlier > RECURRENCE_WINDOW_S for earlier, later in pairwise(opened))
