"""Laws of taking document changes back, over documents and changes of every shape."""

import copy
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.history.documents import Reversal, differ_at, reverse, same_document
from tests.domain.undo.test_documents import doc

values = st.sampled_from([None, True, 0, 1, 2.5, "a", {}, [], {"x": 1}, [1, 2]])
members = st.sampled_from(["a", "b", "series", "properties"])
elements = st.fixed_dictionaries(
    {"kind": st.just("EventsNode"), "event": st.sampled_from(["opened", "paid", "refund"])},
    optional={
        "name": st.sampled_from(["x", "y"]),
        "properties": st.lists(
            st.fixed_dictionaries(
                {"key": st.sampled_from(["plan", "$os"]), "value": st.sampled_from(["a", "b"])}
            ),
            max_size=2,
        ),
    },
)
documents = st.fixed_dictionaries(
    {"kind": st.sampled_from(["FunnelsQuery", "TrendsQuery"])},
    optional={
        "series": st.lists(elements, max_size=4),
        "funnelsFilter": st.fixed_dictionaries(
            {}, optional={"exclusions": st.lists(elements, max_size=2), "a": values}
        ),
        "a": values,
        "b": values,
    },
)


@st.composite
def changed(draw: st.DrawFn, document: Any) -> Any:
    """The document after one small change somewhere in it."""
    made = copy.deepcopy(document)
    here = made
    while True:
        inner = list(here.values()) if isinstance(here, dict) else here
        deeper = [each for each in inner if isinstance(each, dict | list) and each]
        if not deeper or draw(st.integers(0, 2)) == 0:
            break
        here = draw(st.sampled_from(deeper))
    if isinstance(here, dict):
        key = draw(st.sampled_from(sorted(here)) | members if here else members)
        if key in here and draw(st.booleans()):
            del here[key]
        else:
            here[key] = draw(values)
    else:
        index = draw(st.integers(0, len(here)))
        match draw(st.sampled_from(["put", "take", "swap", "become"])):
            case "take" if index < len(here):
                del here[index]
            case "swap" if index:
                here[0], here[index - 1] = here[index - 1], here[0]
            case "become" if index < len(here):
                here[index] = draw(elements | values)
            case _:
                here.insert(index, draw(elements))
    return made


@st.composite
def histories(draw: st.DrawFn) -> list[Any]:
    """What stood before an operation, what it left, and each document since."""
    story = [draw(documents)]
    story.append(draw(changed(draw(changed(story[0])) if draw(st.booleans()) else story[0])))
    for _ in range(draw(st.integers(0, 4))):
        # Undone by hand, now and then.
        known = draw(st.sampled_from(story)) if draw(st.integers(0, 7)) == 0 else story[-1]
        story.append(draw(changed(known)))
    return story


def check_history(story: list[Any]) -> None:
    """As it is without the operation: the later patches on what stood before it.

    Where what the operation left has changed in between and is back, nobody can tell.
    """
    found, left, *since = story
    assume(not same_document(doc(found), doc(left)))
    reversals = [reversal(found, left, now) for now in since]
    assume(all(verdicts(each) == {"free"} for each in reversals))
    without = copy.deepcopy(found)
    for before, after in pairwise([left, *since]):
        if not same_document(doc(before), doc(after)):
            without = patched(without, before, after)
    assert same_document(reversal(found, left, story[-1]).document, doc(without))


def patched(document: Any, before: Any, after: Any) -> Any:
    """The document with what happened between two others: members by name, elements by index, a
    list of another length as a whole. It must be there to be changed.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        made = dict(document)
        for key in dict.fromkeys((*before, *after)):
            if key not in after:
                del made[key]
            elif key not in before:
                assert key not in made
                made[key] = after[key]
            elif not same_document(doc(before[key]), doc(after[key])):
                made[key] = patched(made[key], before[key], after[key])
        return made
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        assert len(document) == len(before)
        return [
            now if same_document(doc(one), doc(other)) else patched(now, one, other)
            for now, one, other in zip(document, before, after, strict=True)
        ]
    return after


@settings(deadline=None)
@given(histories())
def test_an_undone_change_leaves_what_the_history_without_it_leaves(story: list[Any]) -> None:
    check_history(story)


@pytest.mark.fuzz
@settings(max_examples=10_000, deadline=None)
@given(histories())
def test_an_undone_change_leaves_the_history_without_it_at_length(story: list[Any]) -> None:
    check_history(story)


@settings(deadline=None)
@given(histories())
def test_undoing_an_undo_restores_and_undoing_twice_does_nothing(story: list[Any]) -> None:
    found, left, now = story[0], story[1], story[-1]
    undone = reversal(found, left, now)
    again = reverse(doc(now), undone.document, undone.document)
    assert same_document(again.document, doc(now))
    assume("conflict" not in verdicts(undone))
    twice = reverse(doc(found), doc(left), undone.document)
    assert verdicts(twice) <= {"already"}
    assert twice.document is undone.document


@settings(deadline=None)
@given(histories())
def test_what_is_in_conflict_or_untouched_stays_as_it_is(story: list[Any]) -> None:
    found, left, now = story[0], story[1], story[-1]
    undone = reversal(found, left, now)
    for place in undone.places:
        moved = differ_at(place.path, doc(now), undone.document)
        assert moved == (place.verdict == "free")
    if "free" not in verdicts(undone):
        assert same_document(undone.document, doc(now))


@settings(deadline=None)
@given(histories())
def test_the_order_of_keys_makes_no_difference(story: list[Any]) -> None:
    found, left, now = story[0], story[1], story[-1]
    one, other = reversal(found, left, now), reversal(found, turned(left), turned(now))
    assert same_document(one.document, other.document)
    assert {(each.path, each.verdict) for each in one.places} == {
        (each.path, each.verdict) for each in other.places
    }


def turned(value: Any) -> Any:
    """With its keys the other way round."""
    if isinstance(value, dict):
        return {key: turned(each) for key, each in reversed(value.items())}
    return [turned(each) for each in value] if isinstance(value, list) else value


def test_documents_are_walked_as_deep_as_bodies_may_be() -> None:
    def deep(leaf: Any) -> Any:
        for _ in range(49):
            leaf = {"values": [leaf]}
        return leaf

    found, left = (deep({"event": "x", "v": each}) for each in (1, 2))
    document = reversal(found, left, deep({"event": "x", "v": 2, "w": 3})).document
    assert msgspec.json.decode(document) == deep({"event": "x", "v": 1, "w": 3})


def reversal(found: Any, left: Any, now: Any) -> Reversal:
    return reverse(doc(found), doc(left), doc(now))


def verdicts(undone: Reversal) -> set[str]:
    return {place.verdict for place in undone.places}
