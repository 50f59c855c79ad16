"""Label selectors as a command line has them."""

from __future__ import annotations

import pytest

from boathook.backup.model import Operator, Requirement
from boathook.backup.selector import parse_selector
from boathook.errors import UsageError


@pytest.mark.behaviour("backup:114")
def test_selectors_are_read_as_kubectl_reads_them() -> None:
    assert parse_selector("app=db, tier!=web,env in (a, b),!old,kept") == (
        Requirement(key="app", operator=Operator.IN, values=("db",)),
        Requirement(key="tier", operator=Operator.NOT_IN, values=("web",)),
        Requirement(key="env", operator=Operator.IN, values=("a", "b")),
        Requirement(key="old", operator=Operator.DOES_NOT_EXIST, values=()),
        Requirement(key="kept", operator=Operator.EXISTS, values=()),
    )
    with pytest.raises(UsageError, match='cannot read "app in"'):
        parse_selector("app in")
