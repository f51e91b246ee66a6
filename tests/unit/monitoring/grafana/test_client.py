"""Each problem with a Grafana is one clear line before the first write."""

import io
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from apps.monitoring.errors import GrafanaRefused, GrafanaUnavailable
from apps.monitoring.grafana.client.client import GrafanaApiClient
from apps.monitoring.grafana.client.connection import grafana_connect
from apps.monitoring.grafana.client.legacy import LegacyGrafana
from apps.monitoring.grafana.client.response import GrafanaResponse
from apps.monitoring.grafana.client.session import RequestRetryPolicy
from apps.monitoring.grafana.services import SyncContext, dashboards_sync
from apps.monitoring.metrics import SYNC_REQUESTS
from apps.telemetry.prometheus import counter
from embedded.ports import free_port
from tests.fakes.grafana.grafana import EVERYTHING, TOKEN, FakeGrafana
from tests.fakes.grafana.messages import Fault
from tests.fakes.grafana.server import serving
from tests.grafana_documents import NOW, MemorySyncHistory, manifest

QUICK = RequestRetryPolicy(timeout_s=2, tries=3, pause_s=0.001)


@pytest.fixture
def fake() -> FakeGrafana:
    return FakeGrafana()


@pytest.fixture
def url(fake: FakeGrafana) -> Iterator[str]:
    with serving(fake) as given:
        yield given


def sync(url: str, *, token: str = TOKEN, retry: RequestRetryPolicy = QUICK, ca: Path | None = None) -> None:
    grafana = grafana_connect(GrafanaApiClient(url, token, retry=retry, ca=ca))
    dashboards_sync(SyncContext(grafana, MemorySyncHistory(), "abc", NOW), manifest())


def one_line(error: BaseException) -> str:
    text = str(error)
    assert "\n" not in text
    assert "fake-token" not in text
    return text


def test_a_wrong_token_raises_grafana_refused(fake: FakeGrafana, url: str) -> None:
    with pytest.raises(GrafanaRefused, match="rejects the token: check ANDEN_GRAFANA_TOKEN") as raised:
        sync(url, token="wrong")
    one_line(raised.value)
    assert fake.writes == []


@pytest.mark.parametrize("added", ["\n", "\r\n", " ", "\t\n"])
def test_the_trailing_newline_of_a_token_file_is_ignored(url: str, added: str) -> None:
    sync(url, token=TOKEN + added)


@pytest.mark.parametrize(
    "token",
    ["fake-token x", "fake-token\nX-Grafana-Org-Id: 2", "\u200bfake-token", "fake-tokenü", "“fake-token”", " "],
)
def test_a_token_with_invalid_characters_is_not_quoted(fake: FakeGrafana, url: str, token: str) -> None:
    with pytest.raises(
        GrafanaRefused, match=r"ANDEN_GRAFANA_TOKEN has an invalid character .*: copy it again"
    ) as raised:
        sync(url, token=token)
    one_line(raised.value)
    assert fake.requests == []


@pytest.mark.parametrize(
    "given",
    ["https://admin:opensesame@g.example", "https://g.example/?orgId=2", "https://g.example/grafana/#dashboards"],
)
def test_a_url_has_only_scheme_host_and_path(given: str) -> None:
    with pytest.raises(GrafanaRefused, match="ANDEN_GRAFANA_URL must be only scheme, host and path") as raised:
        sync(given)
    assert "opensesame" not in one_line(raised.value)


@pytest.mark.parametrize("missing", sorted(EVERYTHING))
def test_a_missing_permission_is_named_before_the_first_write(fake: FakeGrafana, url: str, missing: str) -> None:
    fake.tokens["fake-token"] = EVERYTHING - {missing}
    with pytest.raises(GrafanaRefused, match=f"the token lacks {missing}: give its service account the role Admin"):
        sync(url)
    assert fake.writes == []


@pytest.mark.parametrize(
    ("version", "supported"), [("10.4.19", False), ("11.0.0", True), ("12.4.4", True), ("13.0.0-pre", True)]
)
def test_an_old_grafana_is_refused(version: str, supported: bool) -> None:
    with serving(FakeGrafana(version)) as url:
        if supported:
            assert isinstance(grafana_connect(GrafanaApiClient(url, "fake-token", retry=QUICK)), LegacyGrafana)
        else:
            with pytest.raises(
                GrafanaRefused, match=r"version 10\.4\.19, but Andén requires 11\.0 or newer: upgrade Grafana"
            ):
                sync(url)


def test_a_closed_port_raises_grafana_unavailable() -> None:
    with pytest.raises(
        GrafanaUnavailable, match=r"does not respond to GET /api/health \(Connection refused\)"
    ) as raised:
        sync(f"http://127.0.0.1:{free_port()}")
    one_line(raised.value)


def test_plain_http_where_tls_is_expected_raises_grafana_refused(url: str) -> None:
    with pytest.raises(GrafanaRefused, match=r"TLS failed .* ANDEN_GRAFANA_CA") as raised:
        sync(url.replace("http://", "https://"))
    one_line(raised.value)


def test_html_instead_of_json_raises_grafana_refused(fake: FakeGrafana, url: str) -> None:
    fake.faults[1] = Fault(status=200, html=True)
    with pytest.raises(GrafanaRefused, match="answers 200 with text/html instead of JSON: ANDEN_GRAFANA_URL points"):
        sync(url)


def test_a_redirect_is_not_followed(fake: FakeGrafana, url: str) -> None:
    fake.faults[1] = Fault(status=302, headers={"Location": "https://grafana.example/login"})
    with pytest.raises(GrafanaRefused, match=r"redirects to https://grafana\.example/login"):
        sync(url)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_an_overload_is_retried(fake: FakeGrafana, url: str, status: int) -> None:
    fake.fail((1, 2, 9, 20), Fault(status=status))
    sync(url)
    assert len(fake.data.boards) == 2


@pytest.mark.parametrize(
    ("header", "slept"),
    [
        ("7", 7),
        ("86400", 30),
        ("9" * 30, 30),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("1.5", 0),
        ("soon", 0),
        ("-3", 0),
    ],
)
def test_a_valid_retry_after_is_honoured(
    fake: FakeGrafana, url: str, monkeypatch: pytest.MonkeyPatch, header: str, slept: float
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", pauses.append)
    fake.faults[2] = Fault(status=429, headers={"Retry-After": header})
    sync(url)
    assert [round(pause, 2) for pause in pauses] == [slept]


def test_backoff_is_exponential_jittered_and_bounded(
    fake: FakeGrafana, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", slept.append)
    fake.fail(range(1, 9), Fault(status=503))
    sync(url, retry=RequestRetryPolicy(timeout_s=2, tries=9, pause_s=1))
    assert len(slept) == 8
    for number, pause in enumerate(slept):
        longest = min(30, 2**number)
        assert longest / 2 <= pause <= longest


def test_a_lasting_overload_raises_grafana_unavailable(fake: FakeGrafana, url: str) -> None:
    fake.fail(range(1, 100), Fault(status=503))
    with pytest.raises(GrafanaUnavailable, match="answers GET /api/health with 503 after 3 attempts"):
        sync(url)
    assert len(fake.requests) == QUICK.tries


def test_an_overload_behind_a_proxy_with_an_html_page_raises_grafana_unavailable(fake: FakeGrafana, url: str) -> None:
    fake.fail(range(1, 100), Fault(status=502, html=True))
    with pytest.raises(GrafanaUnavailable, match="with 502 after 3 attempts"):
        sync(url)


def test_a_refusal_has_the_object_and_grafanas_reason(fake: FakeGrafana, url: str) -> None:
    number = 1 + next(place for place, asked in enumerate(planned_requests()) if asked == "POST /api/datasources")
    fake.faults[number] = Fault(status=422)
    with pytest.raises(GrafanaRefused, match="refuses to create data source anden-prometheus: 422 injected"):
        sync(url)


def planned_requests() -> list[str]:
    fake = FakeGrafana()
    with serving(fake) as url:
        sync(url)
    return [f"{asked.method} {asked.path}" for asked in fake.requests]


def test_every_attempt_is_counted(fake: FakeGrafana, url: str) -> None:
    counted = counter(SYNC_REQUESTS)

    def value(status: str) -> float:
        return float(counted.labels("GET", status)._value.get())

    before = value("5xx"), value("2xx")
    fake.fail((1, 2), Fault(status=503))
    grafana_connect(GrafanaApiClient(url, "fake-token", retry=QUICK))
    assert (value("5xx"), value("2xx")) == (before[0] + 2, before[1] + 1)


def test_the_token_is_not_replaced_by_a_netrc(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    sync(url)


def test_certificates_are_checked() -> None:
    assert ssl.create_default_context().verify_mode is ssl.CERT_REQUIRED
    assert GrafanaApiClient("https://x", "t", retry=QUICK).api.client.verify is True
    assert GrafanaApiClient("https://x", "t", retry=QUICK, ca=Path("/ca.pem")).api.client.verify == "/ca.pem"


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://[::1]:3000", "http://[::1]:3000/api/health"),
        ("https://example.org/grafana", "https://example.org/grafana/api/health"),
        ("https://example.org/grafana/", "https://example.org/grafana/api/health"),
    ],
)
def test_a_url_is_used_verbatim(url: str, asked: str) -> None:
    seen: list[tuple[str, Any]] = []

    class Line(BaseAdapter):
        def send(self, request: PreparedRequest, *_: Any, **options: Any) -> Response:
            seen.append((str(request.url), options["verify"]))
            raise requests.ConnectionError(request=request)

        def close(self) -> None:
            pass

    with pytest.raises(GrafanaUnavailable):
        grafana_connect(GrafanaApiClient(url, "t", retry=QUICK, adapter=Line()))
    assert seen == [(asked, True)]


def test_a_grafana_that_never_responds_times_out(fake: FakeGrafana) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(GrafanaUnavailable, match=r"does not respond to GET /api/health \(.*timed out") as raised:
            sync(f"http://127.0.0.1:{port}", retry=RequestRetryPolicy(timeout_s=0.1, tries=2, pause_s=0.001))
    one_line(raised.value)


def test_proxies_from_the_environment_are_ignored(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    sync(url)


def test_an_annotation_is_sent_once_and_searched_for(fake: FakeGrafana, url: str) -> None:
    """It has no uid: a retry after a lost response would start a second deployment."""
    grafana = grafana_connect(GrafanaApiClient(url, TOKEN, retry=QUICK))
    fake.faults[len(fake.requests) + 1] = Fault(status=503, applied=True)
    assert grafana.begin_deployment("one", at_ms=1_700_000_000_000) == grafana.open_deployment()
    assert [asked.method for asked in fake.requests if asked.path == "/api/annotations"][:2] == ["POST", "GET"]
    assert len(fake.data.annotations) == 1


def test_an_annotation_that_never_arrived_raises(fake: FakeGrafana, url: str) -> None:
    grafana = grafana_connect(GrafanaApiClient(url, TOKEN, retry=QUICK))
    fake.faults[len(fake.requests) + 1] = Fault(status=503)
    with pytest.raises(GrafanaUnavailable, match="answers POST /api/annotations with 503 after 1 attempt "):
        grafana.begin_deployment("one", at_ms=1_700_000_000_000)
    assert fake.data.annotations == {}


class Answering(BaseAdapter):
    """Returns one response to every request."""

    def __init__(self, status: int, body: bytes, kind: str) -> None:
        super().__init__()
        self.given = status, body, kind

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        response = Response()
        response.status_code, body, response.headers["Content-Type"] = self.given
        response.raw, response.request, response.url = io.BytesIO(body), request, str(request.url)
        return response

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("status", "body", "kind", "expected"),
    [
        (200, b'{"a": 1}', "text/plain", GrafanaResponse(200, {"a": 1})),
        (200, b"", "application/json", GrafanaResponse(200, None)),
        (202, b"", "", GrafanaResponse(200, None)),
        (204, b"", "", GrafanaResponse(200, None)),
        (
            412,
            b'{"status": "version-mismatch", "message": "m"}',
            "application/json",
            GrafanaResponse(412, {"status": "version-mismatch", "message": "m"}),
        ),
        (400, b'"bare words"', "application/json", GrafanaResponse(400, "bare words")),
        (404, b"", "text/plain", GrafanaResponse(404, "")),
    ],
)
def test_a_response_has_grafanas_status_and_body(
    status: int, body: bytes, kind: str, expected: GrafanaResponse
) -> None:
    client = GrafanaApiClient("http://x", "t", retry=QUICK, adapter=Answering(status, body, kind))
    assert client.call(client.api.folder.get_folder, "f") == expected
    assert client.send("PUT", "/api/folders/f", body={}) == expected


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 405, 407, 409])
def test_html_with_any_status_raises_grafana_refused(status: int) -> None:
    client = GrafanaApiClient(
        "http://x", "t", retry=QUICK, adapter=Answering(status, b"<html>Log in</html>", "text/html")
    )
    with pytest.raises(GrafanaRefused, match=r"path of ANDEN_GRAFANA_URL|ANDEN_GRAFANA_URL points"):
        client.call(client.api.datasource.list_datasources)


def test_a_proxy_with_a_small_body_limit_is_named() -> None:
    client = GrafanaApiClient("http://x", "t", retry=QUICK, adapter=Answering(413, b"<html>413</html>", "text/html"))
    with pytest.raises(GrafanaRefused, match=r"rejects POST /api/folders of \d+ bytes .*client_max_body_size"):
        client.send("POST", "/api/folders", body={"uid": "anden"})


@pytest.mark.parametrize("body", [b'{"uid": "anden-sta', b"[1, 2", b'{"a": 1}{"b": 2}', b"\xff\xfe"])
@pytest.mark.parametrize("status", [200, 400, 404, 412])
def test_truncated_json_raises_grafana_unavailable(status: int, body: bytes) -> None:
    client = GrafanaApiClient(
        "http://x", "t", retry=QUICK, adapter=Answering(status, body, "application/json; charset=UTF-8")
    )
    with pytest.raises(
        GrafanaUnavailable, match=rf"answers GET /api/folders/f with {status} and JSON truncated after"
    ):
        client.call(client.api.folder.get_folder, "f")
