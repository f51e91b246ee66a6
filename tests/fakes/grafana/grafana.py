"""The fake Grafana: permissions, routing and injected faults."""

import re
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import unquote

from tests.fakes.grafana import alerting, dashboards, rules, sources
from tests.fakes.grafana.data import GrafanaData
from tests.fakes.grafana.messages import ConnectionDropped, Fault, GrafanaRejection, Reply, Request, need

V1: Final = "/api/v1/provisioning"
TOKEN: Final = "fake-token"

Handler = Callable[..., Reply]

ROUTES: Final[tuple[tuple[str, str, str, Handler], ...]] = (
    ("GET", "/api/search", "dashboards:read", dashboards.search),
    ("GET", "/api/folders/([^/]+)", "folders:read", dashboards.folder_get),
    ("GET", "/api/folders/([^/]+)/counts", "folders:read", dashboards.folder_counts),
    ("POST", "/api/folders", "folders:create", dashboards.folder_post),
    ("PUT", "/api/folders/([^/]+)", "folders:write", dashboards.folder_put),
    ("POST", "/api/folders/([^/]+)/move", "folders:write", dashboards.folder_move),
    ("DELETE", "/api/folders/([^/]+)", "folders:delete", dashboards.folder_delete),
    ("GET", "/api/dashboards/uid/([^/]+)", "dashboards:read", dashboards.board_get),
    ("POST", "/api/dashboards/db", "dashboards:write", dashboards.board_post),
    ("DELETE", "/api/dashboards/uid/([^/]+)", "dashboards:delete", dashboards.board_delete),
    ("GET", "/api/datasources", "datasources:read", sources.source_list),
    ("GET", "/api/datasources/uid/([^/]+)", "datasources:read", sources.source_get),
    ("POST", "/api/datasources", "datasources:create", sources.source_post),
    ("PUT", "/api/datasources/uid/([^/]+)", "datasources:write", sources.source_put),
    ("DELETE", "/api/datasources/uid/([^/]+)", "datasources:delete", sources.source_delete),
    ("GET", "/api/annotations", "annotations:read", sources.annotation_list),
    ("POST", "/api/annotations", "annotations:create", sources.annotation_post),
    ("PATCH", "/api/annotations/([0-9]+)", "annotations:write", sources.annotation_patch),
    ("GET", f"{V1}/contact-points", "alert.provisioning:read", alerting.contact_list),
    ("POST", f"{V1}/contact-points", "alert.provisioning:write", alerting.contact_post),
    ("PUT", f"{V1}/contact-points/([^/]+)", "alert.provisioning:write", alerting.contact_put),
    ("DELETE", f"{V1}/contact-points/([^/]+)", "alert.provisioning:write", alerting.contact_delete),
    ("GET", f"{V1}/mute-timings", "alert.provisioning:read", alerting.mute_list),
    ("POST", f"{V1}/mute-timings", "alert.provisioning:write", alerting.mute_post),
    ("PUT", f"{V1}/mute-timings/([^/]+)", "alert.provisioning:write", alerting.mute_put),
    ("DELETE", f"{V1}/mute-timings/([^/]+)", "alert.provisioning:write", alerting.mute_delete),
    ("GET", f"{V1}/policies", "alert.provisioning:read", alerting.policy_get),
    ("PUT", f"{V1}/policies", "alert.provisioning:write", alerting.policy_put),
    ("GET", f"{V1}/alert-rules", "alert.provisioning:read", rules.rule_list),
    ("DELETE", f"{V1}/alert-rules/([^/]+)", "alert.provisioning:write", rules.rule_delete),
    ("GET", f"{V1}/folder/([^/]+)/rule-groups/([^/]+)", "alert.provisioning:read", rules.group_get),
    ("PUT", f"{V1}/folder/([^/]+)/rule-groups/([^/]+)", "alert.provisioning:write", rules.group_put),
)
"""Method, path, required permission, and handler."""

EVERYTHING: Final = frozenset({route[2] for route in ROUTES} | {"dashboards:create"})


class FakeGrafana:
    """One Grafana with one organisation. Requests are numbered from 1; `faults` are keyed by that number."""

    def __init__(self, version: str = "11.6.0", data: GrafanaData | None = None) -> None:
        self.version = version
        self.data = data or GrafanaData()
        self.tokens: dict[str, frozenset[str]] = {TOKEN: EVERYTHING}
        self.faults: dict[int, Fault] = {}
        self.requests: list[Request] = []
        self._lock = threading.Lock()

    @property
    def writes(self) -> list[str]:
        """The write requests, as `METHOD path`."""
        return [f"{asked.method} {asked.path}" for asked in self.requests if asked.method != "GET"]

    def forget(self) -> None:
        """Clear recorded requests and faults, and number requests from 1 again."""
        self.requests.clear()
        self.faults.clear()

    def fail(self, numbers: Iterable[int], fault: Fault) -> None:
        """Inject this fault into the requests with these numbers."""
        self.faults.update(dict.fromkeys(numbers, fault))

    def handle(self, request: Request) -> Reply:
        """The response. Raises ConnectionDropped: no response."""
        with self._lock:
            self.requests.append(request)
            fault = self.faults.get(len(self.requests))
            if fault is None:
                return self._answer(request)
            if fault.applied:
                self._answer(request)
            if fault.html:
                return Reply(
                    fault.status or 200, "<!doctype html><title>Log in</title>", {"Content-Type": "text/html"}
                )
            if not fault.status:
                raise ConnectionDropped
            return Reply(fault.status, {"message": "injected"}, fault.headers)

    def _answer(self, request: Request) -> Reply:
        if request.path == "/api/health":
            return Reply(200, {"database": "ok", "version": self.version, "commit": "fake"})
        try:
            return self._authorised(request)
        except GrafanaRejection as refusal:
            return refusal.reply
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return Reply(400, {"message": f"bad request data: {type(error).__name__}: {error}"})

    def _authorised(self, request: Request) -> Reply:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        need(token in self.tokens, 401, "Invalid API key")
        allowed = self.tokens[token]
        if request.path == "/api/access-control/user/permissions":
            return Reply(200, {action: ["*"] for action in sorted(allowed)})
        handler, action, words = self._route(request)
        need(action in allowed, 403, f"You'll need additional permissions. Permissions needed: {action}")
        return handler(self.data, request, *words)

    def _route(self, request: Request) -> tuple[Handler, str, Any]:
        need("%2f" not in request.path.lower(), 404, "Not found")  # regardless of the object's name
        for method, pattern, action, handler in ROUTES:
            found = re.fullmatch(pattern, request.path) if method == request.method else None
            if found:
                return handler, action, [unquote(word) for word in found.groups()]
        raise GrafanaRejection(404, "Not found")
