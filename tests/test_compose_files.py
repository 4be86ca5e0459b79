"""What the compose files promise, held against them: no container of theirs runs here."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from xml.etree import ElementTree

import pytest

from services.common.settings import fields, is_secret, variable
from services.embedded.settings_list import KINDS
from tests.e2e import deployment
from tests.e2e.deployment import DEPLOY
from tests.sources import ROOT

FILES = ("compose.yaml", "compose.small.yaml")

# What the start of an image needs to give its folders to its own user; the gateway's program asks
# for the last one.
ALLOWED = {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID", "NET_BIND_SERVICE"}

SETTINGS = {
    name
    for service, kind in KINDS.items()
    for field in fields(kind)
    for name in (
        variable(service, field.name),
        *([f"{variable(service, field.name)}_FILE"] if is_secret(field) else []),
    )
}


compose = cache(deployment.compose)


def containers() -> Iterator[Any]:
    for file in FILES:
        for name, service in compose(file)["services"].items():
            yield pytest.param(file, name, service, id=f"{file}: {name}")


def environment(service: Mapping[str, Any]) -> dict[str, str]:
    return dict(service.get("environment", {}))


each = pytest.mark.parametrize(("file", "name", "service"), list(containers()))


@each
def test_settings_are_settings_of_that_service(
    file: str, name: str, service: Mapping[str, Any]
) -> None:
    named = {each for each in environment(service) if each.startswith("RECOUNT_")}
    assert named - SETTINGS <= ({"RECOUNT_GATEWAY_HOST"} if name == "gateway" else set())
    kinds = {each.split("_")[1].lower() for each in named & SETTINGS}
    assert kinds <= {name if name in KINDS else "embedded"}


@each
def test_a_container_has_the_secrets_that_it_names_and_no_others(
    file: str, name: str, service: Mapping[str, Any]
) -> None:
    mine = set(service.get("secrets", []))
    assert mine <= set(compose(file)["secrets"])
    text = str(environment(service)) + str(service.get("healthcheck", ""))
    for mounted in service.get("volumes", []):
        source = ROOT / mounted.split(":")[0]
        if mounted.startswith("./"):
            assert source.exists(), mounted
            scripts = [source] if source.is_file() else list(source.iterdir())
            text += "".join(script.read_text() for script in scripts)
    used = set(re.findall(r"/run/secrets/(\w+)", text))
    used |= set(re.findall(r'(?:secret |\$secrets/)"?(\w+)', text)) & set(compose(file)["secrets"])
    if name == "nats":  # its script knows the cluster's secret, too
        used -= {"nats_route"}
    if name == "clickhouse":
        used -= {"clickhouse_interserver"}
    assert used == mine


@each
def test_no_password_stands_in_a_file_and_none_has_a_default(
    file: str, name: str, service: Mapping[str, Any]
) -> None:
    for variable_, value in environment(service).items():
        assert not re.search("PASSWORD|TOKEN|SEED", variable_) or variable_.endswith("_FILE")
        plain = re.sub(r"\$\{[^}]*\}", "x", str(value))
        assert not re.search(r"://[^/]*:[^/]*@", plain), variable_


@each
def test_a_container_has_no_right_that_it_does_not_need(
    file: str, name: str, service: Mapping[str, Any]
) -> None:
    assert service["cap_drop"] == ["ALL"]
    assert set(service.get("cap_add", [])) <= ALLOWED
    assert service["security_opt"] == ["no-new-privileges:true"]
    refused = {"privileged", "devices", "ipc", "network_mode", "pid", "userns_mode", "extra_hosts"}
    assert not refused & service.keys()
    assert not any("docker.sock" in each or each.startswith("/") for each in _volumes(service))
    if "build" in service:
        assert service["user"] == "10001:10001"
        assert service["read_only"]
        assert service["tmpfs"] == ["/tmp:size=64M,noexec,nosuid,nodev"]  # noqa: S108
        assert "cap_add" not in service


@each
def test_a_container_has_limits(file: str, name: str, service: Mapping[str, Any]) -> None:
    limits = service["deploy"]["resources"]["limits"]
    assert limits.keys() == {"cpus", "memory", "pids"}
    assert service["logging"] == {
        "driver": "json-file",
        "options": {"max-size": "20m", "max-file": "5"},
    }


@each
def test_an_image_has_a_tag_which_is_not_latest(
    file: str, name: str, service: Mapping[str, Any]
) -> None:
    image, _, tag = service["image"].partition(":")
    assert image
    assert tag not in ("", "latest")


@pytest.mark.parametrize("file", FILES)
def test_one_port_is_published_to_this_machine_alone(file: str) -> None:
    published = {
        name: service["ports"]
        for name, service in compose(file)["services"].items()
        if "ports" in service
    }
    assert published == {"gateway": ["${BIND:-127.0.0.1}:${PORT:-8000}:8000"]}


@pytest.mark.parametrize("file", FILES)
def test_servers_are_on_networks_that_lead_nowhere(file: str) -> None:
    read = compose(file)
    outside = {name for name, made in read["networks"].items() if not (made or {}).get("internal")}
    assert outside == {"public", "out"}
    (subnet,) = read["networks"]["edge"]["ipam"]["config"]
    reach: dict[str, set[str]] = {network: set() for network in read["networks"]}
    for name, service in read["services"].items():
        for network in service["networks"]:
            reach[network].add(name)
    assert reach["public"] == {"gateway"}
    assert reach["edge"] == {"gateway", "command", "query"}
    assert reach["out"] == {"projector"}
    for kind in ("command", "query"):
        trusted = environment(read["services"][kind])[f"RECOUNT_{kind.upper()}_TRUSTED_PROXIES"]
        assert trusted == subnet["subnet"]


@pytest.mark.parametrize("file", FILES)
def test_what_a_container_waits_for_is_there(file: str) -> None:
    services = compose(file)["services"]
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            assert needed in services, name
            # Our image has a check of its own.
            checked = "healthcheck" in services[needed] or "build" in services[needed]
            assert checked or how["condition"] != "service_healthy", (name, needed)


@pytest.mark.parametrize("file", FILES)
def test_volumes_are_declared_and_used(file: str) -> None:
    read = compose(file)
    used = {
        each.split(":")[0]
        for service in read["services"].values()
        for each in _volumes(service)
        if not each.startswith("./")
    }
    assert used == set(read["volumes"])


def test_our_services_are_the_same_in_both_files() -> None:
    full, small = (compose(file)["services"] for file in FILES)
    for name in ("gateway", "command", "query", "projector", "migrate", "setup", "postgres"):
        ours, theirs = ({**each[name]} for each in (full, small))
        for different in ("depends_on", "environment", "secrets"):
            ours.pop(different, None)
            theirs.pop(different, None)
        assert ours == theirs, name


def test_what_the_xml_files_take_from_the_environment_is_there() -> None:
    services = compose("compose.yaml")["services"]
    exported = set(re.findall(r"^ *(\w+)=", (DEPLOY / "clickhouse/start.sh").read_text(), re.M))
    nodes = [name for name in services if name.startswith("clickhouse-")]
    assert len(nodes) == 4
    given = {name: environment(services[name]) for name in services}
    for file in ("users.xml", "cluster.xml"):
        wanted = _from_environment(file)
        for name in nodes:
            assert wanted <= exported | given[name].keys(), (file, name)
    for name in (f"keeper-{number}" for number in (1, 2, 3)):
        assert _from_environment("keeper.xml") == given[name].keys()
    # Each node is one replica of one shard, under the name that others reach it by.
    places = {
        (given[name]["CLICKHOUSE_SHARD"], given[name]["CLICKHOUSE_REPLICA"]) for name in nodes
    }
    assert len(places) == 4
    assert all(given[name]["CLICKHOUSE_HOST"] == name for name in nodes)
    cluster = _read("cluster.xml")
    assert cluster.find("macros/shard") is not None
    assert cluster.find("macros/replica") is not None
    hosts = [node.text for node in cluster.iterfind("zookeeper/node/host")]
    assert hosts == [f"keeper-{number}" for number in (1, 2, 3)]


def test_the_image_is_as_the_files_expect_it() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "useradd --uid 10001 " in text
    assert re.search(r"^USER 10001$", text, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK .*urlopen", text, re.MULTILINE | re.DOTALL)
    images = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert images
    assert all(":" in image and not image.endswith(":latest") for image in images)


def _volumes(service: Mapping[str, Any]) -> list[str]:
    return list(service.get("volumes", []))


def _from_environment(file: str) -> set[str]:
    return {found for each in _read(file).iter() if (found := each.get("from_env"))}


def _read(file: str) -> ElementTree.Element:
    text = (DEPLOY / "clickhouse" / file).read_text()
    return ElementTree.fromstring(text)  # noqa: S314 - a file of ours
