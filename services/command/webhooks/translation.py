"""From the body of a write to the command on a webhook."""

from msgspec import UNSET, UnsetType
from yarl import URL

from contracts.api.webhooks import WriteWebhook
from contracts.events.webhook import WebhookEvent, WebhookSettings
from contracts.fact_filters import UnknownType, parse_types
from contracts.read_models.webhook import WebhookRow
from domain.webhook.changes import changes
from domain.webhook.commands import Address, EditWebhook, WebhookCommand
from domain.webhook.decide import decide
from domain.webhook.view import view
from services.command.change_lines import lines_since
from services.command.documents import or_default
from services.command.handle import Rules
from services.common.http.problems import invalid
from services.common.webhooks.destinations import (
    Destinations,
    ForbiddenAddress,
    UnusableUrl,
    permitted,
    usable_url,
)

IN_FLIGHT = 8


async def checked_url(text: str, destinations: Destinations) -> URL:
    """Raises Rejected 400: it is no URL for a webhook, or leads now to a forbidden address."""
    try:
        url = usable_url(text, destinations)
        await permitted(url, destinations)
    except UnusableUrl as cause:
        raise invalid("url", "invalid_input", str(cause)) from cause
    except ForbiddenAddress as cause:
        raise invalid("url", "forbidden_address", f"{cause}.") from cause
    return url


def checked_types(sent: tuple[str, ...] | UnsetType | None) -> tuple[str, ...] | UnsetType:
    """Raises Rejected 400 for one that no fact has."""
    if sent is UNSET:
        return UNSET
    types = tuple(dict.fromkeys(each.strip() for each in sent or ()))
    try:
        parse_types(types)
    except UnknownType as cause:
        raise invalid("types", "invalid_input", str(cause)) from cause
    return types


def checked_insights(
    sent: tuple[int, ...] | UnsetType | None,
) -> tuple[int, ...] | UnsetType | None:
    """Raises Rejected 400 for a number that no insight has; they need not be there yet."""
    if sent is UNSET or sent is None:
        return sent
    if any(not 0 < number < 10**18 for number in sent):
        raise invalid("insights", "invalid_input", "Insights are named by their numbers.")
    return tuple(dict.fromkeys(sent))


def new_settings(sent: WriteWebhook, address: Address) -> WebhookSettings:
    """A field that the body does not name gets its default."""
    types, insights = checked_types(sent.types), checked_insights(sent.insights)
    return WebhookSettings(
        host=address.host,
        address_id=address.id,
        description=or_default(sent.description, None) or "",
        types=() if types is UNSET else types,
        insights=None if insights is UNSET else insights,
        max_in_flight=or_default(sent.max_in_flight, IN_FLIGHT),
        signature=or_default(sent.signature, "v1"),
    )


def edit_command(sent: WriteWebhook, address: Address | UnsetType) -> EditWebhook:
    """PATCH: what is not named stays."""
    return EditWebhook(
        address=address,
        description=UNSET if sent.description is UNSET else sent.description or "",
        types=checked_types(sent.types),
        insights=checked_insights(sent.insights),
        max_in_flight=sent.max_in_flight,
        signature=sent.signature,
    )


def host_of(url: URL) -> str:
    """As facts name it."""
    return url.host or ""


RULES: Rules[WebhookRow | None, WebhookCommand, WebhookEvent] = Rules(
    decide, view, lines_since(changes), lambda row: row is not None and row.deleted
)
