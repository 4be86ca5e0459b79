"""Everything that decides how an insight is shown or computed, and the webhooks; one row per
stream.

Dashboards, access rules, actions, cohorts, settings and webhooks are one projection because they
rarely move: each projection reads the whole log for itself.
"""

from contracts.read_models import projections
from services.projector.read_models.access import ACCESS
from services.projector.read_models.actions import ACTIONS
from services.projector.read_models.cohorts import COHORTS
from services.projector.read_models.dashboards import DASHBOARDS
from services.projector.read_models.projects import PROJECTS
from services.projector.read_models.row_per_stream import StreamProjection
from services.projector.read_models.webhooks import WEBHOOKS


def catalog_projection() -> StreamProjection:
    return StreamProjection(
        projections.CATALOG, [DASHBOARDS, ACCESS, ACTIONS, COHORTS, PROJECTS, WEBHOOKS]
    )
