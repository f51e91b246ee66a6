"""The pages of a dataset whose stored contract this version cannot read."""

import pytest
from django.urls import reverse

from apps.console.core.dataset_state import DatasetState
from apps.console.selectors import station_activity
from apps.ingest.models import Quarantine
from tests.integration.console.conftest import Filled, LookAs
from tests.integration.console.test_pages import page, text_of
from tests.integration.datasets.test_unreadable import BROKEN, spoil
from tests.station import Station


@pytest.mark.parametrize("how", ["a later type", "half a character"])
def test_the_dataset_is_shown_with_its_trouble_on_every_page(
    filled: Filled, look_as: LookAs, station: Station, how: str
) -> None:
    sick, well = filled.dataset("sick"), filled.dataset("well")
    source = filled.source(sick)
    filled.rejects(sick, source, [b'{"raw": "secret bytes"}'])
    spoil(station, "sick", BROKEN[how])
    client = look_as("viewer")
    states = {one.dataset.name: one.state for one in station_activity().datasets}
    assert states["sick"] is DatasetState.STOPPED
    assert states["well"] is not DatasetState.STOPPED
    start = text_of(client.get(reverse("admin:index")))
    assert "cannot read version 1" in start
    assert page(well.pk) in start
    assert "cannot read version 1" in text_of(client.get(page(sick.pk)))
    assert "contract unreadable" in text_of(client.get(reverse("admin:datasets_dataset_changelist")))
    assert text_of(client.get(page(well.pk)))
    assert text_of(client.get(reverse("admin:ingest_quarantine_changelist")))
    record = reverse("admin:ingest_quarantine_change", args=[Quarantine.objects.get().pk])
    assert "secret bytes" not in text_of(client.get(record))
    assert "secret bytes" in text_of(look_as("steward").get(record))
