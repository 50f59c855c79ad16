"""What a hook writes: kept with a bound, head and tail, each stream apart, and told while it runs.

Chunks are only copied; bytes become text once at the end, and as far as they are told live, so a flood costs little.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable

from boathook.model import Output, Stream

HEAD_BYTES = 32 * 1024
TAIL_BYTES = 32 * 1024
"""Together the 64 KiB that are kept of a stream."""
LIVE_BYTES = HEAD_BYTES + TAIL_BYTES
"""What is told of a stream while the hook runs, so that a flood does not swell the journal."""
LINE_CHARACTERS = 4 * 1024
"""A line that is longer is told in pieces."""

Tell = Callable[[Stream, str], None]


class Capture:
    """Keeps the first and the last bytes of a stream and counts the rest."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self._total = 0

    def feed(self, chunk: bytes) -> None:
        """Take what was written; memory stays bounded whatever comes."""
        self._total += len(chunk)
        room = HEAD_BYTES - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        self._tail += chunk[-TAIL_BYTES:]
        if len(self._tail) > 2 * TAIL_BYTES:
            del self._tail[:-TAIL_BYTES]

    def output(self) -> Output:
        """What is kept so far, as text. Bytes that are no UTF-8 become replacement characters."""
        if self._total <= HEAD_BYTES + TAIL_BYTES:
            text = bytes(self._head + self._tail).decode("utf-8", "replace")
            return Output(text=text, total_bytes=self._total, omitted_bytes=0)
        head = bytes(self._head[: _whole_characters(self._head)])
        tail = bytes(self._tail[-TAIL_BYTES:])
        tail = tail[_continuation_bytes(tail) :]
        omitted = self._total - len(head) - len(tail)
        text = head.decode("utf-8", "replace")
        if not text.endswith("\n"):
            text += "\n"
        text += f"… {omitted:,} bytes left out …\n" + tail.decode("utf-8", "replace")
        return Output(text=text, total_bytes=self._total, omitted_bytes=omitted)


def _whole_characters(data: bytearray) -> int:
    """How many of the bytes are left when a character that is cut off at the end is dropped."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        length = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return len(data) - back if length > back else len(data)
    return len(data)


def _continuation_bytes(data: bytes) -> int:
    """How many bytes at the beginning belong to a character that began before; at most three can."""
    count = 0
    while count < min(3, len(data)) and data[count] & 0xC0 == 0x80:
        count += 1
    return count


class LiveText:
    """Tells a stream's text in whole lines while it comes, up to ``LIVE_BYTES``, and then says that it stops."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending = ""
        self._left = LIVE_BYTES
        self._open = True

    def feed(self, chunk: bytes) -> None:
        """Tell the whole lines that are complete now."""
        if not self._open:
            return
        told, self._left = chunk[: self._left], self._left - len(chunk)
        text = self._pending + self._decoder.decode(told)
        whole = text.rfind("\n") + 1
        if len(text) - whole > LINE_CHARACTERS:
            whole = len(text)
        self._pending = text[whole:]
        if whole:
            self._tell(text[:whole])
        if self._left < 0:
            self._open = False
            if self._pending:
                self._tell(self._pending + "\n")
            self._tell(f"… more than {LIVE_BYTES // 1024} KiB: the rest is not shown while it runs …\n")

    def close(self) -> None:
        """Tell what is left: a last line without its end."""
        if self._open:
            self._open = False
            if rest := self._pending + self._decoder.decode(b"", final=True):
                self._tell(rest)


class HookCapture:
    """Both streams of one run of a hook. ``sink`` is what the process writes into; nothing counts after ``close``."""

    def __init__(self, tell: Tell) -> None:
        self._kept = {stream: Capture() for stream in Stream}
        self._live = {stream: LiveText(_telling(tell, stream)) for stream in Stream}
        self._open = True

    def sink(self, stream: Stream, chunk: bytes) -> None:
        if self._open:
            self._kept[stream].feed(chunk)
            self._live[stream].feed(chunk)

    def close(self) -> tuple[Output, Output]:
        """Stop listening; stdout and stderr as they are kept."""
        if self._open:
            self._open = False
            for live in self._live.values():
                live.close()
        return self._kept[Stream.STDOUT].output(), self._kept[Stream.STDERR].output()


def _telling(tell: Tell, stream: Stream) -> Callable[[str], None]:
    return lambda text: tell(stream, text)
