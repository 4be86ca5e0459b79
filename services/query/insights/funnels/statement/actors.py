"""The actors that a statement counts, and the forms that it has for them."""

import msgspec

from services.common.clickhouse.relation import Piece, Relation
from services.common.clickhouse.statement import Bindings
from services.query.events.actors import PersonActor
from services.query.insights.funnels.plan import FunnelPlan


class ReferenceRows(msgspec.Struct, frozen=True):
    """Rows that the reference has already made of some actors (busy.py).

    ids: of those actors, as text. rows: JSON, in the columns of paths.py or trends.py.
    """

    ids: tuple[str, ...]
    rows: str


class Forms(msgspec.Struct, frozen=True, kw_only=True):
    """Forms that a statement leaves out; the engine aborts (QueryStopped) at the first actor that
    needs one.

    quick_only: without the full form. not_busy: without folds over the events of actors that have
    very many. by_reference: rows in place of such folds, for each plan of the statement.
    """

    quick_only: bool = False
    not_busy: bool = False
    by_reference: tuple[ReferenceRows, ...] = ()


EVERY_FORM = Forms()


class Actors(msgspec.Struct, frozen=True, kw_only=True):
    """One array per actor, still to be rendered with a layout.

    only: a set that the actors are restricted to. by_reference: the rows of actors that are left
    out of the arrays. quick_only, not_busy: see Forms.
    """

    plan: FunnelPlan
    bindings: Bindings
    has_overrides: bool
    only: Piece | None = None
    quick_only: bool = False
    not_busy: bool = False
    by_reference: ReferenceRows | None = None


BUSY = 1_000
"""A fold over more events than these takes longer than the reference does."""


def actors_of(
    plan: FunnelPlan, bindings: Bindings, forms: Forms, *, has_overrides: bool, place: int = 0
) -> Actors:
    """place: the plan's index among the plans of the statement."""
    return Actors(
        plan=plan,
        bindings=bindings,
        has_overrides=has_overrides,
        quick_only=forms.quick_only,
        not_busy=forms.not_busy,
        by_reference=forms.by_reference[place] if forms.by_reference else None,
    )


def unless_busy(actors: Actors, arrays: Relation, folds: str) -> Relation:
    """The arrays; not_busy: the engine aborts at a long one. folds: whether `a` goes by a fold."""
    if not actors.not_busy:
        return arrays
    return arrays.where(f"NOT throwIf({is_busy(folds)})").named("not_busy")


def is_busy(folds: str) -> str:
    """Whether `a` goes by a fold and is too long for it."""
    return f"length(a) > {BUSY} AND ({folds})"


def id_type(plan: FunnelPlan) -> str:
    """The engine's type of the actors' ids."""
    return "UUID" if isinstance(plan.actor, PersonActor) else "String"
