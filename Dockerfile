# One image for every role: web, worker, dispatcher, and the jobs.

FROM python:3.13-slim AS build
WORKDIR /source
COPY requirements.lock requirements-production.lock ./
RUN python -m venv /opt/parcours \
 && awk '/^[a-z]/ { wanted = /^(uv|setuptools)==/ } wanted' requirements.lock > /tmp/tools.txt \
 && python -m venv /opt/tools \
 && /opt/tools/bin/pip install --no-cache-dir --require-hashes --no-deps -r /tmp/tools.txt \
 && /opt/tools/bin/uv pip install --no-cache --python /opt/parcours/bin/python \
      --compile-bytecode --require-hashes -r requirements-production.lock
COPY . .
RUN /opt/tools/bin/python -m pip wheel --no-cache-dir --no-build-isolation --no-deps \
      --wheel-dir /tmp/wheels . \
 && /opt/tools/bin/uv pip install --no-cache --python /opt/parcours/bin/python \
      --compile-bytecode --no-deps /tmp/wheels/*.whl

FROM python:3.13-slim
COPY --from=build /opt/parcours /opt/parcours
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin parcours \
 && install -d -o parcours -g parcours -m 0700 /var/lib/parcours
ENV PATH=/opt/parcours/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PARCOURS_DATA_DIR=/var/lib/parcours
USER 10001
WORKDIR /var/lib/parcours
EXPOSE 8000
ENTRYPOINT ["parcours"]
CMD ["web"]
