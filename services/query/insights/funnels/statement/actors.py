"""Whose arrays a statement is made of, and by which forms they are told."""

import msgspec

from services.common.clickhouse.relation import Piece, Relation
from services.common.clickhouse.statement import Bindings
from services.query.events.actors import PersonActor
from services.query.insights.funnels.plan import FunnelPlan


class Told(msgspec.Struct, frozen=True):
    """Actors whom the reference has told already (busy.py).

    ids: as text. rows: JSON, what the relation of paths.py or trends.py says of them.
    """

    ids: tuple[str, ...]
    rows: str


class Forms(msgspec.Struct, frozen=True, kw_only=True):
    """What a statement leaves out, to be stopped (QueryStopped) by the first actor who needs it.

    quick_only: the full form. not_busy: folds over events, for actors who have very many.
    told: instead of the latter; of each plan that the statement is made of.
    """

    quick_only: bool = False
    not_busy: bool = False
    told: tuple[Told, ...] = ()


EVERY_FORM = Forms()


class Actors(msgspec.Struct, frozen=True, kw_only=True):
    """One array per actor, still to be rendered with a layout.

    only: a set that the actors are restricted to. told: those who are left out, as they are told
    otherwise. quick_only, not_busy: see Forms.
    """

    plan: FunnelPlan
    bindings: Bindings
    has_overrides: bool
    only: Piece | None = None
    quick_only: bool = False
    not_busy: bool = False
    told: Told | None = None


BUSY = 1_000
"""A fold over so many events takes longer than the reference takes over them."""


def actors_of(
    plan: FunnelPlan, bindings: Bindings, forms: Forms, *, has_overrides: bool, place: int = 0
) -> Actors:
    """place: of the plan among those that the statement is made of."""
    return Actors(
        plan=plan,
        bindings=bindings,
        has_overrides=has_overrides,
        quick_only=forms.quick_only,
        not_busy=forms.not_busy,
        told=forms.told[place] if forms.told else None,
    )


def unless_busy(actors: Actors, arrays: Relation, folds: str) -> Relation:
    """The arrays; not_busy: a long one stops the statement. folds: whether `a` goes by a fold."""
    if not actors.not_busy:
        return arrays
    return arrays.where(f"NOT throwIf({is_busy(folds)})").named("not_busy")


def is_busy(folds: str) -> str:
    """Whether `a` goes by a fold, and is too long for it."""
    return f"length(a) > {BUSY} AND ({folds})"


def id_type(plan: FunnelPlan) -> str:
    """What the ids of the plan's actors are."""
    return "UUID" if isinstance(plan.actor, PersonActor) else "String"
