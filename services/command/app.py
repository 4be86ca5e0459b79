"""The command service, wired: the only place that knows which parts it has."""

import contextlib
from collections.abc import AsyncIterator

from litestar import Litestar
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath

from services.command import publishing
from services.command.access import routes as access
from services.command.access.service import AccessRules
from services.command.accounts.chains import Chains, beginning
from services.command.actions import routes as actions
from services.command.actions.service import Actions
from services.command.audit import app as audit
from services.command.audit.expiring import Expiring
from services.command.audit.sealing import Sealing
from services.command.bus_consumers import app as bus_consumers
from services.command.capture import app as capture
from services.command.cohorts import routes as cohorts
from services.command.cohorts.service import Cohorts
from services.command.dashboards import routes as dashboards
from services.command.dashboards.service import Dashboards
from services.command.handle import Planned
from services.command.history import routes as history
from services.command.history.bulk import Bulk
from services.command.history.planned import on_planned
from services.command.history.reverting import Revert
from services.command.history.service import Undo
from services.command.insights import routes as insights
from services.command.insights.joined import JoinedLookup
from services.command.insights.service import Insights
from services.command.insights.translation import insight_number
from services.command.numbers import Numbers
from services.command.pages import login_routes as page_logins
from services.command.pages import routes as pages
from services.command.pages.logins import PageLogins
from services.command.pages.taking_back import TakingBack
from services.command.plans import Plans
from services.command.problems import REFUSALS
from services.command.projects import routes as projects
from services.command.projects.service import Projects
from services.command.settings import CommandSettings
from services.command.sharing import login_routes
from services.command.sharing import routes as sharing
from services.command.sharing.logins import ShareLogins
from services.command.sharing.passwords import Passwords
from services.command.sharing.service import Sharing
from services.command.telling import Telling
from services.command.terms import provide_terms
from services.command.viewing import routes as views
from services.command.viewing.views import Views
from services.command.webhooks import routes as webhooks
from services.command.webhooks.errands import Errands
from services.command.webhooks.service import Webhooks
from services.common.http.app import ServicePart, compose, from_state
from services.common.http.caller import Caller
from services.common.http.foundation import foundation
from services.common.http.presence import present
from services.common.log.store import EventStore
from services.common.postgres.server_secrets import server_secret
from services.common.tasks import background


def part(settings: CommandSettings) -> ServicePart:
    """This service's part of an application that stands on `foundation`."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        pool, accounts = app.state.pool, app.state.accounts
        async with EventStore.open(settings.database_url) as store:
            numbers, chains = Numbers(pool), Chains(pool, store)
            passwords, grace = Passwords(pool), settings.token_grace_seconds
            app.state.store = store
            app.state.numbers = numbers
            app.state.insights = Insights(store, numbers, accounts, JoinedLookup(pool))
            app.state.sharing = Sharing(store, numbers, accounts, passwords, grace)
            app.state.share_logins = ShareLogins(pool, store, app.state.sessions)
            app.state.page_logins = PageLogins(pool, accounts, chains)
            app.state.views = Views(store)
            app.state.dashboards = Dashboards(store, numbers, accounts)
            app.state.access_rules = AccessRules(store, accounts)
            app.state.projects = Projects(pool, store, accounts, chains)
            app.state.actions = Actions(store, numbers, accounts)
            app.state.cohorts = Cohorts(store, numbers, accounts)
            app.state.webhooks = Webhooks(store, pool, accounts, settings.destinations())
            app.state.undo = Undo(store, numbers, passwords, app.state.projects, app.state.webhooks)
            app.state.plans = Plans(await server_secret(pool, "plans"))
            app.state.reverts = Revert(store, app.state.insights)
            app.state.bulk = Bulk(store, numbers)
            app.state.taking_back = TakingBack(
                store, accounts, numbers, app.state.undo, app.state.reverts, app.state.plans
            )
            app.state.errands = Errands(pool, app.state.webhooks)
            telling = background("telling", Telling(store, pool).run())
            seals = Sealing(store, pool).run(settings.reads_seal_seconds)
            expiries = Expiring(store, pool, settings.reads_kept_days).run()
            async with (
                app.state.share_logins.forgetting(),
                app.state.page_logins.forgetting(),
                telling,
                background("reads: seal", seals),
                background("reads: expire", expiries),
                beginning(chains) if settings.relay else contextlib.nullcontext(),
            ):
                yield

    return ServicePart(
        handlers=[
            *insights.HANDLERS,
            *sharing.HANDLERS,
            *login_routes.HANDLERS,
            *views.HANDLERS,
            *dashboards.HANDLERS,
            *access.HANDLERS,
            *projects.HANDLERS,
            *actions.HANDLERS,
            *cohorts.HANDLERS,
            *webhooks.HANDLERS,
            *history.HANDLERS,
            *page_logins.HANDLERS,
            *pages.HANDLERS,
        ],
        dependencies={
            "numbers": from_state("numbers"),
            "insights": from_state("insights"),
            "sharing": from_state("sharing"),
            "share_logins": from_state("share_logins"),
            "page_logins": from_state("page_logins"),
            "taking_back": from_state("taking_back"),
            "views": from_state("views"),
            "dashboards": from_state("dashboards"),
            "access_rules": from_state("access_rules"),
            "projects": from_state("projects"),
            "actions": from_state("actions"),
            "cohorts": from_state("cohorts"),
            "webhooks": from_state("webhooks"),
            "errands": from_state("errands"),
            "undo": from_state("undo"),
            "reverts": from_state("reverts"),
            "bulk": from_state("bulk"),
            "lane": Provide(webhooks.provide_lane),
            "insight_id": Provide(provide_insight_id),
            "terms": Provide(provide_terms),
        },
        refusals=REFUSALS,
        errors={Planned: on_planned},
        lifespans=[lifespan],
    )


async def provide_insight_id(
    insight: FromPath[str], caller: NamedDependency[Caller], numbers: NamedDependency[Numbers]
) -> int:
    """The number of the insight that the path names by number or short id."""
    return await insight_number(insight, caller.team_id, numbers)


def create_app(settings: CommandSettings) -> Litestar:
    """The service as a process of its own."""
    return compose(
        [
            present(settings.database_url, "command"),
            foundation(settings.database_url, settings.budgets(), settings.proxies()),
            part(settings),
            capture.part(settings.nats_url, replicas=settings.nats_replicas),
            *([publishing.part(settings)] if settings.relay else []),
            bus_consumers.part(settings),
            audit.part(settings),
        ],
        max_body_bytes=settings.max_body_bytes,
        request_seconds=settings.request_seconds,
    )
