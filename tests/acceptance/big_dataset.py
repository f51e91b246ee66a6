"""A dataset whose export fills every buffer between the server and a client that does not read."""

from typing import Final

from apps.api.clients.services import GrantRequest, client_create
from tests.documents import document, prop
from tests.station import Station

ROWS: Final = 200_000


def key_of_big_dataset(station: Station) -> str:
    """Create the dataset `big` (200,000 rows, 60 MB as CSV); return a key to it."""
    station.apply(document("big", [prop("text", required=True)]))
    with station.connect("ingest") as connection:
        connection.execute(
            "INSERT INTO data.big (text, _source, _offset, _batch)"
            " SELECT repeat(md5(n::text), 9), 1, n, 1 FROM generate_series(1, %s) AS n",
            (ROWS,),
        )
        connection.commit()
    return str(client_create("reader", [GrantRequest("big")])[1])
