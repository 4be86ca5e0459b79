"""`python -m services.query`: this service as a process of its own."""

from services.common.process import run
from services.query.app import create_app
from services.query.settings import QuerySettings

if __name__ == "__main__":
    run("query", QuerySettings, create_app)
