"""One detection per problem: an unhealthy service, the fleet, a zone, or missing data."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.fleet.incidents.detections import detections_of, severity
from apps.fleet.incidents.lifecycle import IncidentKind
from tests.evaluations import evaluation, event, flag

FIFTY = tuple(f"service-{number}" for number in range(50))


def test_a_service_with_three_flagged_signals_is_one_detection_with_all_figures() -> None:
    flags = [
        flag("service-3", name, score=score)
        for name, score in (("latency_p95", 6.0), ("error_ratio", 9.0), ("saturation", 4.0))
    ]
    (one,) = detections_of(evaluation(FIFTY, *flags)).seen
    assert (one.kind, one.subject, one.signal, one.score) == (IncidentKind.OUTLIER, "service-3", "error_ratio", 9.0)
    figures = one.evidence["flags"]
    assert [each["signal"] for each in figures] == ["error_ratio", "latency_p95", "saturation"]
    assert set(figures[0]) == {
        "service", "signal", "kind", "value", "baseline", "peer_median", "score", "window_s", "peers", "since_s",
        "sentence", "zone",
    }  # fmt: skip


def test_events_of_several_signals_are_one_detection_with_the_worst_shift_first() -> None:
    events = (event(shift=1.4), event(shift=0.5, signal="request_rate"), event("b", shift=2.0))
    fleet, zone = detections_of(evaluation(FIFTY, events=events)).seen
    assert (fleet.kind, fleet.subject, fleet.signal, fleet.score) == (
        IncidentKind.FLEET,
        "the fleet",
        "request_rate",
        0.5,
    )
    assert (zone.kind, zone.subject, zone.score) == (IncidentKind.ZONE, "b", 2.0)


def test_only_flags_that_shift_with_their_zone_belong_to_its_event() -> None:
    flags = [replace(flag("service-1"), zone="b"), replace(flag("service-2"), zone="b"), flag("service-3")]
    seen = detections_of(evaluation(FIFTY, *flags, events=(event("b"),))).seen
    assert [one.subject for one in seen] == ["b", "service-3"]
    assert len(detections_of(evaluation(FIFTY, *flags)).seen) == 3


@pytest.mark.parametrize(("silent", "single"), [(1, True), (10, True), (11, False), (50, False)])
def test_many_silent_services_are_one_detection(silent: int, single: bool) -> None:
    seen = detections_of(evaluation(FIFTY, silent=FIFTY[:silent])).seen
    assert len(seen) == (silent if single else 1)
    assert {one.kind for one in seen} == {IncidentKind.NO_DATA}
    if not single:
        assert seen[0].sentence == f"{silent} of 50 services have no data."
        assert seen[0].evidence["silent"] == list(FIFTY[:silent])


def test_a_silent_service_makes_its_outlier_unknown() -> None:
    found = detections_of(evaluation(FIFTY, silent=("service-1",)))
    assert found.unknown == {("outlier", "service-1", "")}
    assert ("fleet", "the fleet", "") in detections_of(evaluation(FIFTY, silent=FIFTY[:30])).unknown


def test_nan_is_null_in_the_evidence() -> None:
    one = detections_of(evaluation(FIFTY, flag("service-1", score=float("inf")))).seen[0]
    assert one.score is None
    assert json.loads(json.dumps(one.evidence, allow_nan=False))["flags"][0]["score"] is None
    numpy_flag = flag("service-1", score=np.float32(3.5))  # type: ignore[arg-type] # what arrays hold
    json.dumps(detections_of(evaluation(FIFTY, numpy_flag)).seen[0].evidence)


@given(st.floats(0.001, 1000))
def test_a_factor_is_as_bad_as_its_inverse(shift: float) -> None:
    assert severity("fleet", shift) == pytest.approx(severity("zone", 1 / shift))
    assert severity("outlier", -shift) == shift
    assert severity("no_data", None) == 0
