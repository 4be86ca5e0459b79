# One image for the three services; compose.yaml says which one a container is.

# Every package is compared with its hash. The servers that `recount serve` brings along are left
# out, and so is what only installs.
FROM python:3.13-slim AS installed
RUN python -m venv /opt/recount
COPY requirements-services.txt /build/
RUN /opt/recount/bin/pip install --quiet --no-cache-dir --require-hashes --no-deps \
    --requirement /build/requirements-services.txt
COPY pyproject.toml README.md LICENSE /build/
COPY contracts /build/contracts
COPY domain /build/domain
COPY services /build/services
RUN /opt/recount/bin/pip install --quiet --no-index --no-deps --no-build-isolation /build \
    && /opt/recount/bin/pip uninstall --quiet --yes setuptools pip

FROM python:3.13-slim
# The number is what mounted files and volumes know the user by. The folder is where reads wait; a new
# volume there is of the same owner.
RUN useradd --uid 10001 --no-create-home recount \
    && install --directory --owner recount --mode 700 /var/spool/recount
COPY --from=installed /opt/recount /opt/recount
ENV PATH=/opt/recount/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=6 CMD ["python", "-c", \
    "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/_livez', timeout=4)"]
CMD ["recount", "--help"]
