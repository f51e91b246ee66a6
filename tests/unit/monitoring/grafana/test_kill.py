"""A sync killed at any request, before or after its effect: the next run converges, with one annotation."""

import copy
from contextlib import suppress
from io import BytesIO
from typing import Any

import pytest
from requests import Response

from apps.monitoring.errors import GrafanaUnavailable
from apps.monitoring.grafana.client.client import GrafanaApiClient
from apps.monitoring.grafana.client.session import RequestRetryPolicy
from apps.monitoring.grafana.services import dashboards_drift, dashboards_sync
from apps.monitoring.grafana.sync import placeholders
from apps.telemetry.errors import MonitoringError
from tests.fakes.grafana.data import GrafanaData
from tests.fakes.grafana.grafana import FakeGrafana
from tests.fakes.grafana.messages import ConnectionDropped, Fault
from tests.fakes.grafana.server import DirectAdapter, direct_client, serving
from tests.grafana_documents import VALUES, MemorySyncHistory, dashboard, documents, manifest, run_on

NO_RETRY = RequestRetryPolicy(timeout_s=5, tries=1, pause_s=0)


class Killed(BaseException):
    """The process was killed."""


class Mortal(DirectAdapter):
    """Raises Killed at the nth request, before or after its effect."""

    def __init__(self, fake: FakeGrafana, at: int, *, applied: bool) -> None:
        super().__init__(fake)
        self.left, self.applied = at, applied

    def send(self, *args: Any, **options: Any) -> Response:
        self.left -= 1
        if self.left == 0 and not self.applied:
            raise Killed
        answer = super().send(*args, **options)
        if self.left == 0:
            raise Killed
        return answer


def second() -> dict[str, Any]:
    """The manifest of the next release, with new and changed objects."""
    files = documents()
    files["overview.json"] = dashboard(panels=5)
    files["fleet.json"] = dashboard("anden-fleet", "Fleet")
    files["provisioning/mute-timings.json"][0]["time_intervals"][0]["weekdays"] = ["sunday"]
    files["provisioning/datasources.json"][0]["jsonData"]["timeInterval"] = "15s"
    files["provisioning/policy.json"]["group_wait"] = "45s"
    return files


def settled(data: GrafanaData) -> tuple[Any, ...]:
    """The data without versions and ids."""
    boards = {
        uid: {**board.model, "id": 0, "version": 0, "folder": board.folder} for uid, board in data.boards.items()
    }
    rules = {uid: {**rule, "id": 0} for uid, rule in data.rules.items()}
    sources = {uid: {**source, "id": 0, "version": 0} for uid, source in data.sources.items()}
    folders = {uid: {**folder, "id": 0, "version": 0} for uid, folder in data.folders.items()}
    return boards, rules, sources, folders, data.contacts, data.mutes, data.tree, data.intervals


def requests_of_a_release() -> tuple[int, GrafanaData, GrafanaData]:
    """The number of requests of a complete run, and the data before and after it."""
    fake, history = FakeGrafana(), MemorySyncHistory()
    dashboards_sync(run_on(fake, history), manifest())
    before = copy.deepcopy(fake.data)
    fake.forget()
    dashboards_sync(run_on(fake, history), manifest(second()))
    return len(fake.requests), before, fake.data


@pytest.fixture(autouse=True)
def hash_lightly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make hashes cheap: their cost is not tested here."""
    monkeypatch.setattr(placeholders, "ROUNDS", 1)


def test_a_first_sync_killed_at_any_request_converges_in_the_next_run() -> None:
    complete = FakeGrafana()
    dashboards_sync(run_on(complete), manifest())
    total = len(complete.requests)
    for at in range(1, total + 1):
        for applied in (False, True):
            fake, history = FakeGrafana(), MemorySyncHistory()
            with pytest.raises(Killed):
                dashboards_sync(
                    run_on(fake, history, client=direct_client(Mortal(fake, at, applied=applied))), manifest()
                )
            dashboards_sync(run_on(fake, history), manifest())
            assert settled(fake.data) == settled(complete.data), (at, applied)
            assert [note["tags"] for note in fake.data.annotations.values()] == [["anden", "deploy"]], (at, applied)
            fake.forget()
            dashboards_sync(run_on(fake, history), manifest())
            assert fake.writes == []
    print(f"{2 * total} kills of a first sync, {total} requests")  # noqa: T201 - the figures


def test_a_release_killed_at_any_request_converges_in_the_next_run_with_one_annotation() -> None:
    total, before, after = requests_of_a_release()
    for at in range(1, total + 1):
        for applied in (False, True):
            fake, history = FakeGrafana(data=copy.deepcopy(before)), MemorySyncHistory()
            with pytest.raises(Killed):
                dashboards_sync(
                    run_on(fake, history, client=direct_client(Mortal(fake, at, applied=applied))), manifest(second())
                )
            dashboards_sync(run_on(fake, history), manifest(second()))
            assert settled(fake.data) == settled(after), (at, applied)
            notes = list(fake.data.annotations.values())
            assert [note["tags"] for note in notes] == [["anden", "deploy"]] * 2, (at, applied)
            assert dashboards_drift(run_on(fake, history), VALUES) == ()
    print(f"{2 * total} kills of a release, {total} requests")  # noqa: T201 - the figures


def test_a_connection_dropped_at_any_request_is_one_error_and_the_next_run_converges() -> None:
    total, before, after = requests_of_a_release()
    for at in range(1, total + 1):
        fake, history = FakeGrafana(data=copy.deepcopy(before)), MemorySyncHistory()
        fake.faults[at] = Fault(applied=at % 2 == 0)
        with serving(fake) as url:
            try:
                client = GrafanaApiClient(url, "fake-token", retry=NO_RETRY)
                dashboards_sync(run_on(fake, history, client=client), manifest(second()))
            except GrafanaUnavailable:
                pass  # a lost annotation is searched for and found
            dashboards_sync(run_on(fake, history), manifest(second()))
        assert settled(fake.data) == settled(after), at
        assert len(fake.data.annotations) == 2


def test_retries_survive_every_lost_response_in_the_same_run() -> None:
    total, before, after = requests_of_a_release()
    for at in range(1, total + 1):
        fake, history = FakeGrafana(data=copy.deepcopy(before)), MemorySyncHistory()
        fake.faults[at] = Fault(applied=True)
        with serving(fake) as url:
            client = GrafanaApiClient(url, "fake-token", retry=RequestRetryPolicy(timeout_s=5, tries=3, pause_s=0.001))
            dashboards_sync(run_on(fake, history, client=client), manifest(second()))
        assert settled(fake.data) == settled(after), at
        assert len(fake.data.annotations) == 2


class WrongBody(DirectAdapter):
    """Returns 200 with another body to the nth request."""

    def __init__(self, fake: FakeGrafana, at: int, body: bytes) -> None:
        super().__init__(fake)
        self.left, self.body = at, body

    def send(self, *args: Any, **options: Any) -> Response:
        self.left -= 1
        if self.left:
            return super().send(*args, **options)
        answer = Response()
        answer.status_code, answer.raw = 200, BytesIO(self.body)
        return answer


@pytest.mark.parametrize("body", [b"{}", b"null", b'"ok"', b"[{}]", b'{"message": "ok"}'])
def test_an_unexpected_response_is_one_error_and_the_next_run_converges(body: bytes) -> None:
    total, before, after = requests_of_a_release()
    for at in range(1, total + 1):
        fake, history = FakeGrafana(data=copy.deepcopy(before)), MemorySyncHistory()
        with suppress(MonitoringError):  # and no other error
            client = direct_client(WrongBody(fake, at, body))
            dashboards_sync(run_on(fake, history, client=client), manifest(second()))
        dashboards_sync(run_on(fake, history), manifest(second()))
        assert settled(fake.data) == settled(after), at


def test_a_fault_without_status_drops_the_connection() -> None:
    fake = FakeGrafana()
    fake.faults[1] = Fault()
    with pytest.raises(GrafanaUnavailable) as raised:
        run_on(fake)
    assert raised.value.__cause__ is not None
    assert isinstance(raised.value.__cause__.__cause__, ConnectionDropped)
