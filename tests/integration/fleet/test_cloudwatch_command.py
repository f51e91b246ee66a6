"""`manage.py fleet evaluate --source cloudwatch`: functions as services, within the collector's budget."""

import io
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pydantic import HttpUrl

from apps.cloudwatch.conf import CloudWatchSettings
from apps.cloudwatch.models import CloudWatchMonth
from apps.fleet.models.fleet import FleetService
from tests.fakes.cloudwatch.fake import FakeCloudWatch
from tests.station import Station


def evaluated() -> str:
    out = io.StringIO()
    call_command("fleet", "evaluate", "--source", "cloudwatch", stdout=out)
    return out.getvalue()


def test_functions_are_evaluated_within_the_budget(
    station: Station, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDFAKE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrSECRETSECRETSECRET")
    now = int(time.time() // 60) * 60
    with FakeCloudWatch() as fake:
        settings.CLOUDWATCH = CloudWatchSettings(region="eu-west-1", endpoint_url=HttpUrl(fake.url))
        for name in ("notify", "resize"):
            for minute in range(60):
                place, at_s = {"FunctionName": name}, now - 60 * minute
                fake.put("AWS/Lambda", "Invocations", place, at_s, *[1.0] * 20)
                fake.put("AWS/Lambda", "Errors", place, at_s, *[0.0] * 20)
                fake.put("AWS/Lambda", "Duration", place, at_s, *[100.0] * 20)
        assert evaluated()
        requested = fake.requested
    assert set(FleetService.objects.values_list("name", flat=True)) == {"notify", "resize"}
    assert CloudWatchMonth.objects.get().metrics_requested == requested > 0


def test_an_invalid_file_of_signals_prints_one_line(settings: Any, tmp_path: Path) -> None:
    path = tmp_path / "signals.yaml"
    path.write_text("namespace: AWS/Lambda\ndimensions: [FunctionName]\nsignals: {colour: {}}\n", encoding="utf-8")
    settings.FLEET = settings.FLEET.model_copy(update={"signals": path})
    settings.CLOUDWATCH = CloudWatchSettings(region="eu-west-1")
    with pytest.raises(CommandError, match=r"ANDEN_FLEET_SIGNALS: .*signals\.colour: unknown signal"):
        evaluated()
