"""Facts that nothing takes back, and why: for answers that tell so before anybody tries.

Undoing itself decides in `domain/*/undo.py`; a test holds the two together.
"""

from collections.abc import Mapping

_LOOKED = "Who has looked at something has looked at it."
_SENT = "What was sent or left out stays so."
_ACCOUNT = "Accounts are changed where they are kept: undo takes back what happened in a project."
_ERASED = "What was erased is gone for good."
_READS = "What was read has been read."

NOT_UNDOABLE: Mapping[str, str] = {
    "account.key_created.v1": _ACCOUNT,
    "account.key_revoked.v1": _ACCOUNT,
    "account.member_added.v1": _ACCOUNT,
    "account.member_rank_changed.v1": _ACCOUNT,
    "account.member_removed.v1": _ACCOUNT,
    "account.project_created.v1": _ACCOUNT,
    "account.user_erased.v1": _ERASED,
    "audit.erasure_completed.v1": _ERASED,
    "audit.erasure_requested.v1": _ERASED,
    "audit.hold_lifted.v1": "It is held no more: place another hold.",
    "audit.hold_placed.v1": "A hold ends when it is lifted.",
    "audit.key_rotated.v1": "A key that was replaced signs nothing more: rotate it again.",
    "audit.payload_erased.v1": _ERASED,
    "audit.reads_expired.v1": _READS,
    "audit.reads_sealed.v1": _READS,
    "audit.row_healed.v1": "The row is as the facts say.",
    "bus_consumer.deleted.v1": "Its place on the bus is forgotten.",
    "bus_consumer.moved.v1": "How far it had come before is not known: it can be moved again.",
    "bus_consumer.password_rotated.v1": "The password before it opens nothing.",
    "cohort.people_added.v1": "People are not taken out of a list again.",
    "log.voided.v1": "What a failover has lost is lost.",
    "project.registered.v1": "A project stays registered.",
    "sharing.access_token_rotated.v1": "The old address is gone for good.",
    "sharing.password_removed.v1": "The password is gone for good.",
    "viewing.insight_viewed.v1": _LOOKED,
    "viewing.share_login_failed.v1": _LOOKED,
    "viewing.share_login_succeeded.v1": _LOOKED,
    "webhook.deleted.v1": "Its address and its secrets are gone for good.",
    "webhook.disabled.v1": "Its receiver was found to be gone: resume it.",
    "webhook.lane_parked.v1": _SENT,
    "webhook.lane_released.v1": _SENT,
    "webhook.secret_rotated.v1": "The secret before it stops signing.",
}
"""By stored name. What made a thing takes with it, undone, whatever else it brought along."""


NEVER_UNDONE = ("account.", "audit.", "log.", "viewing.")
"""Of facts that begin so, none is taken back, whatever else its operation did."""


def not_undoable(name: str, *, made: bool) -> str | None:
    """Why a fact of this stored name can't be taken back; None: it can.

    made: whether its operation made the thing that it is about.
    """
    if made and not name.startswith(NEVER_UNDONE):
        return None if name != "project.registered.v1" else NOT_UNDOABLE[name]
    return NOT_UNDOABLE.get(name)
