"""Jobs in the admin: all can view them, stewards can cancel and requeue, no one can edit; job data is escaped."""

import re
from typing import Any

from django.db.models.functions import Now
from django.test import Client

from apps.jobs.models import Job
from tests.integration.console.conftest import LoginAs

LIST = "/admin/jobs/job/"
NASTY = "<script>alert(1)</script>\u202e\x9b"
"""A script, a character that reverses text, and one that begins a terminal's escape sequence."""


def made(**fields: Any) -> Job:
    """A job row."""
    row = {"kind": "datasets.purge_tombstones", "arguments": {"older_days": 30}, "max_attempts": 3, "actor": "ada"}
    return Job.objects.create(**{**row, "send_after": Now(), **fields})


def act(browser: Client, action: str, *jobs: Job) -> str:
    """Run the action; return the list page."""
    asked = {"action": action, "_selected_action": [job.pk for job in jobs]}
    return browser.post(LIST, asked, follow=True).content.decode()


def states(*jobs: Job) -> list[str]:
    for job in jobs:
        job.refresh_from_db()
    return [job.state for job in jobs]


def test_the_list_shows_state_progress_actor_and_the_age_of_the_heartbeat(login_as: LoginAs) -> None:
    made(state="running", done=3, total=12, text="flights", heartbeat_at=Now())
    made(actor="", state="failed", error="ValueError: no")
    page = login_as("viewer").get(LIST).content.decode()
    for word in ("datasets.purge_tombstones", "3 of 12", "flights", "ada", "system", "ValueError: no"):
        assert word in page
    assert re.search(r'<progress [^>]*max="12" value="3"', page)
    assert re.search(r"heartbeat \d+ s ago", page)


def test_the_list_filters_by_state_kind_and_actor(login_as: LoginAs) -> None:
    made(state="failed", error="the one")
    made(state="succeeded", actor="grace", kind="tests.other", error="another")
    browser = login_as("viewer")
    for query in ("state__exact=failed", "kind=datasets.purge_tombstones", "actor=ada"):
        page = browser.get(f"{LIST}?{query}").content.decode()
        assert ("the one" in page, "another" in page) == (True, False), query
    made(actor="", error="without actor")
    page = browser.get(f"{LIST}?actor=").content.decode()
    assert ("without actor" in page, "the one" in page) == (True, False)
    assert re.search(r"\?actor=['\"][^>]*>\s*system", page)


def test_job_data_is_escaped(login_as: LoginAs) -> None:
    job = made(arguments={"x": NASTY}, result=[NASTY], checkpoint=NASTY, error=NASTY, text=NASTY, state="failed")
    browser = login_as("steward")
    for url in (LIST, f"{LIST}{job.pk}/change/"):
        page = browser.get(url).content.decode()
        assert NASTY not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;\\u202e\\u009b" in page
        assert not {"\u202e", "\x9b"} & {*page}


def test_stewards_cancel_and_queue_again(login_as: LoginAs) -> None:
    queued, running, failed, done = (made(state=state) for state in ("queued", "running", "failed", "succeeded"))
    browser = login_as("steward")
    assert "1 cancelled. 1 running: cancellation requested." in act(browser, "cancel", queued, running, failed, done)
    assert states(queued, running, failed, done) == ["cancelled", "running", "failed", "succeeded"]
    assert running.cancel_requested
    assert "2 queued again" in act(browser, "queue_again", queued, running, failed, done)
    assert states(queued, running, failed, done) == ["queued", "running", "queued", "succeeded"]


def test_viewers_cannot_act_and_no_one_can_edit(login_as: LoginAs) -> None:
    job = made()
    viewer = login_as("viewer")
    assert "queue_again" not in viewer.get(LIST).content.decode()
    act(viewer, "cancel", job)
    assert states(job) == ["queued"]
    for browser in (viewer, login_as("steward")):
        assert browser.get(f"{LIST}add/").status_code == 403
        assert browser.post(f"{LIST}{job.pk}/change/", {"state": "succeeded"}).status_code == 403
        assert browser.post(f"{LIST}{job.pk}/delete/", {"post": "yes"}).status_code == 403
    assert states(job) == ["queued"]
