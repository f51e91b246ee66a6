"""The canonical form drops what the server fills in, and no manual edit."""

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apps.monitoring.diff import ABSENT, LONGEST, Difference, differences, format_change
from apps.monitoring.grafana.sync.canonical import canonical
from apps.monitoring.grafana.sync.objects import ObjectKind
from tests.fakes.grafana.alerting import duration
from tests.fakes.grafana.dashboards import filled_in
from tests.grafana_documents import dashboard, panel

texts = st.text(alphabet="abc xyz", min_size=1, max_size=8)
numbers = st.integers(0, 100)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
panels = st.builds(
    lambda number, title, expr, options: {**panel(number, title, expr), "options": options},
    numbers,
    texts,
    texts,
    st.dictionaries(texts, values, max_size=3),
)
dashboards = st.builds(
    lambda title, found, refresh: {**dashboard(title=title), "panels": found, "refresh": refresh},
    texts,
    st.lists(panels, max_size=4, unique_by=lambda found: found["id"]),
    st.none() | texts,
)


def between(
    sent: dict[str, Any], served_body: dict[str, Any], kind: ObjectKind = ObjectKind.DASHBOARD
) -> list[Difference]:
    return list(differences(canonical(kind, sent), canonical(kind, served_body)))


@given(dashboards)
def test_defaults_filled_in_by_grafana_are_not_a_difference(model: dict[str, Any]) -> None:
    served = filled_in({**copy.deepcopy(model), "id": 7, "version": 3})
    assert between(model, served) == []
    assert between(served, model) == []


@given(dashboards)
def test_filling_in_twice_is_not_a_difference(model: dict[str, Any]) -> None:
    once = filled_in(copy.deepcopy(model))
    assert between(once, filled_in(copy.deepcopy(once))) == []


@given(dashboards, texts, st.sampled_from(["title", "description", "type"]))
def test_an_edit_of_a_panel_is_exactly_one_difference(model: dict[str, Any], text: str, name: str) -> None:
    served = filled_in(copy.deepcopy(model))
    for number, edited in enumerate(served["panels"]):
        if edited[name] == text:
            continue
        found = copy.deepcopy(served)
        found["panels"][number][name] = text
        assert between(model, found) == [
            Difference(f"panels[{edited['id']}].{name}", model["panels"][number][name], text)
        ]


@given(values, values)
def test_only_equal_values_have_no_differences(sent: Any, served_body: Any) -> None:
    body, other = {"x": sent}, {"x": served_body}
    first, second = canonical(ObjectKind.DASHBOARD, body), canonical(ObjectKind.DASHBOARD, other)
    mirrored = [Difference(found.path, found.actual, found.expected) for found in differences(second, first)]
    assert list(differences(first, second)) == mirrored
    assert bool(mirrored) == (repr(first) != repr(second))


def test_true_is_not_one() -> None:
    assert list(differences({"a": True}, {"a": 1})) == [Difference("a", True, 1)]
    assert list(differences({"a": 1}, {"a": 1.0})) == []


def test_reordered_panels_are_one_difference() -> None:
    model = dashboard()
    turned = {**model, "panels": model["panels"][::-1]}
    assert between(model, turned) == [Difference("panels.(order)", [1, 2, 3], [3, 2, 1])]


def test_the_built_in_annotation_is_ignored_and_others_are_compared() -> None:
    model = dashboard()
    mine = filled_in(copy.deepcopy(model))
    mine["annotations"]["list"].append({"name": "Mine", "enable": True})
    (found,) = between(model, mine)
    assert (found.path, found.expected) == ("annotations", ABSENT)
    assert list(found.actual["list"]) == ["[Mine]", "(order)"]


@given(st.integers(0, 10_000))
def test_a_duration_is_equal_in_every_notation(seconds: int) -> None:
    sent = {"receiver": "r", "group_wait": f"{seconds}s"}
    served = {"receiver": "r", "group_wait": duration(f"{seconds}s")}
    assert between(sent, served, ObjectKind.POLICY) == []
    assert len(between({**sent, "group_wait": f"{seconds + 1}s"}, served, ObjectKind.POLICY)) == 1


def test_long_values_are_shown_where_they_differ() -> None:
    same = "a" * 300
    line = format_change(f"{same}b{same}", f"{same}c{same}")
    before, _, after = line.partition(" → ")
    assert "ab" in before
    assert "ac" in after
    assert max(len(before), len(after)) <= LONGEST + 2
    assert format_change(ABSENT, 1) == "nothing → 1"
    assert format_change("x", "y" * 300) == '"x" → "' + "y" * (LONGEST - 1) + "…"


@given(values, values)
def test_a_formatted_change_shows_a_difference(before: Any, after: Any) -> None:
    first, _, second = format_change(before, after).partition(" → ")
    assert (first == second) == (json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True))
