"""Incidents in the admin: a filterable list, and a page with figures, history and status changes."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from apps.datasets.read_only_admin import ReadOnlyAdmin
from apps.fleet.engine.policy import DEFAULT_POLICY
from apps.fleet.engine.signals import SIGNALS
from apps.fleet.errors import TransitionRefused
from apps.fleet.incidents.lifecycle import (
    CLOSE_REASONS,
    IncidentKind,
    IncidentStatus,
    IncidentTransition,
    transitions_from,
)
from apps.fleet.models.fleet import FleetService
from apps.fleet.models.incidents import Incident
from apps.fleet.pages.incident import figures_table, format_score, score_chart, shifts_table
from apps.fleet.selectors.incidents import false_alarms
from apps.fleet.services.incidents import incident_transition, incidents_acknowledge

QUIET = "No longer detected; closes as recovered unless it returns"
CHOICES = [("", "Choose a reason"), *((one.name, one.title) for one in CLOSE_REASONS if one.by_person)]


class IncidentTransitionForm(forms.Form):
    """The new status of an incident, with the reason or note that it needs."""

    target = forms.CharField(widget=forms.HiddenInput)
    reason = forms.ChoiceField(choices=CHOICES, required=False, widget=UnfoldAdminSelectWidget, label="Close reason")
    note = forms.CharField(
        required=False,
        max_length=2_000,
        label="Note",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )


class ActiveIncidentFilter(admin.SimpleListFilter):
    """Filters active incidents from closed ones."""

    title = "activity"
    parameter_name = "active"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "active"), ("no", "closed")]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Incident]) -> QuerySet[Incident]:
        if self.value() == "yes":
            return queryset.exclude(status=IncidentStatus.CLOSED)
        return queryset.filter(status=IncidentStatus.CLOSED) if self.value() == "no" else queryset


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    """Incidents. Viewers read them; stewards change their status."""

    list_display = ("number", "display_subject", "summary", "worst", "status_label", "opened", "last_seen")
    list_display_links = ("number", "display_subject")
    list_filter = (ActiveIncidentFilter, "status", "kind", "reason")
    list_filter_sheet = False
    search_fields = ("subject",)
    actions = ("acknowledge",)
    ordering = (F("closed_at").desc(nulls_first=True), "-id")  # active first

    class Media:
        css = {"all": ("fleet/fleet.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incident]:
        """The incidents without the columns that only the detail page needs."""
        found: QuerySet[Incident] = super().get_queryset(request)
        return found.defer("evidence", "score_history")

    def has_acknowledge_permission(self, request: HttpRequest) -> bool:
        """Whether the user may change the status: stewards."""
        return request.user.has_perm("fleet.change_incident")

    @admin.display(description="incident", ordering="id")
    def number(self, incident: Incident) -> str:
        return f"#{incident.pk}"

    @admin.display(description="subject", ordering="subject")
    def display_subject(self, incident: Incident) -> str:
        return incident.display_subject

    @admin.display(description="problem")
    def summary(self, incident: Incident) -> str:
        """The kind, and the sentence of the last detection."""
        return format_html(
            '<span class="fl-listed" title="{2}"><span class="st-note">{0}</span> {1}</span>',
            IncidentKind(incident.kind).words,
            incident.sentence,
            incident.sentence,
        )

    @admin.display(description="worst score", ordering="worst_score")
    def worst(self, incident: Incident) -> str:
        """The worst score; a factor for events."""
        return format_score(incident.kind, incident.worst_score)

    @admin.display(description="status", ordering="status")
    def status_label(self, incident: Incident) -> str:
        """The status, "quiet" if it applies, and the close reason."""
        word = incident.reason or (
            "quiet" if incident.quiet_since and incident.status != IncidentStatus.CLOSED else ""
        )
        return format_html(
            '<span class="st-pill fl-status-{}">{}</span> <span class="st-note" title="{}">{}</span>',
            incident.status,
            incident.status,
            QUIET if word == "quiet" else "",
            word.replace("_", " "),
        )

    @admin.display(description="opened (UTC)", ordering="opened_at")
    def opened(self, incident: Incident) -> str:
        return f"{incident.opened_at:%Y-%m-%d %H:%M}"

    @admin.display(description="last detected (UTC)", ordering="last_seen_at")
    def last_seen(self, incident: Incident) -> str:
        return f"{incident.last_seen_at:%Y-%m-%d %H:%M}"

    @admin.action(description="Acknowledge", permissions=["acknowledge"])
    def acknowledge(self, request: HttpRequest, incidents: QuerySet[Incident]) -> None:
        """Acknowledge the open ones among the selected incidents."""
        done = incidents_acknowledge(incidents.values_list("pk", flat=True), by=request.user.get_username())
        messages.success(request, f"Acknowledged {done} incidents; only open ones change.")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of one incident. A POST by a steward changes its status."""
        incident = self.get_object(request, object_id)
        if incident is None:
            raise Http404
        if not self.has_view_permission(request, incident):
            raise PermissionDenied
        form = IncidentTransitionForm(request.POST or None)
        if incident.status == IncidentStatus.CLOSED:
            form.fields["note"].label = "Why you reopen it"
        if request.method == "POST":
            if not self.has_acknowledge_permission(request):
                raise PermissionDenied
            if form.is_valid() and apply_transition(request, incident, form):
                return HttpResponseRedirect(reverse("admin:fleet_incident_change", args=[incident.pk]))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": str(incident),
            "original": incident,
            "form": form,
            **incident_context(incident, may_act=self.has_acknowledge_permission(request)),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "fleet/incident.html", context)


def apply_transition(request: HttpRequest, incident: Incident, form: IncidentTransitionForm) -> bool:
    """Whether the status changed; if not, the form holds the error at the field that caused it."""
    data = form.cleaned_data
    try:
        after = incident_transition(
            incident.pk, data["target"], by=request.user.get_username(), reason=data["reason"], note=data["note"]
        )
    except TransitionRefused as refusal:
        field, _, words = str(refusal).partition(": ")
        form.add_error(field if field in form.fields else None, words if field in form.fields else str(refusal))
        return False
    messages.success(request, f"{after} is now {after.status}.")
    return True


def incident_context(incident: Incident, *, may_act: bool) -> dict[str, Any]:
    """The template context of an incident."""
    evidence = incident.evidence
    earlier = false_alarms([incident.subject])
    return {
        "incident": incident,
        "kind": IncidentKind(incident.kind).words,
        "worst": format_score(incident.kind, incident.worst_score),
        "now": format_score(incident.kind, incident.score),
        "threshold": threshold_of(evidence),
        "figures": figures_table(evidence),
        "shifts": shifts_table(evidence),
        "silent": evidence.get("silent", ()),
        "silent_more": max(0, evidence.get("silent_total", 0) - len(evidence.get("silent", ()))),
        "score_history": score_chart(incident.score_history),
        "notes": list(incident.notes.all()),
        "earlier": [
            (signal, one) for (_, signal), one in earlier.items() if not incident.signal or signal == incident.signal
        ],
        "transitions": sort_transitions(transitions_from(incident.status)) if may_act else (),
        "is_service": FleetService.objects.filter(name=incident.subject).exists(),
    }


def threshold_of(evidence: Mapping[str, Any]) -> float | None:
    """The current threshold of the fleet; None if the incident has no such score."""
    if not evidence.get("flags"):
        return None
    return DEFAULT_POLICY.threshold(FleetService.objects.count(), len(SIGNALS))


def sort_transitions(transitions: tuple[IncidentTransition, ...]) -> list[IncidentTransition]:
    """The transitions, those without required input first."""
    return sorted(transitions, key=lambda transition: bool(transition.needs))
