"""Changes of an insight's query and filters are taken back, path by path."""

from msgspec import Raw

from contracts.events.insight import (
    InsightDeleted,
    InsightFiltersChanged,
    InsightQueryChanged,
    InsightRenamed,
)
from contracts.json import EMPTY_OBJECT, NULL
from tests.domain.undo.undoing import By, places, said, told
from tests.examples import created


def funnel(*series: bytes, order: bytes = b'"ordered"', days: int = 14) -> Raw:
    return Raw(
        b'{"kind":"FunnelsQuery","series":[%b],"funnelsFilter":{"funnelOrderType":%b,'
        b'"funnelWindowInterval":%d}}' % (b",".join(series), order, days)
    )


OPENED = b'{"kind":"EventsNode","event":"opened"}'
PAID = b'{"kind":"EventsNode","event":"paid"}'
OPENED_AT_HOME = b'{"kind":"EventsNode","event":"opened","custom_name":"Home"}'
PAID_FIRST = b'{"kind":"EventsNode","event":"paid","custom_name":"First"}'
PAID_LAST = b'{"kind":"EventsNode","event":"paid","custom_name":"Last"}'
PLAIN = funnel(OPENED, PAID)


def changed(before: Raw, after: Raw) -> InsightQueryChanged:
    return InsightQueryChanged(query=after, previous=before)


def test_later_changes_of_other_parts_are_kept() -> None:
    done, later = funnel(OPENED, PAID, days=7), funnel(OPENED_AT_HOME, PAID, days=7)
    story = told([created(query=PLAIN)], [changed(PLAIN, done)], [changed(done, later)])
    back = funnel(OPENED_AT_HOME, PAID)
    assert story.undo(2).facts == (changed(later, back),)
    assert places(story.undo(2)) == [("query", "/funnelsFilter/funnelWindowInterval")]
    # And the other way round.
    inner = funnel(OPENED_AT_HOME, PAID)
    story = told([created(query=PLAIN)], [changed(PLAIN, inner)], [changed(inner, later)])
    assert story.undo(2).facts == (changed(later, done),)


def test_a_path_with_a_third_value_is_a_conflict_and_says_who_moved_it() -> None:
    one, two, three = (funnel(OPENED, each) for each in (PAID_FIRST, PAID_LAST, PAID))
    four = funnel(OPENED, PAID, days=7)
    story = told(
        [created(query=PLAIN)],
        [changed(PLAIN, one)],
        [changed(one, two)],
        [changed(two, funnel(OPENED_AT_HOME, PAID_LAST))],
    )
    taken = story.undo(2)
    path = "/series/1/custom_name"
    assert said(taken.conflicts) == [("changed", "query", path, '"First"', '"Last"', [3])]
    # As it was found is undone already, whatever else has changed.
    story = told([created(query=PLAIN)], [changed(PLAIN, one)], [changed(one, three)])
    assert story.undo(2).already
    story.append([changed(three, four)], story.past[0].operation_id)
    assert story.undo(2).already


def test_what_is_free_in_a_document_is_taken_back_beside_what_is_not() -> None:
    done, later = funnel(OPENED, PAID_FIRST, days=7), funnel(OPENED, PAID_LAST, days=7)
    story = told([created(query=PLAIN)], [changed(PLAIN, done)], [changed(done, later)])
    taken = story.undo(2)
    assert taken.facts == ()
    assert places(taken) == [("query", "/funnelsFilter/funnelWindowInterval")]
    back = funnel(OPENED, PAID_LAST)
    assert story.undo(2, only_free=True).facts == (changed(later, back),)


def test_a_list_on_the_way_that_has_other_steps_now_is_a_conflict() -> None:
    done, later = funnel(OPENED, PAID_FIRST), funnel(OPENED, OPENED, PAID_FIRST)
    story = told([created(query=PLAIN)], [changed(PLAIN, done)], [changed(done, later)])
    (conflict,) = said(story.undo(2).conflicts)
    assert (conflict[2], conflict[5]) == ("/series", [3])


def test_a_list_that_got_a_step_must_be_as_it_was_left() -> None:
    before, done = funnel(OPENED), funnel(OPENED, PAID)
    story = told([created(query=before)], [changed(before, done)])
    assert story.undo(2).facts == (changed(done, before),)
    later = funnel(OPENED, PAID_FIRST)
    story.append([changed(done, later)], story.past[0].operation_id)
    assert [conflict.path for conflict in story.undo(2).conflicts] == ["/series"]


def test_an_outcome_that_is_not_valid_is_a_conflict() -> None:
    query, sql = Raw(b'{"kind":"FunnelsQuery","series":[]}'), Raw(b'{"kind":"Nonsense"}')
    story = told([created(query=sql)], [changed(sql, query)], [InsightRenamed("b", None)])
    (conflict,) = story.undo(2).conflicts
    assert (conflict.code, conflict.path, conflict.changed_by) == ("not_valid", None, ())
    assert conflict.reason == "Unknown kind of query: Nonsense."
    assert story.undo(2).free == ()
    assert story.undo(2, only_free=True).facts == ()


def test_a_query_that_was_put_in_the_place_of_none_goes_again() -> None:
    story = told([created()], [changed(NULL, PLAIN)])
    assert story.undo(2).facts == (changed(PLAIN, NULL),)


def test_legacy_filters_go_back_by_the_same_rules() -> None:
    one = Raw(b'{"events":[{"id":"opened","order":0},{"id":"paid","order":1}]}')
    two = Raw(b'{"events":[{"id":"opened","order":0},{"id":"paid","order":1,"math":"dau"}]}')
    three = Raw(
        b'{"events":[{"id":"opened","order":0,"math":"dau"},{"id":"paid","order":1,"math":"dau"}]}'
    )
    back = Raw(b'{"events":[{"id":"opened","order":0,"math":"dau"},{"id":"paid","order":1}]}')
    story = told(
        [created(filters=one)],
        [InsightFiltersChanged(two, one)],
        [InsightFiltersChanged(three, two)],
    )
    assert story.undo(2).facts == (InsightFiltersChanged(back, three),)


def test_from_filters_to_query_is_one_operation_and_goes_back_as_one() -> None:
    filters = Raw(b'{"insight":"FUNNELS"}')
    story = told(
        [created(filters=filters)],
        [InsightFiltersChanged(EMPTY_OBJECT, filters), changed(NULL, PLAIN)],
    )
    assert story.undo(2).facts == (
        InsightFiltersChanged(filters, EMPTY_OBJECT),
        changed(PLAIN, NULL),
    )


def test_nothing_in_the_documents_of_a_deleted_insight_can_change() -> None:
    done = funnel(OPENED, PAID, days=7)
    story = told([created(query=PLAIN)], [changed(PLAIN, done)], By([InsightDeleted()]))
    path = "/funnelsFilter/funnelWindowInterval"
    assert said(story.undo(2).conflicts) == [("deleted", "query", path, "7", "7", [3])]
