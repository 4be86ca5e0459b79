"""The bus's accounts: who is on it, and the little that a subscriber can say to a stream.

RECOUNT has the streams and the services. SUBSCRIBERS has everybody else, let in one by one by the
command service (auth callout), and is bridged by exactly three requests, below. A subscriber names
the subject of an answer himself; across accounts that name means a subject of SUBSCRIBERS. In an
account with the streams it would mean one of theirs, and a request could write into them.

SYS is the server's own account: it tells who is connected, and ends connections.
"""

from typing import Any

import msgspec

from contracts.subjects import FACTS_STREAM

SYSTEM_ACCOUNT, SYSTEM_USER = "SYS", "sys"
STREAMS_ACCOUNT, STREAMS_USER = "RECOUNT", "recount"
SUBSCRIBERS_ACCOUNT = "SUBSCRIBERS"

_PULL = f"$JS.API.CONSUMER.MSG.NEXT.{FACTS_STREAM}.*"
_ACKNOWLEDGE = f"$JS.ACK.{FACTS_STREAM}.>"
_INFO = f"CONSUMER.INFO.{FACTS_STREAM}.*"

INFO_PREFIX = "RECOUNT.API"
"""In the place of `$JS.API`, for a subscriber who asks about his consumer: nats-server answers that
request across accounts under another name only.
"""


class LettingIn(msgspec.Struct, frozen=True, kw_only=True):
    """How subscribers get on the bus, as `CommandSettings` tells it: nats_issuer and so on."""

    issuer: str = ""
    system_user: str = ""
    public_url: str = ""


NO_SUBSCRIBERS = LettingIn()


NATS_CONF = """\
system_account: SYS
accounts {
  SYS { users: [{user: sys, password: $NATS_SYSTEM_PASSWORD}] }
  RECOUNT {
    jetstream: enabled
    users: [{user: recount, password: $NATS_TOKEN}]
    exports: [
      {service: "$JS.API.CONSUMER.MSG.NEXT.INSIGHTS.*", accounts: [SUBSCRIBERS],
       response_type: stream}
      {service: "$JS.ACK.INSIGHTS.>", accounts: [SUBSCRIBERS]}
      {service: "$JS.API.CONSUMER.INFO.INSIGHTS.*", accounts: [SUBSCRIBERS]}
    ]
  }
  SUBSCRIBERS {
    imports: [
      {service: {account: RECOUNT, subject: "$JS.API.CONSUMER.MSG.NEXT.INSIGHTS.*"}}
      {service: {account: RECOUNT, subject: "$JS.ACK.INSIGHTS.>"}}
      {service: {account: RECOUNT, subject: "$JS.API.CONSUMER.INFO.INSIGHTS.*"},
       to: "RECOUNT.API.CONSUMER.INFO.INSIGHTS.*"}
    ]
  }
}
authorization {
  auth_callout { issuer: $NATS_ISSUER, account: RECOUNT, auth_users: [recount, sys] }
}
"""
"""The same for a NATS of your own: what its configuration needs. compose.yaml has these lines."""


def settings(password: str, system_password: str, issuer: str) -> dict[str, Any]:
    """The part of nats-server's configuration. issuer: the public key whose tokens let users in."""
    subscribers = [SUBSCRIBERS_ACCOUNT]
    from_streams = [
        {"service": {"account": STREAMS_ACCOUNT, "subject": _PULL}},
        {"service": {"account": STREAMS_ACCOUNT, "subject": _ACKNOWLEDGE}},
        {
            "service": {"account": STREAMS_ACCOUNT, "subject": f"$JS.API.{_INFO}"},
            "to": f"{INFO_PREFIX}.{_INFO}",
        },
    ]
    return {
        "system_account": SYSTEM_ACCOUNT,
        "accounts": {
            SYSTEM_ACCOUNT: {"users": [{"user": SYSTEM_USER, "password": system_password}]},
            STREAMS_ACCOUNT: {
                "jetstream": "enabled",
                "users": [{"user": STREAMS_USER, "password": password}],
                "exports": [
                    # One request, many answers: the messages.
                    {"service": _PULL, "accounts": subscribers, "response_type": "stream"},
                    {"service": _ACKNOWLEDGE, "accounts": subscribers},
                    {"service": f"$JS.API.{_INFO}", "accounts": subscribers},
                ],
            },
            SUBSCRIBERS_ACCOUNT: {"imports": from_streams},
        },
        "authorization": {
            "auth_callout": {
                "issuer": issuer,
                "account": STREAMS_ACCOUNT,
                "auth_users": [STREAMS_USER, SYSTEM_USER],
            }
        },
    }


def permissions(consumer: str) -> dict[str, Any]:
    """Subjects that the subscriber of this consumer may use, as a user's JWT has them."""
    return {
        "pub": {
            "allow": [
                f"$JS.API.CONSUMER.MSG.NEXT.{FACTS_STREAM}.{consumer}",
                f"$JS.ACK.{FACTS_STREAM}.{consumer}.>",
                f"{INFO_PREFIX}.CONSUMER.INFO.{FACTS_STREAM}.{consumer}",
            ]
        },
        "sub": {"allow": [f"{inbox_prefix(consumer)}.>"]},
    }


def inbox_prefix(consumer: str) -> str:
    """Where this subscriber gets answers, and no other."""
    return f"_INBOX_{consumer}"
