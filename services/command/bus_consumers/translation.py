"""From the bodies of writes to the commands on a bus consumer."""

from contracts.events.bus_consumer import BusConsumerEvent
from contracts.fact_filters import UnknownType, parse_types
from contracts.read_models.bus_consumer import BusConsumerRow
from domain.bus_consumer.changes import changes
from domain.bus_consumer.commands import BusConsumerCommand
from domain.bus_consumer.decide import decide
from domain.bus_consumer.view import view
from services.command.change_lines import lines_since
from services.command.handle import Rules
from services.common.http.problems import invalid

RULES: Rules[BusConsumerRow | None, BusConsumerCommand, BusConsumerEvent] = Rules(
    decide, view, lines_since(changes)
)


def known_types(sent: tuple[str, ...]) -> tuple[str, ...]:
    """Names and `prefix.*`, each once, sorted; none for all. Raises Rejected 400 `types`."""
    try:
        wanted = parse_types(sent)
    except UnknownType as cause:
        raise invalid("types", "invalid_input", str(cause)) from cause
    return tuple(sorted({*wanted.names, *(f"{prefix}*" for prefix in wanted.prefixes)}))
