"""`python -m services.projector`: this service as a process of its own."""

from services.common.process import run
from services.projector.app import create_app
from services.projector.settings import ProjectorSettings

if __name__ == "__main__":
    run("projector", ProjectorSettings, create_app)
