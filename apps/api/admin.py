"""The admin of API clients, their keys and their grants. A key is shown once, when it is created."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminSelectMultipleWidget, UnfoldAdminTextInputWidget

from apps.api.clients.services import GrantRequest, client_create
from apps.api.errors import ClientInvalid
from apps.api.models import Client, Grant, Key
from apps.datasets.models import Dataset
from apps.datasets.read_only_admin import ReadOnlyAdmin


class NewClientForm(forms.Form):
    """A client's name and the datasets to grant, with every unrestricted field."""

    name = forms.CharField(max_length=100, widget=UnfoldAdminTextInputWidget)
    read = forms.ModelMultipleChoiceField(
        Dataset.objects.all(), required=False, label="May read", widget=UnfoldAdminSelectMultipleWidget
    )
    write = forms.ModelMultipleChoiceField(
        Dataset.objects.all(), required=False, label="May write", widget=UnfoldAdminSelectMultipleWidget
    )

    def grants(self) -> list[GrantRequest]:
        """One grant request per chosen dataset."""
        read = {dataset.name for dataset in self.cleaned_data["read"]}
        write = {dataset.name for dataset in self.cleaned_data["write"]}
        return [GrantRequest(name, may_read=name in read, may_write=name in write) for name in sorted(read | write)]


def grant_columns_text(grant: Grant) -> str:
    """The columns of a grant, as text."""
    return "all unrestricted" if grant.columns is None else ", ".join(grant.columns)


class ClientInline(TabularInline):  # type: ignore[misc] # unfold has no types
    """A read-only list below the client."""

    extra = 0
    can_delete = False
    hide_title = True

    def has_add_permission(self, _request: HttpRequest, _one: Any = None) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _one: Any = None) -> bool:
        return False


class GrantInline(ClientInline):
    """The client's grants."""

    model = Grant
    fields = ("dataset", "may_read", "may_write", "visible_columns")
    readonly_fields = ("visible_columns",)

    @admin.display(description="columns")
    def visible_columns(self, grant: Grant) -> str:
        """The columns of the grant."""
        return grant_columns_text(grant)


class KeyInline(ClientInline):
    """The client's keys, without their secrets."""

    model = Key
    fields = ("public_id", "created_at", "last_used_on", "revoked_at")
    readonly_fields = fields


@admin.register(Client)
class ClientAdmin(ReadOnlyAdmin):
    """API clients. Revoking one revokes all of its keys."""

    list_display = ("name", "created_at", "revoked_at")
    search_fields = ("name",)
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    fields = ("name", "created_at", "revoked_at")
    inlines = (GrantInline, KeyInline)
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest, *_about: Any) -> bool:
        return request.user.has_perm("api.add_client")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("api.change_client")

    @method_decorator(never_cache)
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The form for a new client. Its response shows the key, once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = NewClientForm(request.POST or None)
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": "New client", "form": form}
        request.current_app = self.admin_site.name
        if form.is_valid():
            try:
                client, key = client_create(form.cleaned_data["name"], form.grants())
            except ClientInvalid as refusal:
                form.add_error(None, str(refusal))
            else:
                self.log_addition(request, client, "created with a key")
                context |= {"title": client.name, "client": client, "key": str(key)}
                return TemplateResponse(request, "api/client_created.html", context)
        return TemplateResponse(request, "api/client_new.html", context)

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, clients: QuerySet[Client]) -> None:
        """Revoke the selected clients."""
        revoked = clients.filter(revoked_at=None).update(revoked_at=Now())
        messages.success(request, f"{revoked} revoked. Their keys are refused from now on.")


@admin.register(Key)
class KeyAdmin(ReadOnlyAdmin):
    """API keys by public id. The secret is not stored."""

    list_display = ("public_id", "client", "created_at", "last_used_on", "revoked_at")
    list_select_related = ("client",)
    search_fields = ("client__name", "public_id")
    fields = ("client", "public_id", "created_at", "last_used_on", "revoked_at")
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("api.change_key")

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, keys: QuerySet[Key]) -> None:
        """Revoke the selected keys."""
        revoked = keys.filter(revoked_at=None).update(revoked_at=Now())
        messages.success(request, f"{revoked} revoked. Requests with them are refused from now on.")


@admin.register(Grant)
class GrantAdmin(ReadOnlyAdmin):
    """Grants of clients on datasets. Deleting one withdraws the access."""

    list_display = ("client", "dataset", "may_read", "may_write", "visible_columns")
    fields = list_display
    readonly_fields = ("visible_columns",)
    list_display_links = ("client", "dataset")
    list_select_related = ("client", "dataset")
    list_filter = ("dataset", "may_write")
    list_filter_sheet = False
    search_fields = ("client__name", "dataset__name")

    @admin.display(description="columns")
    def visible_columns(self, grant: Grant) -> str:
        """The columns of the grant."""
        return grant_columns_text(grant)

    def has_delete_permission(self, request: HttpRequest, _one: Any = None) -> bool:
        return request.user.has_perm("api.delete_grant")
