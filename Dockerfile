# One image for the three services; compose.yaml says which one a container is.

# Every package of the lock file is fetched and its hash compared; the image gets what it runs with.
FROM python:3.13-slim AS wheels
COPY requirements.txt /build/
RUN pip download --quiet --no-cache-dir --require-hashes --dest /wheels -r /build/requirements.txt
COPY pyproject.toml README.md LICENSE /build/
COPY contracts /build/contracts
COPY domain /build/domain
COPY services /build/services
RUN python -m venv /opt/recount \
    && /opt/recount/bin/pip install --quiet --no-cache-dir --no-index --find-links /wheels /build

FROM python:3.13-slim
RUN useradd --system --no-create-home recount
COPY --from=wheels /opt/recount /opt/recount
ENV PATH=/opt/recount/bin:$PATH PYTHONUNBUFFERED=1
USER recount
EXPOSE 8000
CMD ["recount", "--help"]
