"""gunicorn's configuration: python -m gunicorn --config platform/web/gunicorn.py

Command-line options override this file.
"""

import math

from apps.api.conf import WebSettings
from apps.telemetry.environment import SettingsInvalid, load
from web.open_files import raise_open_file_limit

try:
    _web = load(WebSettings)
    raise_open_file_limit(_web.connections)
except SettingsInvalid as error:
    raise SystemExit(str(error)) from None

wsgi_app = "web.asgi"
worker_class = "web.worker.DeadlineWorker"
bind = _web.bind
workers = _web.workers
worker_connections = _web.connections
keepalive = _web.keep_alive_s
graceful_timeout = _web.grace_s
# gunicorn's timeout for a stalled body and for a worker being replaced: our deadlines must come first.
timeout = max(math.ceil(_web.body_timeout_s), _web.grace_s + 5)
limit_request_line = 8190
loglevel = "warning"
asgi_lifespan = "off"
# The same everywhere, whatever is installed.
asgi_loop = "asyncio"
http_parser = "python"
# End a request immediately when its client has disconnected.
asgi_disconnect_grace_period = 0
control_socket_disable = True
