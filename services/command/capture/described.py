"""Descriptions of the capture doors for the OpenAPI document."""

from typing import Any, Final

from contracts.api.capture import (
    Captured,
    CaptureRequest,
    CaptureV1Answer,
    CaptureV1Problem,
    CaptureV1Request,
)
from services.common.http.operations import (
    AnswerDescription,
    Described,
    JsonText,
    Parameter,
    RouteDescription,
    described,
)

_POSITION: Final = ("Ingest-Position",)

CAPTURES: Final = described(
    RouteDescription(
        answers={
            200: AnswerDescription(kind=Captured, headers=_POSITION),
            204: AnswerDescription(headers=_POSITION),
        },
        body=CaptureRequest,
        parameters=(
            Parameter(name="data", description="The payload, of pixels.", kind=JsonText),
            Parameter(name="compression", description="gzip, lz64 or base64."),
            Parameter(name="beacon", description="1: the answer is a 204."),
        ),
        errors=(401, 503),
    )
)
CAPTURES_V1: Final = described(
    RouteDescription(
        answers={
            200: AnswerDescription(kind=CaptureV1Answer, headers=_POSITION),
            **{
                status: AnswerDescription(kind=CaptureV1Problem)
                for status in (400, 401, 413, 415, 503)
            },
        },
        body=CaptureV1Request,
        body_required=True,
        parameters=tuple(
            Parameter(
                name=name,
                location="header",
                description=description,
                required=True,
                example=example,
            )
            for name, description, example in (
                ("PostHog-Sdk-Info", "`name/version`.", "by-hand/1"),
                ("PostHog-Attempt", "From 1.", "1"),
                (
                    "PostHog-Request-Id",
                    "A UUID, kept on retries.",
                    "0193483a-0e4c-7b6a-9d4e-2f6c1f6d6a11",
                ),
                (
                    "PostHog-Request-Timestamp",
                    "RFC 3339: the sender's clock.",
                    "2026-11-20T10:00:02Z",
                ),
            )
        ),
        project_token=True,
    )
)


def starts(*, body: Any = None) -> Described:
    """A route that SDKs ask at their start: an object of defaults."""
    return described(
        RouteDescription(
            answers={200: AnswerDescription(kind=dict[str, Any])}, body=body, errors=(400, 413)
        )
    )


NOTHING: Final = described(
    RouteDescription(
        answers={200: AnswerDescription(kind=str, media_type="text/javascript")}, errors=(404,)
    )
)
