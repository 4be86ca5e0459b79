"""`recount keys bus`."""

from click.testing import CliRunner

from services.common.nkeys import AccountKey
from services.embedded.commands.keys import keys


def test_a_new_key_is_printed_as_both_sides_are_told_it() -> None:
    printed = CliRunner().invoke(keys, ["bus"]).output
    told = dict(line.split("=") for line in printed.splitlines())
    assert AccountKey(told["NATS_ISSUER_SEED"]).public == told["NATS_ISSUER"]
    assert CliRunner().invoke(keys, ["bus"]).output != printed
