"""Bus consumers and the settings that they need of a NATS."""

import pytest

from services.command.app import create_app
from services.command.bus_consumers.service import public_url
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
    ids=["no key", "the public key", "no password", "no user"],
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


@pytest.mark.parametrize(
    ("url", "told", "shown"),
    [
        ("nats://recount:secret@nats:4222", "", "nats://nats:4222"),
        ("nats://recount:secret@a,nats://recount:secret@b", "", "nats://a,nats://b"),
        ("tls://nats:4222", "", "tls://nats:4222"),
        ("nats://recount:secret@nats:4222", "tls://bus.example", "tls://bus.example"),
    ],
)
def test_subscribers_are_told_an_address_without_a_secret(url: str, told: str, shown: str) -> None:
    assert public_url(url, told) == shown
