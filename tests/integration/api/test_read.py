"""Reading records over HTTP, on a real PostgreSQL."""

from pathlib import Path
import pytest
from django.test import Client as Http

from apps.api.services import GrantRequest, client_create
from tests.station import Station

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

CONTRACTS = Path(__file__).resolve().parents[3] / "contracts"


def test_a_page_of_flights(station: Station) -> None:
    flights = station.apply(CONTRACTS / "flights.yaml")
    _, key = client_create("x", [GrantRequest("flights")])
    http = Http(headers={"Authorization": f"Bearer {key}"})
    with station.connect("ingest") as c:
        c.execute("select public.anden_ensure_months(%s, '2013-01-01','2014-01-01')", (flights.id,))
        c.execute("""insert into data.flights(year,month,day,sched_dep_time,sched_arr_time,carrier,flight,origin,dest,distance,hour,minute,time_hour,arr_delay,_source,_offset,_batch)
        select 2013,1,1,5,5,'UA',1,'JFK','LAX',100,5,5, timestamptz '2013-01-01T00:00Z' + interval '1 hour' * (n/3), nullif(n%7,0), 1, n, 1 from generate_series(1,500) n""")
    print(http.get("/api/v1/datasets").json())
    r = http.get("/api/v1/datasets/flights/records?limit=2&order=-arr_delay")
    print(r.content)
    assert r.status_code == 200, r.content
    url = "/api/v1/datasets/flights/records?limit=7&order=-arr_delay&fields=arr_delay,carrier"
    seen = []
    while url:
        r = http.get(url)
        assert r.status_code == 200, r.content
        seen += r.json()["records"]
        url = r.json()["next"]
    assert len(seen) == 500
    print(http.get(f"/api/v1/datasets/flights/records/{seen[3]['_id']}").content)
    assert len({s["_id"] for s in seen}) == 500
