"""Settings, as the environment and files have them."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from services.command.settings import CommandSettings
from services.common.bus import BusNodes
from services.common.settings import InvalidSettings, from_environment, unknown
from services.embedded.settings import EmbeddedSettings
from services.projector.settings import ProjectorSettings
from services.query.settings import QuerySettings
from tests.certificates import authority

NEEDED = {
    "RECOUNT_COMMAND_DATABASE_URL": "postgresql://recount_app@pg.example/recount",
    "RECOUNT_COMMAND_NATS_URL": "nats://a:4222,nats://b:4222",
}


def command(given: Mapping[str, str]) -> CommandSettings:
    return from_environment(CommandSettings, "command", {**NEEDED, **given})


def test_a_secret_in_a_file_counts_without_the_end_of_its_line(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(" p@ss/wörd \n")
    settings = command({"RECOUNT_COMMAND_DATABASE_PASSWORD_FILE": str(file)})
    assert conninfo_to_dict(settings.database_url)["password"] == " p@ss/wörd "


def test_a_url_may_be_in_a_file_as_well(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql://recount:secret@pg/recount\r\n")
    environ = {
        "RECOUNT_QUERY_DATABASE_URL_FILE": str(file),
        "RECOUNT_QUERY_CLICKHOUSE_URL": "http://a",
    }
    settings = from_environment(QuerySettings, "query", environ)
    assert settings.database_url == "postgresql://recount:secret@pg/recount"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        (b"\n", "is empty"),
        (b"\xff\xfe\n", "can't decode"),
    ],
    ids=["none", "empty", "no text"],
)
def test_a_file_that_has_no_secret_is_named(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    name = "RECOUNT_COMMAND_NATS_PASSWORD_FILE"
    with pytest.raises(InvalidSettings, match=said) as refused:
        command({"RECOUNT_COMMAND_NATS_USER": "recount", name: str(file)})
    assert str(refused.value).startswith(f"{name}: {file}")


def test_a_secret_is_given_once(tmp_path: Path) -> None:
    name = "RECOUNT_COMMAND_NATS_PASSWORD"
    with pytest.raises(InvalidSettings, match=f"{name} and {name}_FILE are both set"):
        command({name: "secret", f"{name}_FILE": str(tmp_path / "password")})


def test_empty_variables_give_nothing(tmp_path: Path) -> None:
    # What a compose file hands on where nothing was chosen.
    file = tmp_path / "password"
    file.write_text("secret")
    name = "RECOUNT_COMMAND_DATABASE_PASSWORD"
    assert "secret" in command({name: "", f"{name}_FILE": str(file)}).database_url
    assert command({name: "", f"{name}_FILE": ""}) == command({})


def test_what_is_no_secret_is_in_no_file(tmp_path: Path) -> None:
    name = "RECOUNT_COMMAND_PORT_FILE"
    given = {name: str(tmp_path / "none")}
    assert command(given).port == 8000
    assert unknown(CommandSettings, "command", given) == [name]


def test_users_of_the_bus_count_for_every_node(tmp_path: Path) -> None:
    settings = command(
        {
            "RECOUNT_COMMAND_NATS_USER": "re@count",
            "RECOUNT_COMMAND_NATS_PASSWORD": "p@ss,/",
            "RECOUNT_COMMAND_NATS_CA_FILE": str(authority(tmp_path, "nats,1").ca_file),
        }
    )
    assert BusNodes.of(settings.nats_url) == BusNodes(
        ("nats://a:4222", "nats://b:4222"),
        {"user": "re@count", "password": "p@ss,/"},
        str(tmp_path / "nats,1.ca.pem"),
    )


def test_credentials_of_the_bus_may_be_a_file() -> None:
    environ = {
        "RECOUNT_PROJECTOR_DATABASE_URL": "postgresql:///",
        "RECOUNT_PROJECTOR_CLICKHOUSE_URL": "http://a",
        "RECOUNT_PROJECTOR_NATS_URL": "tls://a:4222",
        "RECOUNT_PROJECTOR_NATS_CREDS_FILE": "/run/secrets/bus.creds",
    }
    settings = from_environment(ProjectorSettings, "projector", environ)
    credentials = {"user_credentials": "/run/secrets/bus.creds"}
    assert BusNodes.of(settings.nats_url) == BusNodes(("tls://a:4222",), credentials)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"NATS_USER": "a", "NATS_CREDS_FILE": "b"}, "NATS_USER and …_NATS_CREDS_FILE"),
        ({"NATS_PASSWORD": "a"}, "NATS_USER"),
        ({"NATS_USER": "a", "NATS_URL": "nats://b:c@d"}, "NATS_URL names a user"),
        ({"NATS_CA_FILE": "/nowhere"}, "NATS_CA_FILE: /nowhere"),
        ({"NATS_CA_FILE": __file__}, "NATS_CA_FILE: .*test_settings"),
        ({"DATABASE_CA_FILE": "/nowhere"}, "CA_FILE: /nowhere"),
        ({"DATABASE_URL": "postgresql://a?b=c", "DATABASE_PASSWORD": "d"}, "PostgreSQL"),
        ({"PORT": "many"}, "RECOUNT_COMMAND_"),
    ],
)
def test_settings_that_contradict_are_refused(given: Mapping[str, str], said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        command({f"RECOUNT_COMMAND_{name}": value for name, value in given.items()})


def test_authorities_of_postgresql_hold_it_to_its_name(tmp_path: Path) -> None:
    ca_file = authority(tmp_path, "pg.example").ca_file
    settings = command({"RECOUNT_COMMAND_DATABASE_CA_FILE": str(ca_file)})
    read = conninfo_to_dict(settings.database_url)
    assert (read["sslmode"], read["sslrootcert"]) == ("verify-full", str(ca_file))
    assert (read["user"], read["host"]) == ("recount_app", "pg.example")


def test_servers_of_ones_own_have_passwords_and_users_too() -> None:
    environ = {
        "RECOUNT_EMBEDDED_POSTGRES_URL": "postgresql://owner@pg/recount",
        "RECOUNT_EMBEDDED_POSTGRES_PASSWORD": "s",
        "RECOUNT_EMBEDDED_NATS_URL": "nats://a",
        "RECOUNT_EMBEDDED_NATS_USER": "u",
        "RECOUNT_EMBEDDED_NATS_PASSWORD": "p",
    }
    settings = from_environment(EmbeddedSettings, "embedded", environ)
    assert conninfo_to_dict(settings.postgres_url or "")["password"] == "s"
    assert settings.nats_url == "nats://u:p@a"


@pytest.mark.parametrize("name", ["POSTGRES_PASSWORD", "NATS_PASSWORD"])
def test_a_password_for_no_server_of_ones_own_is_refused(name: str) -> None:
    with pytest.raises(InvalidSettings, match="is missing"):
        from_environment(EmbeddedSettings, "embedded", {f"RECOUNT_EMBEDDED_{name}": "s"})


def test_variables_that_look_like_settings_and_are_none_are_found() -> None:
    environ = {
        **NEEDED,
        "RECOUNT_COMMAND_DATABASE_PASSWORD_FILE": "/a",
        "RECOUNT_COMMAND_DATABSE_POOL": "10",
        "RECOUNT_COMMANDS_PORT": "1",
        "RECOUNT_QUERY_WHATEVER": "1",
        "RECOUNT_PORT": "1",
        "PORT": "1",
    }
    assert unknown(CommandSettings, "command", environ) == [
        "RECOUNT_COMMANDS_PORT",
        "RECOUNT_COMMAND_DATABSE_POOL",
        "RECOUNT_PORT",
    ]
