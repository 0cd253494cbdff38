"""A promise of silence holds strictly inside its bounds, and two hold where both do."""

from __future__ import annotations

from leverd.domain.quiet import Band, Quiet


def test_a_bound_itself_is_outside():
    band = Band(above=3, below=6)

    assert [band.contains(value) for value in (3, 4, 5, 6)] == [False, True, True, False]
    assert Band(above=3).contains(10**30)
    assert Band(below=6).contains(-(10**30))
    assert Band().contains(0)


def test_two_bands_leave_what_lies_in_both():
    assert Band(3, 9).both(Band(5, None)) == Band(5, 9)
    assert Band(None, 9).both(Band(5, 7)) == Band(5, 7)
    assert Band().both(Band()) == Band()


def test_two_promises_are_kept_bound_by_bound():
    one = Quiet(Band(1, 9), Band(2, 9), Band(3, 9), Band(4, 9))
    other = Quiet(Band(0, 5), Band(0, 6), Band(0, 7), Band(0, 8))

    assert one.both(other) == Quiet(Band(1, 5), Band(2, 6), Band(3, 7), Band(4, 8))
