"""The timeline as JSON."""

from datetime import datetime

import msgspec

from pasar.store_service.timeline.model import Entry


class EntryJson(msgspec.Struct, frozen=True):
    at: datetime
    kind: str
    text: str
    actor: str
    request_id: str

    @classmethod
    def of(cls, entry: Entry) -> "EntryJson":
        return cls(entry.at, entry.kind, entry.text, entry.actor, entry.request_id)
