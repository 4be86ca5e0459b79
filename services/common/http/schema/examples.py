"""An example of each body that the API takes, by the handler that takes it.

They are of the demo data set, so that "Try it out" shows numbers. A test sends every one of them to
a server and fails for a body without one.
"""

from collections.abc import Mapping
from typing import Any, Final

PROJECT_TOKEN: Final = "phc_…"  # noqa: S105 - what is to be replaced by the project's own
PASSWORD: Final = "correct horse battery staple"  # noqa: S105 - an example
ERASED_TEXT: Final = "ada@example.com"
OPERATION: Final = "53da7c1e-6f0a-4a57-9d0e-3b1c2f4a5d60"

Examples = Mapping[str, Any]
"""A body by what it is an example of."""

_EVENTS = [
    {"id": "$pageview", "order": 0},
    {"id": "signup form opened", "order": 1},
    {"id": "signed up", "order": 2},
]
_FILTER = {"events": _EVENTS, "date_from": "-30d"}
_SERIES = [{"kind": "EventsNode", "event": step["id"]} for step in _EVENTS]
_FUNNEL = {"kind": "FunnelsQuery", "series": _SERIES, "dateRange": {"date_from": "-30d"}}
_VISIT = _SERIES[0]
_VISITS = {"events": _EVENTS[:1], "date_from": "-7d"}
_INSIGHT_QUERY = {"kind": "InsightVizNode", "source": _FUNNEL}
_STEPS = [{"event": "$pageview", "url": "/pricing", "url_matching": "contains"}]
_COHORT = {
    "name": "Came by the newsletter",
    "filters": {
        "properties": {
            "type": "AND",
            "values": [
                {
                    "type": "AND",
                    "values": [
                        {
                            "type": "person",
                            "key": "signup_source",
                            "operator": "exact",
                            "value": ["newsletter"],
                        }
                    ],
                }
            ],
        }
    },
}
_EVENT = {
    "event": "purchase",
    "distinct_id": "ada",
    "timestamp": "2026-11-20T10:00:00Z",
    "properties": {"amount": 49},
}
_STARTING = {"token": PROJECT_TOKEN, "distinct_id": "ada"}

EXAMPLES: Final[Mapping[str, Examples]] = {
    "create_project": {"A project": {"name": "Staging", "timezone": "Europe/Berlin"}},
    "patch_project": {
        "Its own people, to be left out where a query asks for that": {
            "test_account_filters": [
                {
                    "key": "email",
                    "type": "person",
                    "operator": "not_icontains",
                    "value": "@recount.example",
                }
            ]
        },
        "Another name": {"name": "My project"},
    },
    "create_action": {"Whoever saw the prices": {"name": "Saw the prices", "steps": _STEPS}},
    "edit_action": {"Another name": {"name": "Looked at the prices"}},
    "create_bus_consumer": {
        "Every fact from the first one on": {"name": "Warehouse", "after": "0"},
        "What becomes of insights from now on": {
            "name": "Billing",
            "after": "now",
            "types": ["insight.*"],
        },
    },
    "edit_bus_consumer": {"Stopped where it is": {"paused": True}, "Anew": {"after": "0"}},
    "create_cohort": {
        "Whoever has a property": _COHORT,
        "A list of people": {
            "name": "Early ones",
            "is_static": True,
            "distinct_ids": ["visitor-0001", "visitor-0002"],
        },
    },
    "edit_cohort": {"Another name": {"name": "Newsletter"}},
    "create_dashboard": {"A dashboard": {"name": "Growth", "tags": ["weekly"]}},
    "edit_dashboard": {"Another name": {"name": "Growth, by week"}},
    "create_insight": {
        "A funnel": {"name": "Sign-ups", "query": _INSIGHT_QUERY},
        "A funnel as older clients write it": {
            "name": "Sign-ups",
            "filters": {"insight": "FUNNELS", **_FILTER},
        },
    },
    "patch_insight": {
        "Another name": {"name": "Visit to sign-up"},
        "Tags, and among the favourites": {"tags": ["growth"], "favorited": True},
        "Deleted": {"deleted": True},
        "Restored": {"deleted": False},
    },
    "put_insight": {"All of it": {"name": "Visit to sign-up", "query": _INSIGHT_QUERY}},
    "undo_in_insight": {"What the operation did to it": {"operation_id": OPERATION}},
    "undo_operation": {
        "All of it": {},
        "What nobody has changed since": {"only_free": True},
    },
    "undo_operations": {
        "All that the caller did in an hour": {
            "since": "2026-11-20T09:00:00Z",
            "until": "2026-11-20T10:00:00Z",
        }
    },
    "revert_insight": {
        "All of its first version": {"to": "v2"},
        "Its name alone": {"to": "v2", "fields": ["name"]},
    },
    "edit_in_bulk": {
        "A tag for two insights": {"ids": [1, 2], "set": {"add_tags": ["growth"]}, "partial": True}
    },
    "cancel_query": {"A run by the name its client gave it": {"client_query_id": "monday"}},
    "post_funnel": {
        "People who signed up": _FILTER,
        "By browser": {**_FILTER, "breakdown": "$browser", "breakdown_type": "event"},
        "By day": {**_FILTER, "funnel_viz_type": "trends", "interval": "day"},
    },
    "post_trend": {
        "Visits by day": _VISITS,
        "Visitors by browser, by week": {
            "events": [{**_EVENTS[0], "math": "dau"}],
            "date_from": "-60d",
            "interval": "week",
            "breakdown": "$browser",
            "breakdown_type": "event",
        },
    },
    "post_correlation": {
        "Events that go along with signing up": {**_FILTER, "funnel_correlation_type": "events"}
    },
    "view_several": {"Two insights": {"insight_ids": [1, 2]}},
    "put_access": {"Everyone may look": {"access_level": "viewer"}},
    "put_project_access": {"Everyone may edit": {"access_level": "editor"}},
    "patch_sharing": {
        "On": {"enabled": True},
        "On, for those with a password": {"enabled": True, "password_required": True},
    },
    "add_password": {
        "A password of one's own": {"raw_password": PASSWORD, "note": "For the board"}
    },
    "post_people": {
        "Those who signed up": {**_FILTER, "funnel_step": 3},
        "Those who opened the form and went": {**_FILTER, "funnel_step": -3},
    },
    "post_correlation_people": {
        "Those who signed up and made a project": {
            **_FILTER,
            "funnel_correlation_person_converted": True,
            "funnel_correlation_person_entity": {"id": "project created", "type": "events"},
        }
    },
    "post_explanation": {"One visitor": {**_FILTER, "date_from": "-60d", "person": "visitor-0001"}},
    "explain_point": {
        "The visits of one day that its visitors count by": {
            "source": {
                "kind": "TrendsQuery",
                "series": [{**_VISIT, "math": "dau"}],
                "dateRange": {"date_from": "2026-11-20", "date_to": "2026-11-22"},
            },
            "day": "2026-11-20",
        }
    },
    "post_trend_people": {
        "Visitors of one day": {**_VISITS, "date_from": "2026-11-20", "date_to": "2026-11-20"}
    },
    "post_stickiness_people": {"Those of two days": {**_VISITS, "stickiness_days": 2}},
    "post_lifecycle_people": {
        "New visitors of one day": {
            **_VISITS,
            "date_from": "2026-11-20",
            "target_date": "2026-11-20",
            "lifecycle_type": "new",
        }
    },
    "post_query": {
        "A funnel": {"query": _FUNNEL},
        "Computed again, in the background": {"query": _FUNNEL, "refresh": "force_async"},
        "Weekly active visitors, and the month before": {
            "query": {
                "kind": "TrendsQuery",
                "series": [{**_VISIT, "math": "weekly_active"}],
                "dateRange": {"date_from": "-30d"},
                "compareFilter": {"compare": True},
            }
        },
        "On how many days of a week visitors came": {
            "query": {"kind": "StickinessQuery", "series": [_VISIT]}
        },
        "Who is new, and who came back": {"query": {"kind": "LifecycleQuery", "series": [_VISIT]}},
        "The people behind a step": {
            "query": {"kind": "FunnelsActorsQuery", "source": _FUNNEL, "funnelStep": 3}
        },
    },
    "create_webhook": {
        "What happens to insights, from now on": {
            "url": "https://example.com/recount",
            "types": ["insight.*"],
        }
    },
    "edit_webhook": {"One insight alone": {"insights": [1]}},
    "replay_webhook": {"From the first one on": {"after": "0"}},
    "request_erasure": {
        "An address, wherever it was written": {"text": ERASED_TEXT, "reason": "Asked by letter."}
    },
    "place_hold": {"All that is of one insight": {"reason": "A lawsuit.", "insights": [900]}},
    "capture": {"A batch": {"api_key": PROJECT_TOKEN, "batch": [_EVENT]}},
    "capture_v1": {
        "A batch": {
            "created_at": "2026-11-20T10:00:01Z",
            "batch": [{**_EVENT, "uuid": "0193483a-0e4c-7b6a-9d4e-2f6c1f6d6a10"}],
        }
    },
    "flags": {"At the start of a page": _STARTING},
    "recordings": {"A recording": {"api_key": PROJECT_TOKEN, "event": "$snapshot"}},
    "unlock": {"The password": {"password": PASSWORD}},
}
