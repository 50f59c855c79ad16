from __future__ import annotations

import pytest

from boathook.images.challenge import Challenge, parse_challenges


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", ()),
        ('Basic realm="x"', (Challenge(scheme="basic", parameters={"realm": "x"}),)),
        (
            'Bearer realm="https://a/token?x=1,2",service=s,scope="repository:a:pull,push"',
            (
                Challenge(
                    scheme="bearer",
                    parameters={"realm": "https://a/token?x=1,2", "service": "s", "scope": "repository:a:pull,push"},
                ),
            ),
        ),
        (
            'Negotiate, Basic realm="a \\"b\\"", Bearer Realm=c',
            (
                Challenge(scheme="negotiate", parameters={}),
                Challenge(scheme="basic", parameters={"realm": 'a "b"'}),
                Challenge(scheme="bearer", parameters={"realm": "c"}),
            ),
        ),
        ('Bearer realm="unclosed', (Challenge(scheme="bearer", parameters={}),)),
    ],
)
def test_challenges_are_read(header: str, expected: tuple[Challenge, ...]) -> None:
    assert parse_challenges(header) == expected
