"""Admin pages of a dataset whose stored contract this version cannot read."""

import pytest
from django.urls import reverse

from apps.console.core.dataset_state import DatasetState
from apps.console.selectors import station_activity
from apps.ingest.models import Quarantine
from tests.integration.console.conftest import Filled, LoginAs
from tests.integration.console.test_pages import page, text_of
from tests.integration.datasets.test_unreadable import BROKEN, spoil
from tests.station import Station


@pytest.mark.parametrize("how", ["a later type", "half a character"])
def test_every_page_shows_the_unreadable_dataset_with_its_error(
    filled: Filled, login_as: LoginAs, station: Station, how: str
) -> None:
    broken, healthy = filled.dataset("broken"), filled.dataset("healthy")
    source = filled.source(broken)
    filled.rejects(broken, source, [b'{"raw": "secret bytes"}'])
    spoil(station, "broken", BROKEN[how])
    client = login_as("viewer")
    states = {one.dataset.name: one.state for one in station_activity().datasets}
    assert states["broken"] is DatasetState.STOPPED
    assert states["healthy"] is not DatasetState.STOPPED
    start = text_of(client.get(reverse("admin:index")))
    assert "cannot read version 1" in start
    assert page(healthy.pk) in start
    assert "cannot read version 1" in text_of(client.get(page(broken.pk)))
    assert "contract unreadable" in text_of(client.get(reverse("admin:datasets_dataset_changelist")))
    assert text_of(client.get(page(healthy.pk)))
    assert text_of(client.get(reverse("admin:ingest_quarantine_changelist")))
    record = reverse("admin:ingest_quarantine_change", args=[Quarantine.objects.get().pk])
    assert "secret bytes" not in text_of(client.get(record))
    assert "secret bytes" in text_of(login_as("steward").get(record))
