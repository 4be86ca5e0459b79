"""Sharing on the wire; members beyond the first four are additions that clients tolerate."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from contracts.api.text import Note
from contracts.api.times import Time, written
from contracts.json import NULL, ObjectOrNull
from contracts.read_models.sharing import SharingRow


class WriteSharing(msgspec.Struct, frozen=True, kw_only=True):
    """Body of PATCH insights/:id/sharing/. UNSET: not sent."""

    enabled: bool | UnsetType = UNSET
    settings: ObjectOrNull | UnsetType = UNSET
    password_required: bool | UnsetType = UNSET


class AddPassword(msgspec.Struct, frozen=True, kw_only=True):
    """Body of POST insights/:id/sharing/passwords/. raw_password: None: one is made."""

    raw_password: Annotated[str, Meta(max_length=128)] | None = None
    note: Note | None = None


class SharePasswordBody(msgspec.Struct, frozen=True, kw_only=True):
    """One password of a share, never its text."""

    id: int
    created_at: Time
    note: str | None
    created_by_email: str | None
    is_active: bool = True


class AddedPasswordBody(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to adding one. password: shown this once; of a repeat under its
    Idempotency-Key None, unless the request brought it."""

    id: int
    password: str | None
    created_at: Time
    note: str | None
    created_by_email: str | None


class SharingBody(msgspec.Struct, frozen=True, kw_only=True):
    """An insight's sharing configuration; before the first switching on it is the defaults."""

    created_at: Time | None = None
    enabled: bool = False
    access_token: str | None = None
    settings: ObjectOrNull
    password_required: bool = False
    share_passwords: tuple[SharePasswordBody, ...] = ()

    @classmethod
    def of(
        cls, row: SharingRow | None, access_token: str | None, emails: Mapping[int, str]
    ) -> "SharingBody":
        """emails: of the users who made the passwords, as far as they are known."""
        if row is None:
            return cls(settings=NULL)
        return cls(
            created_at=written(row.created_at),
            enabled=row.enabled,
            access_token=access_token,
            settings=row.settings,
            password_required=row.password_required,
            share_passwords=tuple(
                SharePasswordBody(
                    id=password.id,
                    created_at=written(password.created_at),
                    note=password.note,
                    created_by_email=emails.get(password.created_by or 0),
                )
                for password in row.passwords
            ),
        )
