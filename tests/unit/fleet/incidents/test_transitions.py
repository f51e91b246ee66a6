"""What a look at the fleet does to the incidents, over hours that pass in an instant."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.fleet.incidents.detections import Key, Sighting, Sightings
from apps.fleet.incidents.lifecycle import HOUR_S, MINUTE_S, Kind, Stage
from apps.fleet.incidents.transitions import CALM_S, QUIET_CLOSES_S, Act, Known, changes

NOW = 1_000_000.0
SEEN = Sighting(Kind.OUTLIER, "checkout", "error_ratio", 8.0, "checkout is ill.")
KNOWN = Known(
    id=7,
    kind="outlier",
    subject="checkout",
    signal="error_ratio",
    stage="open",
    reason="",
    last_seen_s=NOW - MINUTE_S,
    quiet_s=None,
    closed_s=None,
    closed_score=None,
)


def acts(
    known: Known | None,
    *seen: Sighting,
    at_s: float = NOW,
    unknown: frozenset[Key] = frozenset(),
    waiting: dict[Key, float] | None = None,
) -> list[Act]:
    made = changes([known] if known else [], Sightings(seen, unknown), waiting_since=waiting or {}, at_s=at_s)
    return [change.act for change in made]


def closed(reason: str, *, ago_s: float, seen_ago_s: float = MINUTE_S, score: float = 8.0) -> Known:
    return replace(
        KNOWN,
        stage="closed",
        reason=reason,
        closed_s=NOW - ago_s,
        closed_score=score,
        last_seen_s=NOW - seen_ago_s,
    )


STAYED = {SEEN.key: NOW - 5 * MINUTE_S}


def test_a_flag_must_stay_before_it_is_an_incident_and_what_moves_together_need_not() -> None:
    assert acts(None, SEEN) == [Act.WAIT]
    assert acts(None, SEEN, waiting={SEEN.key: NOW - 4 * MINUTE_S}) == [Act.WAIT]
    assert acts(None, SEEN, waiting=STAYED) == [Act.OPEN]
    assert acts(None, replace(SEEN, kind=Kind.ZONE)) == [Act.OPEN]
    assert acts(None, replace(SEEN, kind=Kind.FLEET)) == [Act.OPEN]


def test_silence_must_last_before_it_is_an_incident() -> None:
    silent = Sighting(Kind.NO_DATA, "checkout", "", None, "checkout gives no data.")
    assert acts(None, silent) == [Act.WAIT]
    assert acts(None, silent, waiting={silent.key: NOW - 9 * MINUTE_S}) == [Act.WAIT]
    assert acts(None, silent, waiting={silent.key: NOW - 10 * MINUTE_S}) == [Act.OPEN]


@pytest.mark.parametrize("stage", [Stage.OPEN, Stage.ACKNOWLEDGED, Stage.MITIGATED])
def test_a_live_incident_is_seen_again_quiet_and_in_the_end_recovered(stage: Stage) -> None:
    known = replace(KNOWN, stage=stage)
    assert acts(known, SEEN) == [Act.SEE]
    assert acts(known) == [Act.QUIET]
    patience = QUIET_CLOSES_S[stage]
    assert acts(replace(known, quiet_s=NOW - patience + 1)) == []
    assert acts(replace(known, quiet_s=NOW - patience)) == [Act.RECOVER]


def test_another_signal_of_the_same_service_is_the_same_incident_but_another_service_is_not() -> None:
    assert acts(KNOWN, replace(SEEN, signal="latency_p95")) == [Act.SEE]
    other = replace(SEEN, subject="search")
    assert acts(KNOWN, other, waiting={other.key: NOW - 5 * MINUTE_S}) == [Act.OPEN, Act.QUIET]
    quality = replace(SEEN, kind=Kind.QUALITY)
    assert acts(replace(KNOWN, kind="quality"), replace(quality, signal="late")) == [Act.OPEN, Act.QUIET]


def test_a_service_that_fell_silent_has_not_recovered() -> None:
    assert acts(KNOWN, unknown=frozenset({SEEN.key})) == []


def test_a_look_that_comes_late_changes_nothing() -> None:
    assert acts(KNOWN, at_s=KNOWN.last_seen_s - 1) == []
    just_closed = closed("fixed", ago_s=MINUTE_S)
    assert acts(just_closed, SEEN, at_s=NOW - 2 * MINUTE_S) == [Act.SEE]


@pytest.mark.parametrize(
    ("reason", "ago_s", "expected"),
    [
        ("fixed", 14 * MINUTE_S, Act.SEE),
        ("fixed", 16 * MINUTE_S, Act.REOPEN),
        ("expected", 23 * HOUR_S, Act.SEE),
        ("expected", 25 * HOUR_S, Act.REOPEN),
        ("false_alarm", 23 * HOUR_S, Act.SEE),
        ("false_alarm", 25 * HOUR_S, Act.REOPEN),
        ("duplicate", 23 * HOUR_S, Act.SEE),
        ("recovered", MINUTE_S, Act.REOPEN),
    ],
)
def test_what_was_said_at_the_closing_holds_for_a_while(reason: str, ago_s: float, expected: Act) -> None:
    assert acts(closed(reason, ago_s=ago_s), SEEN) == [expected]


@pytest.mark.parametrize("reason", ["fixed", "expected", "false_alarm", "duplicate", "recovered"])
def test_what_becomes_half_again_as_bad_comes_back_whatever_was_said(reason: str) -> None:
    known = closed(reason, ago_s=MINUTE_S, score=5.0)
    assert acts(known, replace(SEEN, score=7.6)) == [Act.REOPEN]
    assert acts(known, replace(SEEN, score=-7.6)) == [Act.REOPEN]


@pytest.mark.parametrize("reason", ["fixed", "expected", "false_alarm", "duplicate", "recovered"])
def test_a_flag_that_was_gone_for_more_than_an_hour_opens_a_new_incident(reason: str) -> None:
    gone = CALM_S + 1
    assert acts(closed(reason, ago_s=gone, seen_ago_s=gone + 9), SEEN, waiting=STAYED) == [Act.OPEN]


def test_the_live_incident_counts_not_an_older_one() -> None:
    older = replace(closed("false_alarm", ago_s=MINUTE_S), id=9)
    made = changes([older, KNOWN], Sightings((SEEN,), frozenset()), waiting_since={}, at_s=NOW)
    assert [(change.act, change.known) for change in made] == [(Act.SEE, KNOWN)]


@given(
    st.lists(st.booleans(), min_size=60, max_size=600),
    st.lists(st.tuples(st.integers(0, 599), st.sampled_from(["fixed", "expected", "false_alarm"])), max_size=20),
)
def test_whatever_flaps_and_whoever_closes_at_most_one_incident_an_hour_is_opened(
    flapping: list[bool], closings: list[tuple[int, str]]
) -> None:
    """Minute by minute; a person closes what is live at some minutes."""
    known: Known | None = None
    opened: list[float] = []
    for minute, shown in enumerate(flapping):
        at_s = minute * MINUTE_S
        made = changes(
            [known] if known else [],
            Sightings((SEEN,) if shown else (), frozenset()),
            waiting_since={SEEN.key: -HOUR_S},
            at_s=at_s,
        )
        for change in made:
            if change.act is Act.OPEN:
                opened.append(at_s)
                known = replace(KNOWN, last_seen_s=at_s)
            elif known and change.act is Act.QUIET:
                known = replace(known, quiet_s=at_s)
            elif known and change.act is Act.RECOVER:
                known = replace(known, stage="closed", reason="recovered", closed_s=at_s, closed_score=8.0)
            elif known and change.act in {Act.SEE, Act.REOPEN}:
                stage = "open" if change.act is Act.REOPEN else known.stage
                known = replace(known, last_seen_s=at_s, quiet_s=None, stage=stage)
        for when, reason in closings:
            if when == minute and known and known.stage != "closed":
                known = replace(known, stage="closed", reason=reason, closed_s=at_s, closed_score=8.0)
    assert all(later - earlier > CALM_S for earlier, later in pairwise(opened))
