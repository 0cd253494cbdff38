"""Whose fault it is when a copy of a chain fails, told without asking anybody."""

from __future__ import annotations

from typing import Any

import pytest

from leverd.devnet import fork
from leverd.errors import LeverdError, RefusedError, RevertedError, UnreachableError


class Copy:
    """A copy's node, as far as the explanation looks at it."""

    def __init__(self, *, alive: bool = True, words: str = "") -> None:
        self.alive, self.last_words = lambda: alive, lambda: words


def told(copy: Any, error: LeverdError) -> LeverdError:
    with (
        pytest.raises(LeverdError) as caught,
        fork._explained(copy, "node.example", 14),
    ):
        raise error
    return caught.value


SILENT = UnreachableError("no answer from 127.0.0.1", number=1)


def test_a_crash_is_told_in_the_copys_own_words():
    found = told(Copy(alive=False, words="BlockOutOfRange"), SILENT)
    assert str(found).startswith("LVD-NET-046: the copy from block 14 failed: BlockOutOfRange")
    assert "no answer from" in told(Copy(alive=False), SILENT).message, "or in those of the error"


def test_what_the_copied_node_would_not_tell_is_its_fault():
    found = told(Copy(), RefusedError("other", "eth_getCode: server returned an error response"))
    assert (found.code, found.place) == ("LVD-NET-046", "node.example")
    assert "--rpc" in found.remedy


@pytest.mark.parametrize("error", [SILENT, RevertedError("health too low", number=1)])
def test_what_else_goes_wrong_on_a_copy_is_told_as_it_is(error):
    assert told(Copy(), error) is error
