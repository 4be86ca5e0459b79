"""success_people_url and failure_people_url: of each name that a correlation tells of."""

import secrets
from collections.abc import Sequence
from typing import Any, assert_never

import msgspec
from msgspec import UNSET

from contracts.api.correlation import Correlated, CorrelationEvent, CorrelationResults
from contracts.queries.legacy_actors import CorrelationType
from services.common.http.request import AnyRequest
from services.query.insights.funnels.correlation.question import AUTOCAPTURE, CHAIN, DIVIDER, JOINT
from services.query.insights.funnels.links import CORRELATION_FILTERS, Filters, absolute, kept


class CorrelationLinks:
    def __init__(
        self,
        request: AnyRequest,
        team_id: int,
        filters: Filters,
        type: CorrelationType,
        *,
        of_group: int | None = None,
    ) -> None:
        """of_group: the type of the groups that are counted in place of persons."""
        self._request = request
        self._path = f"/api/projects/{team_id}/persons/funnel/correlation/"
        self._filters = kept(filters, CORRELATION_FILTERS)
        self._type = type
        self._of_group = of_group

    def added(self, results: CorrelationResults) -> CorrelationResults:
        return msgspec.structs.replace(
            results, events=[self._linked(one, secrets.token_hex(4)) for one in results.events]
        )

    def _linked(self, one: Correlated, key: str) -> Correlated:
        pointed = {**self._filters, **self._pointing(one.event)}

        def url(converted: str) -> str:
            parameters = {
                **pointed,
                "funnel_correlation_person_converted": converted,
                "cache_invalidation_key": key,
            }
            return absolute(self._request, self._path, parameters)

        return msgspec.structs.replace(
            one, success_people_url=url("true"), failure_people_url=url("false")
        )

    def _pointing(self, of: CorrelationEvent) -> dict[str, Any]:
        match self._type:
            case "events":
                return _entity(of.event, [])
            case "event_with_properties":
                event, key, value = _parts(of, 3)
                if (event, key) != (AUTOCAPTURE, CHAIN):
                    return _entity(event, [_equals("event", key, value)])
                clicked, _, chain = value.partition(DIVIDER)
                filters = [("$event_type", clicked), ("$elements_chain", chain)]
                return _entity(event, [_equals("event", *filter_) for filter_ in filters])
            case "properties":
                key, value = _parts(of, 2)
                filter_ = _equals("person", key, value)
                if self._of_group is not None:
                    filter_ |= {"type": "group", "group_type_index": self._of_group}
                return {"funnel_correlation_property_values": [filter_]}
            case _:
                assert_never(self._type)


def _parts(of: CorrelationEvent, count: int) -> Sequence[str]:
    return of.event.split(JOINT, count - 1) if of.parts is UNSET else of.parts


def _entity(event: str, filters: list[dict[str, Any]]) -> dict[str, Any]:
    entity: dict[str, Any] = {"id": event, "type": "events"}
    if filters:
        entity["properties"] = filters
    return {"funnel_correlation_person_entity": entity}


def _equals(type: str, key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": value, "type": type, "operator": "exact"}
