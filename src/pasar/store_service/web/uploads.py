"""
The one file of a multipart form, read from the client as it arrives and never beyond its limits.

Whether the file is a picture is asked later, by `kit/pictures.py`.
"""

from collections.abc import AsyncIterator
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.types import Receive, Scope

from pasar.kit.errors import Invalid, Unavailable
from pasar.kit.pictures import Upload
from pasar.store_service.web.parse import ClientGone

FORMS_AT_ONCE: Final = 16
"""Per process, as each may hold a whole file in memory; more are answered 503."""

_MAX_HEADER_BYTES: Final = 8192  # of one part: file names of 4 kB are odd, not wrong


class Uploads:
    """
    Reads forms whose file has at most `max_size` bytes; `form_extra` is for all around it.

    Bytes are counted as they come: a Content-Length is the client's own story (reliability H36).
    """

    def __init__(self, *, max_size: int, form_extra: int, max_parts: int) -> None:
        self._max_size = max_size
        self._max_body = max_size + form_extra
        self._max_parts = max_parts
        self._room = FORMS_AT_ONCE

    async def read(self, scope: Scope, receive: Receive, part: str) -> Upload:
        """
        Return the first file of the form that is named `part`; a text of that name is none.

        Raises:
            Invalid: no form, a broken one, or one without the file; a file or form too large; too
                many parts.
            ClientGone: the client left before its form was whole.
            Unavailable: too many forms are being read.
        """
        if self._room == 0:
            raise Unavailable
        self._room -= 1
        try:
            return await self._read(scope, receive, part)
        except FormParserError:
            raise missing(part) from None
        finally:
            self._room += 1

    async def _read(self, scope: Scope, receive: Receive, part: str) -> Upload:
        kind, options = parse_options_header(_content_type(scope))
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise missing(part)
        form = _Form(options[b"boundary"], part, self._max_size, self._max_parts)
        left = self._max_body
        try:
            async for chunk in _chunks(receive):
                left -= len(chunk)
                if left < 0:
                    raise too_large(self._max_size)
                form.feed(chunk)
        finally:
            form.close()
        if form.file is None or not form.whole:
            raise missing(part)
        return form.file


class _Form:
    """A form as it is parsed: `file` is the wanted one once it is there, other parts are let go."""

    def __init__(self, boundary: bytes, part: str, max_size: int, max_parts: int) -> None:
        self.file: Upload | None = None
        self.whole = False
        self._part = part.encode()
        self._max_size = max_size
        self._parts_left = max_parts
        self._header = (bytearray(), bytearray())
        self._filename = ""
        self._content: bytearray | None = None  # None while a part is read that is not wanted
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                "on_header_end": self._judge_header,
                "on_part_data": self._take,
                "on_part_end": self._end,
                "on_end": self._complete,
            },
            max_header_size=_MAX_HEADER_BYTES,
        )

    def feed(self, chunk: bytes) -> None:
        """Parse on. Raises Invalid, FormParserError."""
        self._parser.write(chunk)

    def close(self) -> None:
        """Part form and parser: as a circle they would keep the file until the next collection."""
        self._parser.callbacks = {}

    def _begin(self) -> None:
        self._parts_left -= 1
        if self._parts_left < 0:
            raise Invalid("invalid request body")

    def _judge_header(self) -> None:
        field, value = (bytes(each) for each in self._header)
        self._header = (bytearray(), bytearray())
        if field.lower() != b"content-disposition" or self.file is not None:
            return
        _, options = parse_options_header(value)
        filename = options.get(b"filename", b"")
        if options.get(b"name") == self._part and filename:
            self._filename = filename.decode("utf-8", "replace")
            self._content = bytearray()

    def _take(self, data: bytes, start: int, end: int) -> None:
        if self._content is None:
            return
        self._content += memoryview(data)[start:end]
        if len(self._content) > self._max_size:
            raise too_large(self._max_size)

    def _end(self) -> None:
        if self._content is not None:
            self.file = Upload(self._filename, bytes(self._content))
            self._content = None

    def _complete(self) -> None:
        self.whole = True


def missing(part: str) -> Invalid:
    return Invalid(f"{part} file is required")


def too_large(max_size: int) -> Invalid:
    return Invalid(f"file size exceeds maximum allowed size of {max_size} bytes")


def _content_type(scope: Scope) -> bytes:
    value: bytes = dict[bytes, bytes](scope["headers"]).get(b"content-type", b"")
    return value


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        yield message.get("body", b"")
        more = message.get("more_body", False)
