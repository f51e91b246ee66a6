"""The WSGI application: the web server runs it in threads, a function of AWS Lambda as it is."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
