"""Two releases side by side: processes of both share a database, a consumer group and their clients.

`make drill MINUTES=10` replaces the processes of an earlier release by today's, one by one and under load, goes back,
and goes forward again. It fails if a record is lost, stored twice or superseded wrongly, or if a response is wrong.
"""
