"""Files as a source: what is read, and how errors name their place."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.fleet.engine.observation import Observation
from apps.fleet.engine.observation_builder import INDEX, ObservationBuilder
from apps.fleet.engine.span import DAY_S, ObservationSpan
from apps.fleet.errors import SourceInvalid
from apps.fleet.sources import npz_file
from apps.fleet.sources.file_source import FileSource
from apps.telemetry.errors import SourceUnavailable

AT_S = 1_799_999_940.0
SPAN = ObservationSpan(window_s=300, step_s=60, days=2)
LATENCY = INDEX["latency_p95"]


def _observed(tmp_path: Path, text: str | bytes, name: str = "fleet.csv") -> Observation:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return FileSource(path, SPAN).observe(AT_S)


def _iso(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()


def test_values_go_to_their_step_and_the_rest_is_no_data(tmp_path: Path) -> None:
    found = _observed(
        tmp_path,
        "at,service,zone,signal,value\n"
        f"{_iso(AT_S)},web,a,latency_p95,0.25\n"
        f"{AT_S - 60},web,a,latency_p95,\n"
        f"{AT_S - 130},web,a,latency_p95,0.5\n"
        f"{AT_S - DAY_S},web,a,latency_p95,0.125\n"
        f"{AT_S - 3 * DAY_S},web,a,latency_p95,9\n"
        f"{AT_S + 60},web,a,latency_p95,9\n"
        f"{AT_S - 60},mail,,saturation,1\n",
    )
    assert (found.services, found.zones) == (("mail", "web"), ("", "a"))
    np.testing.assert_array_equal(found.now[1, LATENCY], [np.nan, np.nan, 0.5, np.nan, 0.25])
    np.testing.assert_array_equal(found.past[1, LATENCY, 0], [np.nan] * 4 + [0.125])
    assert np.isfinite(found.past).sum() == 1
    assert found.now[0, INDEX["saturation"], 3] == 1


def test_columns_may_come_in_any_order_and_the_zone_may_be_missing(tmp_path: Path) -> None:
    found = _observed(tmp_path, f"signal,value,service,at\nlatency_p95,0.5,web,{AT_S}\n")
    assert found.now[0, LATENCY, -1] == np.float32(0.5)


def test_a_deploy_is_a_line_and_future_ones_are_ignored(tmp_path: Path) -> None:
    rows = f"{AT_S - 90},web,deploy,\n{AT_S + 90},web,deploy,\n{AT_S},web,latency_p95,1\n"
    assert _observed(tmp_path, f"at,service,signal,value\n{rows}").deployed_s.tolist() == [AT_S - 90]


def test_a_line_that_is_still_being_written_waits(tmp_path: Path) -> None:
    found = _observed(tmp_path, f"at,service,signal,value\n{AT_S},web,latency_p95,0.5\n{AT_S},mail,latency_p95,0.")
    assert found.services == ("web",)


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ("yesterday,web,a,latency_p95,1\n", "line 2, column at: 'yesterday' is neither ISO 8601"),
        ("-5,web,a,latency_p95,1\n", "line 2, column at: '-5' is not a time"),
        ("nan,web,a,latency_p95,1\n", "line 2, column at: 'nan' is not a time"),
        ("1,web,a,latency_p95,1\n1,,a,latency_p95,1\n", "line 3, column service: is empty"),
        ("1,web,a,latency,1\n", "line 2, column signal: 'latency' is not one of request_rate"),
        ("1,web,a,latency_p95,fast\n", "line 2, column value: 'fast' is not a number"),
        ("1,web,a,latency_p95,-1\n", "line 2, column value: -1 is below zero"),
        ("1,web,a\n", "line 2: 3 fields instead of 5"),
        (f"1,{'x' * 300},a,latency_p95,1\n", "line 2, column service: is longer than 250"),
        ("1,a\0b,a,latency_p95,1\n", "line 2, column service: contains a NUL"),
    ],
)
def test_an_invalid_line_is_reported_with_its_column(tmp_path: Path, rows: str, complaint: str) -> None:
    with pytest.raises(SourceInvalid) as caught:
        _observed(tmp_path, f"at,service,zone,signal,value\n{rows}")
    assert complaint in str(caught.value)
    assert str(tmp_path / "fleet.csv") in str(caught.value)


@pytest.mark.parametrize("text", ["", "a,b\n", "at,service,zone,signal\n", "at,service,signal,value,value\n"])
def test_an_invalid_header_is_shown_with_the_expected_one(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceInvalid, match="line 1: the header must be at,service,zone,signal,value"):
        _observed(tmp_path, text)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("fleet.csv", b"at,service,signal,value\n1,\xff,latency_p95,1\n", "is not UTF-8"),
        ("fleet.npz", b"no zip", "is not an NPZ file of numbers and text: write it with numpy.savez$"),
        ("fleet.txt", b"", "is not a .csv file, a .npz file"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, name: str, content: bytes, complaint: str) -> None:
    with pytest.raises(SourceInvalid, match=complaint):
        _observed(tmp_path, content, name)


def test_a_missing_file_raises_source_unavailable(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="does not exist"):
        FileSource(tmp_path / "none", SPAN).observe(AT_S)
    with pytest.raises(SourceUnavailable, match=r"contains no .csv or .npz file"):
        FileSource(tmp_path, SPAN).observe(AT_S)


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"values": None}, "the array values is missing"),
        ({"services": np.array([1])}, "the array services is of type int64"),
        ({"signals": np.array(["speed"])}, "signals contains speed, which is not one of"),
        ({"values": np.zeros((2, 1, 1))}, "the array values is float64 of \\(2, 1, 1\\), not floats of \\(1, 1, 1\\)"),
        ({"zones": np.array(["a", "b"])}, "the array zones has 2 entries for 1 services"),
    ],
)
def test_an_invalid_array_is_named(tmp_path: Path, changed: dict[str, object], complaint: str) -> None:
    sound = {
        "services": np.array(["web"]),
        "signals": np.array(["latency_p95"]),
        "times_s": np.array([AT_S]),
        "values": np.ones((1, 1, 1), np.float32),
    }
    path = tmp_path / "fleet.npz"
    np.savez(path, **{name: array for name, array in (sound | changed).items() if array is not None})  # type: ignore[arg-type]
    with pytest.raises(SourceInvalid, match=complaint):
        FileSource(path, SPAN).observe(AT_S)


def test_files_of_a_folder_are_one_fleet(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"at,service,signal,value\n{AT_S},web,latency_p95,0.5\n")
    (tmp_path / "note.txt").write_text("not mine")
    npz_file.write(
        tmp_path / "b.npz",
        services=("mail",),
        zones=("z",),
        times_s=np.array([AT_S - 60, AT_S]),
        values=np.full((1, 6, 2), 2, np.float32),
        deployed_s=np.array([AT_S - 120]),
    )
    found = FileSource(tmp_path, SPAN).observe(AT_S)
    assert (found.services, found.zones) == (("mail", "web"), ("z", ""))
    assert found.now[0, LATENCY].tolist()[-2:] == [2, 2]
    assert found.deployed_s[0] == AT_S - 120


@given(
    step_s=st.sampled_from([1, 5, 15, 60, 300, 3600]),
    points=st.integers(2, 24),
    days=st.integers(0, 9),
    at_s=st.floats(1.6e9, 2.0e9),
)
def test_every_time_of_every_window_has_its_own_cell(step_s: int, points: int, days: int, at_s: float) -> None:
    span = ObservationSpan(window_s=step_s * points, step_s=step_s, days=days)
    for day, times_s in span.windows(at_s):
        assert times_s[-1] + day * DAY_S <= at_s < times_s[-1] + day * DAY_S + step_s
        np.testing.assert_array_equal(span.cells(at_s, times_s), np.arange(day * points, (day + 1) * points))
        # A step ends at its time: slightly earlier samples belong to it, too.
        np.testing.assert_array_equal(span.cells(at_s, times_s - step_s / 2), span.cells(at_s, times_s))
    before = span.times_s(at_s)[:1] - step_s
    after = span.times_s(at_s)[-1:] + step_s
    assert span.cells(at_s, after).tolist() == [-1]
    assert span.cells(at_s, before).tolist() == [-1] or points * step_s == DAY_S


@given(st.lists(st.integers(0, 200), max_size=300))
def test_a_builder_keeps_any_number_of_services_apart(numbers: list[int]) -> None:
    builder = ObservationBuilder(SPAN, AT_S)
    for number in numbers:
        builder.put(builder.row(f"s{number:03}"), LATENCY, 0, float(number))
    found = builder.observation()
    assert found.services == tuple(f"s{number:03}" for number in sorted(set(numbers)))
    assert found.now[:, LATENCY, 0].tolist() == [float(number) for number in sorted(set(numbers))]
