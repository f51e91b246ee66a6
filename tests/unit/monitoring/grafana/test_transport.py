"""What can be wrong with a Grafana, each in one clear line and before the first write."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.datasets.adapters.prometheus import counter
from apps.monitoring.adapters.grafana.connect import connect
from apps.monitoring.adapters.grafana.fake.exchange import Fault
from apps.monitoring.adapters.grafana.fake.grafana import EVERYTHING, TOKEN, FakeGrafana
from apps.monitoring.adapters.grafana.fake.server import serving
from apps.monitoring.adapters.grafana.legacy import LegacyGrafana
from apps.monitoring.adapters.grafana.transport import HttpTransport, Patience
from apps.monitoring.core.errors import GrafanaAway, GrafanaRefused
from apps.monitoring.metrics import SYNC_REQUESTS
from apps.monitoring.services.grafana_sync import Run, dashboards_sync
from embedded.ports import free_port
from tests.grafanas import NOW, MemoryHistory, manifest

QUICK = Patience(timeout_s=2, tries=3, pause_s=0.001)


@pytest.fixture
def fake() -> FakeGrafana:
    return FakeGrafana()


@pytest.fixture
def url(fake: FakeGrafana) -> Iterator[str]:
    with serving(fake) as address:
        yield address


def sync(url: str, *, token: str = TOKEN, patience: Patience = QUICK, ca: Path | None = None) -> None:
    grafana = connect(HttpTransport(url, token, patience=patience, ca=ca))
    dashboards_sync(Run(grafana, MemoryHistory(), "abc", NOW), manifest())


def one_line(error: BaseException) -> str:
    text = str(error)
    assert "\n" not in text
    assert "fake-token" not in text
    return text


def test_a_wrong_token(fake: FakeGrafana, url: str) -> None:
    with pytest.raises(GrafanaRefused, match="does not know the token: mend ANDEN_GRAFANA_TOKEN") as raised:
        sync(url, token="wrong")
    one_line(raised.value)
    assert fake.writes == []


@pytest.mark.parametrize("missing", sorted(EVERYTHING))
def test_a_missing_permission_is_named_before_the_first_write(fake: FakeGrafana, url: str, missing: str) -> None:
    fake.tokens["fake-token"] = EVERYTHING - {missing}
    with pytest.raises(GrafanaRefused, match=f"the token lacks {missing}: give its service account the role Admin"):
        sync(url)
    assert fake.writes == []


@pytest.mark.parametrize(
    ("version", "supported"), [("10.4.19", False), ("11.0.0", True), ("12.4.4", True), ("13.0.0-pre", True)]
)
def test_an_older_grafana(version: str, supported: bool) -> None:
    with serving(FakeGrafana(version)) as url:
        if supported:
            assert isinstance(connect(HttpTransport(url, "fake-token", patience=QUICK)), LegacyGrafana)
        else:
            with pytest.raises(GrafanaRefused, match=r"version 10\.4\.19; Andén needs 11\.0 or newer: upgrade it"):
                sync(url)


def test_nobody_at_the_address() -> None:
    with pytest.raises(GrafanaAway, match=r"does not answer GET /api/health \(Connection refused\)") as raised:
        sync(f"http://127.0.0.1:{free_port()}")
    one_line(raised.value)


def test_no_tls_where_it_is_expected(url: str) -> None:
    with pytest.raises(GrafanaRefused, match=r"TLS failed .* ANDEN_GRAFANA_CA") as raised:
        sync(url.replace("http://", "https://"))
    one_line(raised.value)


def test_a_page_for_people_instead_of_json(fake: FakeGrafana, url: str) -> None:
    fake.faults[1] = Fault(status=200, html=True)
    with pytest.raises(GrafanaRefused, match="answers 200 with text/html instead of JSON: ANDEN_GRAFANA_URL leads"):
        sync(url)


def test_a_redirect_is_not_followed(fake: FakeGrafana, url: str) -> None:
    fake.faults[1] = Fault(status=302, headers={"Location": "https://grafana.example/login"})
    with pytest.raises(GrafanaRefused, match=r"sends us on to https://grafana\.example/login"):
        sync(url)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_an_overload_is_waited_for(fake: FakeGrafana, url: str, status: int) -> None:
    fake.fail((1, 2, 9, 20), Fault(status=status))
    sync(url)
    assert len(fake.world.boards) == 2


def test_retry_after_is_honoured(fake: FakeGrafana, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", slept.append)
    fake.faults[2] = Fault(status=429, headers={"Retry-After": "7"})
    sync(url)
    assert slept == [7]


def test_pauses_double_are_jittered_and_bounded(fake: FakeGrafana, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", slept.append)
    fake.fail(range(1, 9), Fault(status=503))
    sync(url, patience=Patience(timeout_s=2, tries=9, pause_s=1))
    assert len(slept) == 8
    for number, pause in enumerate(slept):
        longest = min(30, 2**number)
        assert longest / 2 <= pause <= longest


def test_an_overload_that_does_not_end(fake: FakeGrafana, url: str) -> None:
    fake.fail(range(1, 100), Fault(status=503))
    with pytest.raises(GrafanaAway, match="answers GET /api/health with 503 after 3 tries"):
        sync(url)
    assert len(fake.requests) == QUICK.tries


def test_an_overload_behind_a_proxy_with_a_page_of_its_own(fake: FakeGrafana, url: str) -> None:
    fake.fail(range(1, 100), Fault(status=502, html=True))
    with pytest.raises(GrafanaAway, match="with 502 after 3 tries"):
        sync(url)


def test_a_refusal_names_the_object_and_gives_grafanas_reason(fake: FakeGrafana, url: str) -> None:
    number = 1 + next(place for place, asked in enumerate(planned_requests()) if asked == "POST /api/datasources")
    fake.faults[number] = Fault(status=422)
    with pytest.raises(GrafanaRefused, match="refuses to create data source anden-prometheus: 422 injected"):
        sync(url)


def planned_requests() -> list[str]:
    fake = FakeGrafana()
    with serving(fake) as url:
        sync(url)
    return [f"{asked.method} {asked.path}" for asked in fake.requests]


def test_every_try_is_counted(fake: FakeGrafana, url: str) -> None:
    counted = counter(SYNC_REQUESTS)

    def value(status: str) -> float:
        return float(counted.labels("GET", status)._value.get())

    before = value("5xx"), value("2xx")
    fake.fail((1, 2), Fault(status=503))
    connect(HttpTransport(url, "fake-token", patience=QUICK))
    assert (value("5xx"), value("2xx")) == (before[0] + 2, before[1] + 1)


def test_the_token_is_not_replaced_by_a_netrc(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    sync(url)


def test_certificates_are_checked() -> None:
    assert ssl.create_default_context().verify_mode is ssl.CERT_REQUIRED
    assert HttpTransport("https://x", "t", patience=QUICK)._verify is True
    assert HttpTransport("https://x", "t", patience=QUICK, ca=Path("/ca.pem"))._verify == "/ca.pem"
