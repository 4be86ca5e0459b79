"""`python -m services.command`: this service as a process of its own."""

from services.command.app import create_app
from services.command.settings import CommandSettings
from services.common.process import run

if __name__ == "__main__":
    run("command", CommandSettings, create_app)
