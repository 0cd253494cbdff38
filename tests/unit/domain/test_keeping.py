import gc
import weakref
from dataclasses import dataclass

import pytest

from leverd.domain.keeping import kept


@dataclass(frozen=True)
class Picture:
    value: int


def measured(size):
    asked = []

    @kept(size)
    def measure(picture, factor):
        asked.append(picture)
        if picture.value < 0:
            raise ValueError("negative")
        return picture.value * factor

    return measure, asked


def test_the_same_picture_is_measured_once_and_an_equal_one_anew():
    measure, asked = measured(8)
    one, other = Picture(7), Picture(7)
    assert [measure(one, 2), measure(one, 2), measure(other, 2), measure(one, 3)] == [
        14,
        14,
        14,
        21,
    ]
    assert [id(each) for each in asked] == [id(one), id(other), id(one)]


def test_what_is_asked_by_keyword_is_measured_each_time():
    measure, asked = measured(8)
    picture = Picture(7)
    assert measure(picture, factor=2) == 14
    assert measure(picture, factor=3) == 21
    assert len(asked) == 2


def test_an_error_is_not_kept():
    measure, asked = measured(8)
    picture = Picture(-1)
    for _ in range(2):
        with pytest.raises(ValueError, match="negative"):
            measure(picture, 1)
    assert len(asked) == 2


def test_no_more_is_held_than_asked_for():
    @kept(4)
    def measure(picture):
        return picture.value

    pictures = [Picture(each) for each in range(9)]
    held = [weakref.ref(each) for each in pictures]
    for each in pictures:
        assert measure(each) == each.value
    del pictures, each
    gc.collect()
    assert sum(each() is not None for each in held) <= 4
