"""Fleets evaluated by the real engine, and users who open their pages."""

import time
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from apps.fleet.services.evaluation import fleet_evaluate
from apps.fleet.simulation import Fault, FleetSpec, SimulatedFleet
from tests.pinned_fleet import PinnedFleet
from tests.station import Station

LoginAs = Callable[[str], Client]
Evaluated = Callable[..., SimulatedFleet]


@pytest.fixture
def login_as(station: Station) -> LoginAs:
    """A client logged in as a user of this group; without a group: staff without permissions."""

    def browser(group: str) -> Client:
        user = User.objects.create_user(f"a {group}", password="irrelevant here", is_staff=True)
        user.groups.set(Group.objects.filter(name=group))
        client = Client()
        client.force_login(user)
        return client

    return browser


@pytest.fixture
def evaluated(station: Station) -> Evaluated:
    """A function that simulates a fleet with faults and evaluates it `rounds` times up to now."""

    def evaluate(
        services: int, *faults: Fault, rounds: int = 2, every_s: float = 300, age_s: float = 0, days: int = 2
    ) -> SimulatedFleet:
        now_s = time.time() // 60 * 60 - age_s
        spec = FleetSpec(services=services, points=24, days=days, faults=faults, gaps=0.0)
        fleet = PinnedFleet(spec, 5, shown_at_s=now_s)
        for back in range(rounds - 1, -1, -1):
            fleet_evaluate(fleet, at_s=now_s - every_s * back)
        return fleet

    return evaluate
