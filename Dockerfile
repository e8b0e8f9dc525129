# One image for web, worker, watch, keeper and migrate: only the command differs (docker-compose.yml, deploy/helm).
# BASE is any image of Debian with Python 3.11 and its venv module: a mirror's, or one of your own (docs/install/README.md).
ARG BASE=python:3.11.14-slim-bookworm

FROM ${BASE} AS build
WORKDIR /app
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy
# Where packages come from, if not from PyPI: a mirror, or a folder of wheels that is mounted (docs/install/README.md).
ARG PIP_INDEX_URL
ARG UV_DEFAULT_INDEX
ARG PIP_FIND_LINKS
ARG UV_FIND_LINKS
ARG PIP_NO_INDEX
ARG UV_NO_INDEX
# otel.txt is runtime.txt and OpenTelemetry, which is loaded only where a collector is named (docs/install/logs.md).
COPY requirements/uv.txt requirements/otel.txt requirements/sbom.txt requirements/
# What only the client of Kubernetes for asyncio needs, which no process of ours loads, is left out; so is that client, below.
RUN python -m venv /opt/uv \
 && /opt/uv/bin/pip install --quiet --no-cache-dir --require-hashes -r requirements/uv.txt \
 && python -m venv --without-pip /opt/portal \
 && /opt/uv/bin/uv pip install --quiet --no-cache --python /opt/portal/bin/python --require-hashes -r requirements/otel.txt \
 && /opt/uv/bin/uv pip uninstall --python /opt/portal/bin/python --quiet \
    aiohttp aiohappyeyeballs aiosignal frozenlist multidict propcache yarl
# What is in it, as CycloneDX, for whoever looks for known faults: /app/sbom.cdx.json.
RUN python -m venv /opt/sbom \
 && /opt/uv/bin/uv pip install --quiet --no-cache --python /opt/sbom/bin/python --require-hashes -r requirements/sbom.txt \
 && /opt/sbom/bin/cyclonedx-py environment --output-reproducible --output-file sbom.cdx.json /opt/portal/bin/python
COPY manage.py ./
COPY sgportal ./sgportal
COPY embedded_cluster ./embedded_cluster
COPY templates ./templates
COPY static ./static
# Of the editor only what is used: of its modes YAML's, of its themes two.
RUN /opt/portal/bin/pybabel --quiet compile -D django -d sgportal/locale \
 && SECRET_KEY=only-for-this-step DATABASE_URL=sqlite:///:memory: /opt/portal/bin/python manage.py collectstatic \
    --noinput --verbosity 0 -i "mode-[!y]*" -i "worker-[!y]*" -i snippets -i "keybinding-*" -i "ext-emmet*" \
    -i redoc -i rest_framework

# What no process of ours reads: the client of Kubernetes once more for asyncio, static files, which are gathered now, and
# languages that no page is in.
RUN cd /opt/portal/lib/python3*/site-packages \
 && rm -r kubernetes/aio babel/locale-data \
 && rm -r django/contrib/*/static django_ace/static django_htmx/static drf_spectacular_sidecar/static rest_framework/static \
 && find django rest_framework django_filters -type d -path "*/locale/*" -prune ! -name "en*" ! -name "zh*" -exec rm -r {} +

FROM ${BASE}
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title=sgportal \
      org.opencontainers.image.description="A console for one Kubernetes cluster over many edge sites" \
      org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.version=${VERSION}
ENV PATH=/opt/portal/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=sgportal.settings UVICORN_HOST=0.0.0.0 UVICORN_PORT=8000
RUN groupadd --gid 10001 portal \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin portal
COPY --from=build /opt/portal /opt/portal
COPY --from=build /app /app
WORKDIR /app
USER 10001
EXPOSE 8000
CMD ["uvicorn", "sgportal.asgi:application", "--lifespan", "off", "--no-access-log", "--no-proxy-headers", "--timeout-graceful-shutdown", "5"]
