"""Bus consumers on a NATS that lets no subscribers in."""

import pytest

from services.command.app import create_app
from services.command.settings import CommandSettings
from services.common.nkeys import AccountKey, new_seed
from services.common.settings import InvalidSettings
from tests.servers import NatsServer
from tests.services.command.bus_consumers.conftest import running


async def test_a_refusal_says_what_its_configuration_needs(
    postgres_url: str, shared_bus: NatsServer
) -> None:
    settings = CommandSettings(database_url=postgres_url, nats_url=shared_bus.url, relay=False)
    async with running(settings, shared_bus) as world:
        for method, path in (("POST", world.path()), ("GET", world.path())):
            refused = await world.client.request(method, path, json={"name": "A"})
            assert (refused.status_code, refused.json()["code"]) == (409, "bus_not_prepared")
            lines = refused.json()["nats_conf"]
            assert "auth_callout { issuer: $NATS_ISSUER" in lines
            assert '{service: "$JS.ACK.INSIGHTS.>", accounts: [SUBSCRIBERS]}' in lines
        entries = await world.app.state.store.entries(0)
        assert entries == []


@pytest.mark.parametrize(
    ("issuer", "system_user", "said"),
    [
        ("SUAM", "sys:secret", "NATS_ISSUER"),
        (AccountKey(new_seed()).public, "sys:secret", "NATS_ISSUER"),
        (new_seed(), "sys", "NATS_SYSTEM_USER"),
        (new_seed(), "", "NATS_SYSTEM_USER"),
    ],
)
def test_half_a_setting_is_told_before_anything_starts(
    issuer: str, system_user: str, said: str
) -> None:
    settings = CommandSettings(
        database_url="postgresql://nowhere/",
        nats_url="nats://nowhere",
        nats_issuer=issuer,
        nats_system_user=system_user,
    )
    with pytest.raises(InvalidSettings, match=said):
        create_app(settings)
