"""Making and changing webhooks."""

from litestar import Response, delete, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from contracts.api.webhooks import (
    AttemptBody,
    NewSecretBody,
    ReplayBody,
    ReplayWebhook,
    WebhookBody,
    WriteWebhook,
    webhook_number,
)
from domain.webhook.commands import PauseWebhook, ReleaseLane, ResumeWebhook
from services.command.handle import Terms
from services.command.webhooks.errands import Errands
from services.command.webhooks.service import Webhooks
from services.common.http.answers import nothing
from services.common.http.operations import does, plannable, writes
from services.common.http.paths import project_paths
from services.common.http.problems import not_found

WRITE = {"scopes": ("webhook:write",)}
ONE = "/webhooks/{webhook:str}/"


@post(
    project_paths("/webhooks/"),
    opt={**WRITE, **plannable(writes(NewSecretBody, status=201))},
    status_code=201,
)
async def create_webhook(
    webhooks: NamedDependency[Webhooks],
    sent: NamedDependency[WriteWebhook],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Make a webhook. Its secret is in this answer and nowhere else."""
    made = await webhooks.create(sent, terms)
    return await webhooks.answer_secret(made, status=201)


@patch(project_paths(ONE), opt={**WRITE, **plannable(writes(WebhookBody))})
async def edit_webhook(
    webhooks: NamedDependency[Webhooks],
    webhook: FromPath[str],
    sent: NamedDependency[WriteWebhook],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Change a webhook. What is pending already goes to the new URL, too."""
    return await webhooks.answer(await webhooks.edit(number_of(webhook), sent, terms))


@delete(project_paths(ONE), opt={**WRITE, **plannable(writes(None, status=204))}, status_code=204)
async def delete_webhook(
    webhooks: NamedDependency[Webhooks],
    webhook: FromPath[str],
    terms: NamedDependency[Terms],
) -> Response[None]:
    """Nothing more is sent; its secrets and attempts are gone."""
    outcome = await webhooks.delete(number_of(webhook), terms)
    return nothing(outcome.position, outcome.operation_id)


@post(
    project_paths(f"{ONE}rotate_secret/"),
    opt={**WRITE, **plannable(writes(NewSecretBody))},
    status_code=200,
)
async def rotate_webhook_secret(
    webhooks: NamedDependency[Webhooks],
    webhook: FromPath[str],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """A new secret, in this answer alone; the one before signs beside it for 24 hours."""
    return await webhooks.answer_secret(await webhooks.rotate(number_of(webhook), terms))


@post(
    project_paths(f"{ONE}pause/"), opt={**WRITE, **plannable(writes(WebhookBody))}, status_code=200
)
async def pause_webhook(
    webhooks: NamedDependency[Webhooks],
    webhook: FromPath[str],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Stop: what happens meanwhile is sent once it is resumed."""
    return await webhooks.answer(await webhooks.do(number_of(webhook), PauseWebhook(), terms))


@post(
    project_paths(f"{ONE}resume/"), opt={**WRITE, **plannable(writes(WebhookBody))}, status_code=200
)
async def resume_webhook(
    webhooks: NamedDependency[Webhooks],
    webhook: FromPath[str],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Go on where it stopped, whether it was paused or disabled."""
    return await webhooks.answer(await webhooks.do(number_of(webhook), ResumeWebhook(), terms))


@post(
    project_paths(f"{ONE}parked/{{kind:str}}/{{number:str}}/retry/"),
    opt={**WRITE, **plannable(writes(WebhookBody))},
    status_code=200,
)
async def retry_webhook_lane(
    webhooks: NamedDependency[Webhooks],
    webhook: FromPath[str],
    lane: NamedDependency[str],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Send again, with all attempts anew, the event that a lane gave up at."""
    command = ReleaseLane(lane, "retry")
    return await webhooks.answer(await webhooks.do(number_of(webhook), command, terms))


@post(
    project_paths(f"{ONE}parked/{{kind:str}}/{{number:str}}/skip/"),
    opt={**WRITE, **plannable(writes(WebhookBody))},
    status_code=200,
)
async def skip_webhook_lane(
    webhooks: NamedDependency[Webhooks],
    webhook: FromPath[str],
    lane: NamedDependency[str],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Leave out the event that a lane gave up at, and go on behind it."""
    command = ReleaseLane(lane, "skip")
    return await webhooks.answer(await webhooks.do(number_of(webhook), command, terms))


@post(
    project_paths(f"{ONE}replay/"),
    opt={
        **WRITE,
        **does(None, ReplayBody, status=202, required=True, errors=(409,)),
    },
    status_code=202,
)
async def replay_webhook(
    errands: NamedDependency[Errands],
    webhook: FromPath[str],
    sent: NamedDependency[ReplayWebhook],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Send these events again, after what is due; each under the `webhook-id` that it had."""
    return await errands.replay(number_of(webhook), sent, terms)


@post(
    project_paths(f"{ONE}test/"),
    opt={**WRITE, **does(None, AttemptBody, errors=(503,))},
    status_code=200,
)
async def send_webhook_test(
    errands: NamedDependency[Errands],
    webhook: FromPath[str],
    terms: NamedDependency[Terms],
) -> Response[bytes]:
    """Send a `recount.test` event once, and tell what came of it."""
    return await errands.test(number_of(webhook), terms)


async def provide_lane(kind: FromPath[str], number: FromPath[str]) -> str:
    """`insight/7`, of a path in which its slash stands as it is or percent-encoded."""
    return f"{kind}/{number}"


def number_of(text: str) -> int:
    """Raises Rejected 404."""
    number = webhook_number(text)
    if number is None:
        raise not_found()
    return number


HANDLERS = [
    create_webhook,
    edit_webhook,
    delete_webhook,
    rotate_webhook_secret,
    pause_webhook,
    resume_webhook,
    retry_webhook_lane,
    skip_webhook_lane,
    replay_webhook,
    send_webhook_test,
]
