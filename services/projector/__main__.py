"""`python -m services.projector`: the read models' projector as a process of its own."""

import os
import sys

import uvicorn

from services.common.settings import InvalidSettings, from_environment
from services.projector.app import create_app
from services.projector.settings import ProjectorSettings


def main() -> None:
    """Projects until it is told to stop (SIGTERM, Ctrl-C)."""
    try:
        settings = from_environment(ProjectorSettings, "projector", os.environ)
    except InvalidSettings as cause:
        sys.exit(str(cause))
    uvicorn.run(create_app(settings), host=settings.host, port=settings.port, lifespan="on")


if __name__ == "__main__":
    main()
