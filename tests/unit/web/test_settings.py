"""Exports never take every thread, and gunicorn's own timeouts are longer than our deadlines."""

import runpy
from pathlib import Path

import pytest

from apps.api.conf import ApiSettings, WebSettings, export_slots
from apps.telemetry.environment import SettingsInvalid


@pytest.mark.parametrize(("exports", "threads", "slots"), [(None, 4, 3), (None, 2, 1), (1, 2, 1), (3, 8, 3)])
def test_exports_leave_a_thread_free(exports: int | None, threads: int, slots: int) -> None:
    assert export_slots(ApiSettings(max_exports=exports), WebSettings(threads=threads)) == slots


@pytest.mark.parametrize(("exports", "threads"), [(4, 4), (2, 2), (63, 5)])
def test_exports_that_could_take_every_thread_are_refused(exports: int, threads: int) -> None:
    message = f"ANDEN_API_MAX_EXPORTS: must be below ANDEN_WEB_THREADS, .* {threads}"
    with pytest.raises(SettingsInvalid, match=message):
        export_slots(ApiSettings(max_exports=exports), WebSettings(threads=threads))


@pytest.mark.parametrize(("body_s", "grace_s"), [("0.5", "1"), ("30", "30"), ("600", "30"), ("30.5", "3600")])
def test_gunicorns_timeout_is_longer_than_our_deadlines(
    monkeypatch: pytest.MonkeyPatch, body_s: str, grace_s: str
) -> None:
    monkeypatch.setenv("ANDEN_WEB_BODY_TIMEOUT_S", body_s)
    monkeypatch.setenv("ANDEN_WEB_GRACE_S", grace_s)
    monkeypatch.setenv("ANDEN_WEB_CONNECTIONS", "10")  # as few files as any machine allows
    timeout = runpy.run_path(str(Path(__file__).parents[3] / "platform/web/gunicorn.py"))["timeout"]
    assert timeout >= float(body_s)
    assert timeout > int(grace_s)
