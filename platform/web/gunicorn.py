"""gunicorn's configuration: python -m gunicorn --config platform/web/gunicorn.py

Words of the command line come before what stands here.
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
# After this gunicorn gives up a body of which nothing comes, and a worker that is being replaced: ours come first.
timeout = max(math.ceil(_web.body_timeout_s), _web.grace_s + 5)
limit_request_line = 8190
loglevel = "warning"
asgi_lifespan = "off"
# The same everywhere, whatever else is installed.
asgi_loop = "asyncio"
http_parser = "python"
# The client is gone: its request ends at once.
asgi_disconnect_grace_period = 0
control_socket_disable = True
