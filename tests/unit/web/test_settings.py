"""Exports never take every thread."""

import pytest

from apps.api.conf import ApiSettings, WebSettings, export_slots
from apps.datasets.core.settings import SettingsInvalid


@pytest.mark.parametrize(("exports", "threads", "slots"), [(None, 4, 3), (None, 2, 1), (1, 2, 1), (3, 8, 3)])
def test_exports_leave_a_thread(exports: int | None, threads: int, slots: int) -> None:
    assert export_slots(ApiSettings(exports=exports), WebSettings(threads=threads)) == slots


@pytest.mark.parametrize(("exports", "threads"), [(4, 4), (2, 2), (63, 5)])
def test_exports_that_could_take_every_thread_are_refused(exports: int, threads: int) -> None:
    with pytest.raises(SettingsInvalid, match=f"ANDEN_API_EXPORTS: must be below ANDEN_WEB_THREADS, .* {threads}"):
        export_slots(ApiSettings(exports=exports), WebSettings(threads=threads))
