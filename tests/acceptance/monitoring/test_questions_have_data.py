"""A real Prometheus that scrapes `make run` has data for every panel and rule, or without_data.yaml has a reason."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
import yaml

from embedded.ports import LOOPBACK, free_port
from tests.acceptance.make_run_process import (
    STOP_TIMEOUT_S,
    MakeRun,
    make_run,
    project_copy,
    running_in,
    still_running,
)
from tests.acceptance.monitoring.prometheus_server import Prometheus, process, prometheus, wait_for
from tests.acceptance.monitoring.questions import Question, panel_questions, rule_questions, selectors
from tests.acceptance.monitoring.statements_server import watched_postgres, work
from tests.acceptance.monitoring.traffic import Traffic
from tests.collector import Collector, collecting
from tests.fakes.cloudwatch.fake import KEYS, FakeCloudWatch
from tests.fakes.grafana.grafana import TOKEN, FakeGrafana
from tests.fakes.grafana.server import serving

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(900)]

ROOT: Final = Path(__file__).resolve().parents[3]
DASHBOARDS: Final = sorted((ROOT / "dashboards/grafana").glob("*.json"))
RULES: Final = sorted((ROOT / "dashboards/prometheus").glob("*.rules.yaml"))
REASONS: Final[dict[str, dict[str, str]]] = yaml.safe_load(
    Path(__file__).with_name("without_data.yaml").read_text(encoding="utf-8")
)
PROGRAMS: Final = ("prometheus", "prometheus-alertmanager", "prometheus-postgres-exporter")
WATCHED_S: Final = 50.0
LATE: Final = (
    "anden_datasets_beat_timestamp_seconds",
    "anden_grafana_drifted_bool",
    "anden_cloudwatch_point_value",
    'anden:slo_burn_rate:ratio1h{slo="probe-success"}',
)
"""The last series to appear: beat and the probe run once a minute, and a burn rate needs two rounds."""

LATE_WITHIN_S: Final = 300.0


@dataclass(frozen=True)
class Watched:
    """A Prometheus that has scraped long enough, the traffic it saw, and the `make run` it scrapes."""

    run: MakeRun
    prometheus: Prometheus
    traffic: Traffic
    collector: Collector


@pytest.fixture(scope="module")
def watched(require: Callable[[str], str]) -> Iterator[Watched]:
    """`make run` with traffic, scraped by a Prometheus, with an Alertmanager and a postgres_exporter."""
    programs = {name: require(name) for name in PROGRAMS}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="anden-watched-")))
        folder.chmod(0o711)
        project = stack.enter_context(project_copy())
        grafana, collector = FakeGrafana(), stack.enter_context(collecting())
        variables = {
            "ANDEN_GRAFANA_URL": stack.enter_context(serving(grafana)),
            "ANDEN_GRAFANA_TOKEN": TOKEN,
            "ANDEN_GRAFANA_RUNBOOKS_URL": "https://anden.example/runbooks",
            "ANDEN_GRAFANA_DRIFT_INTERVAL_S": "60",
            "ANDEN_TRACING_ENDPOINT": collector.url,
            "ANDEN_TRACING_SAMPLE_RATIO": "0.5",
        }
        run = stack.enter_context(make_run(project, **variables))
        url, exporter = stack.enter_context(watched_postgres(programs["prometheus-postgres-exporter"], folder))
        site, key = came_up(run)
        manage(project, "dashboards", "sync", **variables)
        cloudwatch = stack.enter_context(observed_cloudwatch())
        collect = managed(project, "cloudwatch", "collect")
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **aws(cloudwatch)}
        stack.enter_context(process(collect, folder / "cloudwatch.log", environment, project))
        grafana.data.boards["anden-overview"].model["title"] = "Mine, by hand"
        alertmanager = stack.enter_context(running_alertmanager(programs["prometheus-alertmanager"], folder))
        jobs = {"anden": site.removeprefix("http://"), "postgres": exporter, "alertmanager": alertmanager}
        server = stack.enter_context(prometheus(programs["prometheus"], folder, jobs, RULES))
        traffic = Traffic(project, site, key)
        traffic.start()
        stack.callback(traffic.end)
        work(url, WATCHED_S)
        deadline = time.monotonic() + LATE_WITHIN_S
        while missing := [name for name in LATE if not server.has_data(name)]:
            assert time.monotonic() < deadline, f"{missing} have no data"
            work(url, 2)
        yield Watched(run, server, traffic, collector)


def managed(project: Path, *words: str) -> list[str]:
    """A management command in the environment of `make run`."""
    return ["sh", "-c", f'. .anden/environment && exec "{sys.executable}" manage.py "$@"', "sh", *words]


def manage(project: Path, *words: str, **variables: str) -> None:
    """Run a management command in the environment of `make run` plus these variables."""
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **variables}
    done = subprocess.run(
        managed(project, *words), cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@contextmanager
def observed_cloudwatch() -> Iterator[FakeCloudWatch]:
    """A CloudWatch with the last ten minutes of a function."""
    with FakeCloudWatch() as fake:
        minute = time.time() // 60 * 60
        for ago in range(10):
            fake.put("AWS/Lambda", "Errors", {"FunctionName": "notify"}, minute - 60 * ago, 1.0)
        yield fake


def aws(cloudwatch: FakeCloudWatch) -> dict[str, str]:
    """The environment of a process that reads this CloudWatch."""
    ((access, secret),) = KEYS.items()
    return {
        "ANDEN_CLOUDWATCH_ENDPOINT_URL": cloudwatch.url,
        "ANDEN_CLOUDWATCH_REGION": "eu-west-1",
        "ANDEN_CLOUDWATCH_FUNCTIONS": "notify",
        "ANDEN_CLOUDWATCH_CYCLE_S": "60",
        "AWS_ACCESS_KEY_ID": access,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def came_up(run: MakeRun) -> tuple[str, str]:
    """URL and key of a `make run`, from the command it prints."""
    words = run.curl()
    site = next(word for word in words if word.startswith("http://")).partition("/api/")[0]
    key = next(word for word in words if word.startswith("Authorization: ")).rpartition(" ")[2]
    return site, key


@contextmanager
def running_alertmanager(program: str, folder: Path) -> Iterator[str]:
    """host:port of an Alertmanager with one alert, whose receiver is unreachable."""
    file = folder / "alertmanager.yaml"
    webhook = {"url": f"http://{LOOPBACK}:{free_port()}/", "send_resolved": False}
    route = {"receiver": "unreachable", "group_wait": "1s", "group_interval": "5s", "repeat_interval": "5s"}
    file.write_text(
        yaml.safe_dump({"route": route, "receivers": [{"name": "unreachable", "webhook_configs": [webhook]}]})
    )
    target = f"{LOOPBACK}:{free_port()}"
    command = [
        *(program, f"--config.file={file}", f"--storage.path={folder / 'alertmanager'}"),
        *(f"--web.listen-address={target}", "--cluster.listen-address="),
    ]
    with process(command, folder / "alertmanager.log"):
        wait_for(f"http://{target}/-/ready", folder / "alertmanager.log")
        alert = json.dumps([{"labels": {"alertname": "Tried"}}]).encode()
        request = urllib.request.Request(f"http://{target}/api/v2/alerts", alert, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
        yield target


def every_question(server: Prometheus) -> list[Question]:
    """The questions of all rendered files, with variables set to values in this Prometheus."""
    panels = [question for file in DASHBOARDS for question in panel_questions(file, server)]
    return panels + [question for file in RULES for question in rule_questions(file)]


def reason(question: Question) -> str:
    """Why the question may have no data; "" if it must have some."""
    if question.kind == "alert":
        return "an alert that does not fire: its metrics are checked instead"
    for kind in ("young", "faults"):
        if question.place in REASONS[kind]:
            return f"{REASONS[kind][question.place]} ({kind})"
    names = [selector.partition("{")[0].strip() for selector in selectors(question.query)]
    reasons = [
        why for pattern, why in REASONS["elsewhere"].items() if any(re.fullmatch(pattern, one) for one in names)
    ]
    return "; ".join(reasons)


def test_every_target_is_up(watched: Watched) -> None:
    assert watched.prometheus.targets() == dict.fromkeys(("anden", "postgres", "alertmanager", "prometheus"), "up")


def test_every_rule_is_loaded_and_evaluates_without_error(watched: Watched) -> None:
    groups: list[dict[str, Any]] = watched.prometheus.ask("rules")["groups"]
    assert {Path(group["file"]).name for group in groups} == {path.name for path in RULES}
    assert [rule for group in groups for rule in group["rules"] if rule["health"] != "ok"] == []


def answered(server: Prometheus) -> tuple[list[Question], list[Question]]:
    """Every question, and those that never had data.

    Repeats questions without a reason until they have data, for at most LATE_WITHIN_S: rules build on each other.
    """
    deadline = time.monotonic() + LATE_WITHIN_S
    seen: set[Question] = set()
    while True:
        asked = every_question(server)
        seen |= {question for question in asked if question not in seen and server.has_data(question.query)}
        without = [question for question in asked if question not in seen]
        if all(reason(question) for question in without) or time.monotonic() > deadline:
            return asked, without
        time.sleep(2)


def test_every_question_has_data_or_a_reason(watched: Watched, record_figure: Callable[[str], None]) -> None:
    asked, without = answered(watched.prometheus)
    lines = [f"  {question.kind} {question.place}: {reason(question) or 'WITHOUT A REASON'}" for question in without]
    record_figure(
        f"{len(asked)} queries from {len(DASHBOARDS)} dashboards and {len(RULES)} rule files, "
        f"{len(asked) - len(without)} with data; without: {len(without)}\n" + "\n".join(dict.fromkeys(lines))
    )
    unexplained = "\n".join(f"{one.place}: {one.query}" for one in without if not reason(one))
    assert not unexplained, unexplained


def test_questions_listed_without_data_have_none(watched: Watched) -> None:
    places = {question.place: question for question in every_question(watched.prometheus)}
    patterns = [
        pattern for pattern in REASONS["elsewhere"] if watched.prometheus.has_data(f'{{__name__=~"{pattern}"}}')
    ]
    assert patterns == [], "these have data: remove them from the list"
    listed = [*REASONS["young"], *REASONS["faults"]]
    assert [place for place in listed if place not in places] == [], "these questions no longer exist"
    old = [place for place in REASONS["young"] if watched.prometheus.has_data(places[place].query)]
    assert old == [], "these have data: remove them from the list"


def test_rate_of_an_unknown_counter_differs_from_a_rate_of_zero(watched: Watched) -> None:
    assert not watched.prometheus.has_data("rate(anden_nothing_of_this_name_total[1m])")
    assert watched.prometheus.has_data('sum(rate(anden_api_requests_total{status="4xx"}[1m]))')


def test_traffic_had_the_intended_successes_and_failures(watched: Watched) -> None:
    assert watched.traffic.failures == []
    assert {200, 201, 400, 401, 404} <= watched.traffic.answered.keys()


def test_processes_export_spans_of_batches_and_requests(watched: Watched) -> None:
    names = {span.name for span in watched.collector.spans}
    assert {"batch flights", "poll", "decode", "copy", "commit"} <= names
    assert {"GET /api/v1/datasets/<str:name>/records", "read reader", "write writer"} <= names


def test_no_alert_fires_on_a_healthy_installation(watched: Watched, record_figure: Callable[[str], None]) -> None:
    alerts = watched.prometheus.ask("alerts")["alerts"]
    active = {f"{alert['labels']['alertname']} ({alert['state']})" for alert in alerts}
    record_figure(f"alerts: {', '.join(sorted(active)) or 'none'}")
    assert [one for one in sorted(active) if one.endswith("(firing)")] == []


def test_exit_of_one_process_ends_all_and_is_reported(watched: Watched) -> None:
    """Must be the last test: nothing runs after it."""
    run = watched.run
    watched.traffic.end()
    started = run.processes()
    next(found for found in started if found.cmdline()[1:] == ["manage.py", "lag"]).kill()
    assert run.process.wait(STOP_TIMEOUT_S) != 0
    assert "lag exited unexpectedly (code -9" in run.output
    assert "Traceback" not in run.output
    assert still_running(started) == []
    collector = "manage.py cloudwatch collect"  # started by this test, not by make run
    assert [line for line in running_in(run.project) if collector not in line] == []
