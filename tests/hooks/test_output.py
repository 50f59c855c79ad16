"""What a hook writes is kept with a bound, never splits a character, and is told line by line while it runs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from boathook.hooks.output import HEAD_BYTES, LIVE_BYTES, TAIL_BYTES, Capture, HookCapture, LiveText
from boathook.model import Output, Stream

BOUND = HEAD_BYTES + TAIL_BYTES


def captured(*chunks: bytes) -> Output:
    capture = Capture()
    for chunk in chunks:
        capture.feed(chunk)
    return capture.output()


def told(*chunks: bytes) -> list[str]:
    texts: list[str] = []
    live = LiveText(texts.append)
    for chunk in chunks:
        live.feed(chunk)
    live.close()
    return texts


def test_up_to_64_kib_everything_is_kept() -> None:
    output = captured(b"x" * BOUND)

    assert output == Output(text="x" * BOUND, total_bytes=BOUND, omitted_bytes=0)
    assert not output.truncated


def test_one_byte_more_and_what_was_left_out_is_said_in_the_middle() -> None:
    output = captured(b"a" * HEAD_BYTES, b"?", b"z" * TAIL_BYTES)

    assert output.text == "a" * HEAD_BYTES + "\n… 1 bytes left out …\n" + "z" * TAIL_BYTES
    assert (output.total_bytes, output.omitted_bytes) == (BOUND + 1, 1)


def test_of_a_flood_the_first_and_the_last_lines_stay() -> None:
    block = b"0123456789abcde\n" * 4096

    output = captured(b"first\n", *[block] * 1600, b"last\n")

    assert output.text.startswith("first\n")
    assert output.text.endswith("last\n")
    assert "… 104,792,075 bytes left out …" in output.text
    assert len(output.text) < BOUND + 100


def test_the_cut_never_splits_a_character() -> None:
    output = captured("ä€𝄞".encode() * 20_000)

    assert "\ufffd" not in output.text


def test_bytes_that_are_no_text_become_replacement_characters() -> None:
    assert captured(b"ok \xff\xfe end").text == "ok \ufffd\ufffd end"


@given(st.lists(st.binary(max_size=40_000), max_size=8))
def test_every_byte_is_either_kept_or_counted(chunks: list[bytes]) -> None:
    whole = b"".join(chunks)

    output = captured(*chunks)

    assert output.total_bytes == len(whole)
    assert output.truncated == (len(whole) > BOUND)
    if not output.truncated:
        assert output.text == whole.decode("utf-8", "replace")


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300), st.integers(1, 7))
def test_live_text_is_whole_however_it_is_chunked(text: str, size: int) -> None:
    data = text.encode()

    texts = told(*(data[start : start + size] for start in range(0, len(data), size)))

    assert "".join(texts) == text
    assert all(one.endswith("\n") for one in texts[:-1])


def test_live_text_stops_after_64_kib_and_says_so() -> None:
    texts = told(*[b"line\n" * 2000] * 50)

    assert sum(len(text) for text in texts) < LIVE_BYTES + 200
    assert texts[-1] == "… more than 64 KiB: the rest is not shown while it runs …\n"


def test_a_line_without_end_is_told_in_pieces() -> None:
    assert len(told(*[b"." * 1000] * 20)) > 3


def test_the_two_streams_are_kept_apart_and_nothing_counts_after_the_end() -> None:
    heard: list[tuple[Stream, str]] = []
    capture = HookCapture(lambda stream, text: heard.append((stream, text)))

    capture.sink(Stream.STDOUT, b"out\n")
    capture.sink(Stream.STDERR, b"err\n")
    capture.close()
    capture.sink(Stream.STDOUT, b"late\n")
    stdout, stderr = capture.close()

    assert heard == [(Stream.STDOUT, "out\n"), (Stream.STDERR, "err\n")]
    assert (stdout.text, stderr.text) == ("out\n", "err\n")
