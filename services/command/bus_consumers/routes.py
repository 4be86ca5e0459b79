"""Bus consumers: made, listed, changed, ended. Reads too: only this service is on the bus."""

from litestar import Response, delete, get, post, route
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.bus_consumers import (
    BusConsumerBody,
    BusConsumerList,
    CreateBusConsumer,
    WriteBusConsumer,
)
from services.command.bus_consumers.service import BusConsumers
from services.command.handle import Terms
from services.common.http.caller import Caller
from services.common.http.operations import plannable, shows, writes
from services.common.http.paths import EDITS, name_in_path, project_paths

READ = {"scopes": ("webhook:read",)}
WRITE = {"scopes": ("webhook:write",)}


@get(project_paths("/bus_consumers/"), opt={**READ, **shows(BusConsumerList, errors=(409,))})
async def list_bus_consumers(
    bus_consumers: NamedDependency[BusConsumers], caller: NamedDependency[Caller]
) -> BusConsumerList:
    """All bus consumers of the project, the oldest first, with how far each has come."""
    return await bus_consumers.all(caller)


@post(
    project_paths("/bus_consumers/"),
    opt={**WRITE, **plannable(writes(BusConsumerBody, status=201))},
    status_code=201,
)
async def create_bus_consumer(
    bus_consumers: NamedDependency[BusConsumers],
    sent: NamedDependency[CreateBusConsumer],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Make a subscriber's place on the bus; its password is in this answer and in no other."""
    return await bus_consumers.create(sent, terms)


@get(
    project_paths("/bus_consumers/{consumer:str}/"),
    opt={**READ, **shows(BusConsumerBody, errors=(409,))},
)
async def get_bus_consumer(
    bus_consumers: NamedDependency[BusConsumers],
    consumer: FromPath[str],
    caller: NamedDependency[Caller],
) -> Response[bytes]:
    """One bus consumer, with how far it has come."""
    return await bus_consumers.one(name_in_path(consumer), caller)


@route(
    project_paths("/bus_consumers/{consumer:str}/"),
    http_method=EDITS,
    opt={**WRITE, **plannable(writes(BusConsumerBody))},
)
async def edit_bus_consumer(
    bus_consumers: NamedDependency[BusConsumers],
    consumer: FromPath[str],
    sent: NamedDependency[WriteBusConsumer],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Change it: `after` makes it begin anew there, `paused` stops it where it is."""
    return await bus_consumers.edit(name_in_path(consumer), sent, terms)


@post(
    project_paths("/bus_consumers/{consumer:str}/rotate_password/"),
    opt={**WRITE, **plannable(writes(BusConsumerBody))},
    status_code=200,
)
async def rotate_bus_password(
    bus_consumers: NamedDependency[BusConsumers],
    consumer: FromPath[str],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """A new password; the old one is dead, and its connections are cut."""
    return await bus_consumers.rotate_password(name_in_path(consumer), terms)


@delete(
    project_paths("/bus_consumers/{consumer:str}/"),
    opt={**WRITE, **plannable(writes(None, status=204))},
    status_code=204,
)
async def delete_bus_consumer(
    bus_consumers: NamedDependency[BusConsumers],
    consumer: FromPath[str],
    terms: NamedDependency[Terms],
) -> Response[None]:
    """End it for good: its place is forgotten, and its connections are cut."""
    return await bus_consumers.delete(name_in_path(consumer), terms)


HANDLERS = [
    list_bus_consumers,
    create_bus_consumer,
    get_bus_consumer,
    edit_bus_consumer,
    rotate_bus_password,
    delete_bus_consumer,
]
