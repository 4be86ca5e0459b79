"""Every read of this service, over one pool."""

from collections.abc import Mapping, Sequence

import msgspec

from contracts.api.webhooks import WebhookStanding
from contracts.read_models.action import ActionRow
from contracts.read_models.cohort import CohortRow
from contracts.read_models.webhook import WebhookRow
from services.common.http.answers import EncodedAnswer
from services.common.insights.shares import Share
from services.common.postgres.database import Pool
from services.common.webhooks.standing import standings
from services.query.reads.access_rules import AccessReads
from services.query.reads.actions import action_reads
from services.query.reads.activity import ActivityReads
from services.query.reads.activity_log import ActivityLogReads
from services.query.reads.catalog_rows import CatalogReads
from services.query.reads.cohorts import cohort_reads
from services.query.reads.completeness import CompletenessReads
from services.query.reads.counts import Counts
from services.query.reads.dashboards import DashboardReads
from services.query.reads.insight_list import InsightList
from services.query.reads.insights import InsightReads
from services.query.reads.last_viewed import LastViewedReads
from services.query.reads.moments import MomentReads
from services.query.reads.operations import OperationReads
from services.query.reads.projects import ProjectReads
from services.query.reads.read_position import Freshness
from services.query.reads.read_trail import ReadTrailReads
from services.query.reads.recent_answers import RecentAnswers
from services.query.reads.shares import ShareReads
from services.query.reads.sharing import SharingReads
from services.query.reads.versions import VersionReads
from services.query.reads.views import ViewReads
from services.query.reads.webhooks import AttemptReads, webhook_reads


class Reads(msgspec.Struct, frozen=True):
    """freshness: how each of them is waited for. remembered: answers that may be given again."""

    freshness: Freshness
    remembered: RecentAnswers[EncodedAnswer]
    insights: InsightReads
    insight_list: InsightList
    activity: ActivityReads
    activity_log: ActivityLogReads
    sharing: SharingReads
    shares: ShareReads
    last_viewed: LastViewedReads
    dashboards: DashboardReads
    access: AccessReads
    actions: CatalogReads[ActionRow]
    cohorts: CatalogReads[CohortRow]
    projects: ProjectReads
    moments: MomentReads
    operations: OperationReads
    versions: VersionReads
    views: ViewReads
    webhooks: CatalogReads[WebhookRow]
    attempts: AttemptReads
    trail: ReadTrailReads
    completeness: CompletenessReads
    pool: Pool

    @classmethod
    def over(cls, pool: Pool, freshness: Freshness) -> "Reads":
        return cls(
            freshness=freshness,
            remembered=RecentAnswers(pool),
            insights=InsightReads(pool),
            insight_list=InsightList(pool, Counts()),
            activity=ActivityReads(pool),
            activity_log=ActivityLogReads(pool),
            sharing=SharingReads(pool),
            shares=ShareReads(pool),
            last_viewed=LastViewedReads(pool),
            dashboards=DashboardReads(pool),
            access=AccessReads(pool),
            actions=action_reads(pool),
            cohorts=cohort_reads(pool),
            projects=ProjectReads(pool),
            moments=MomentReads(pool),
            operations=OperationReads(pool),
            versions=VersionReads(pool),
            views=ViewReads(pool),
            webhooks=webhook_reads(pool),
            attempts=AttemptReads(pool),
            trail=ReadTrailReads(pool),
            completeness=CompletenessReads(pool),
            pool=pool,
        )

    async def webhook_standings(
        self, team_id: int, rows: Sequence[WebhookRow]
    ) -> Mapping[int, WebhookStanding]:
        """By the webhook's number."""
        return await standings(self.pool, team_id, rows)

    async def share(self, token: str) -> Share | None:
        """The live share that a token opens, as the last change of it left it.

        Its insight may be deleted: then it is there for nobody.
        """
        fresh = await self.freshness.of(lambda: self.shares.find(token), at_least=None)
        return fresh.value
