"""Every refusal of this service, in one table."""

from domain.errors import (
    AlreadyExists,
    ConcurrentEdit,
    NotAList,
    NotFound,
    PasswordNotRequired,
    SharingOff,
    VersionDeleted,
)
from services.command.handle import KeyReused
from services.common.http.problems import Problem, Refusals
from services.common.log.store import (
    KindsPending,
    LogUnavailable,
    LogUnverified,
    OutcomeUnknown,
    RankLost,
)

REFUSALS: Refusals = {
    NotFound: (404, Problem(type="invalid_request", code="not_found", detail="Not found.")),
    AlreadyExists: (
        409,
        Problem(type="invalid_request", code="already_exists", detail="Already exists."),
    ),
    ConcurrentEdit: (
        409,
        Problem(type="invalid_request", code="busy", detail="Too many edits at once. Try again."),
    ),
    RankLost: (
        403,
        Problem(
            type="authentication_error",
            code="permission_denied",
            detail="You lost rights in this organization meanwhile. Nothing was changed.",
        ),
    ),
    KeyReused: (
        422,
        Problem(
            type="invalid_request",
            code="idempotency_key_reused",
            detail="This Idempotency-Key was used before, with another request.",
        ),
    ),
    NotAList: (
        400,
        Problem(
            type="validation_error",
            code="invalid_input",
            detail="People can be added to a static cohort only.",
            attr="is_static",
        ),
    ),
    VersionDeleted: (
        409,
        Problem(
            type="invalid_request",
            code="version_deleted",
            detail="It was deleted in that version.",
            attr="to",
        ),
    ),
    SharingOff: (
        400,
        Problem(
            type="validation_error",
            code="invalid_input",
            detail="Sharing is off: turn it on before refreshing its token.",
        ),
    ),
    PasswordNotRequired: (
        400,
        Problem(
            type="validation_error",
            code="invalid_input",
            detail="Set password_required before adding passwords.",
            attr="password_required",
        ),
    ),
    KindsPending: (
        503,
        Problem(
            type="server_error",
            code="unavailable",
            detail="Recount is being upgraded, and not all of it can read what this would write."
            " Nothing was changed. Try again later.",
        ),
    ),
    LogUnavailable: (
        503,
        Problem(
            type="server_error",
            code="unavailable",
            detail="The log can't be reached. Nothing was changed. Try again.",
        ),
    ),
    LogUnverified: (
        503,
        Problem(
            type="server_error",
            code="log_unverified",
            detail="A standby of the database has taken over, and what it lacks is not known yet."
            " Nothing was changed. Try again.",
        ),
    ),
    OutcomeUnknown: (
        503,
        Problem(
            type="server_error",
            code="unavailable",
            detail="The log broke off while committing. Ask again with the same Idempotency-Key,"
            " or read before you repeat.",
        ),
    ),
}
