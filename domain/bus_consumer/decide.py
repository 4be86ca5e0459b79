"""Decides a command on a bus consumer: its facts, or a refusal."""

from typing import assert_never

from msgspec import UNSET

from contracts.events.bus_consumer import (
    BusConsumerCreated,
    BusConsumerDeleted,
    BusConsumerEvent,
    BusConsumerMoved,
    BusConsumerPaused,
    BusConsumerRenamed,
    BusConsumerResumed,
    BusConsumerTypesChanged,
    BusPasswordRotated,
)
from contracts.read_models.bus_consumer import BusConsumerRow
from domain.bus_consumer.commands import (
    BusConsumerCommand,
    CreateBusConsumer,
    DeleteBusConsumer,
    EditBusConsumer,
    RotateBusPassword,
)
from domain.errors import AlreadyExists, NotFound


def decide(command: BusConsumerCommand, consumer: BusConsumerRow | None) -> list[BusConsumerEvent]:
    """Facts that follow; none when nothing would change. consumer: None when there is none.

    Raises AlreadyExists on a second creation, NotFound when it was never created or is deleted.
    """
    if isinstance(command, CreateBusConsumer):
        if consumer is not None:
            raise AlreadyExists
        return [
            BusConsumerCreated(
                consumer_id=command.consumer_id,
                key=command.key,
                name=command.name,
                types=command.types,
                after=command.after,
                password_id=command.password_id,
            )
        ]
    if consumer is None or consumer.deleted:
        raise NotFound
    match command:
        case EditBusConsumer():
            return _edit(command, consumer)
        case RotateBusPassword(password_id=password_id):
            return [BusPasswordRotated(password_id, consumer.password_id)]
        case DeleteBusConsumer():
            return [BusConsumerDeleted()]
        case _:
            assert_never(command)


def _edit(command: EditBusConsumer, consumer: BusConsumerRow) -> list[BusConsumerEvent]:
    facts: list[BusConsumerEvent] = []
    if command.name is not UNSET and command.name != consumer.name:
        facts.append(BusConsumerRenamed(command.name, consumer.name))
    if command.types is not UNSET and command.types != consumer.types:
        facts.append(BusConsumerTypesChanged(command.types, consumer.types))
    if command.after is not UNSET:
        facts.append(BusConsumerMoved(command.after, consumer.after))
    if command.paused is not UNSET and command.paused != consumer.paused:
        facts.append(BusConsumerPaused() if command.paused else BusConsumerResumed())
    return facts
