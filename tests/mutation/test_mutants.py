"""Mutants are slips in code that matters; each is planted alone, and only in a fork."""

from __future__ import annotations

import ast
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from tests.mutation import operators, planting, sample, spared
from tests.mutation.mutants import Mutant, of_room, spoilt_code
from tests.mutation.trial import in_fork

from leverd.domain import fixed_point
from leverd.domain.plan import PlanCost
from leverd.domain.view import View
from leverd.risk import past_moves

DOMAIN = of_room("domain")
RISK = of_room("risk")


def slips(source: str) -> set[str]:
    """Return every spoilt form of the parts of one line of code."""
    tree = ast.parse(source)
    known = frozenset({"mul_up", "mul_down", "ROUND_UP", "ROUND_DOWN"})
    found: set[str] = set()
    left: list[ast.AST] = [tree]
    while left:
        for _, child in spared.children(left.pop()):
            left.append(child)
            found |= {ast.unparse(each.instead) for each in operators.changes(child, known)}
    return found


@pytest.mark.parametrize(
    ("source", "spoilt"),
    [
        ("a + b", {"a - b"}),
        ("a <= b < c", {"a < b < c", "a <= b <= c"}),
        ("not a or b", {"not a and b", "a"}),
        ("f(7)", {"pass", "8"}),
        ("x = f(a, b=c)", {"f(a)"}),
        ("x = Decimal('0.25')", {"'0.50'"}),
        ("x = 'code'", {"'codeX'"}),
        ("x = mul_up(a)", {"mul_down"}),
        ("x = min(a)", {"max"}),
        ("x = floor_down(a)", set()),  # there is no floor_up here
        ("while a:\n break", {"while not a:\n    break", "continue"}),
        ("x = b if a else c", {"b if not a else c"}),
        ("raise E(a)", {"pass"}),
        ("refuse(R.a, f'{a + b}')", {"pass"}),
    ],
)
def test_a_slip_is_one_that_a_person_might_make(source, spoilt):
    assert slips(source) == spoilt


@pytest.mark.parametrize(
    "source",
    [
        "assert a < b, 'c'",
        "'what a docstring says'",
        "logger.info('a {}', a + b)",
        "assert_never(a)",
        "x: dict[str, 3]",
        "def f(a: 'b') -> 'c': d",
        "x: TypeAlias = a | b",
        "__all__ = ['a']",
        "x = 'words for people'",
        "x = f'{a + b} words'",
        "from a import b",
        "x = f'{a}|{b}'",
        "@f(a, b=1)\nclass C: pass",
        "class C(StrEnum):\n A = 'a'",
    ],
)
def test_what_is_for_people_or_types_is_spared(source):
    assert slips(source) == set()


def named(mutants: list[Mutant], place: str, after: str) -> Mutant:
    return next(each for each in mutants if place in str(each) and each.after == after)


def forked(work: Callable[[], Any]) -> Any:
    return in_fork(work, cpu_s=60, wall_s=120).answer


def test_a_function_that_lives_is_spoilt_for_all_who_hold_it_and_only_in_its_fork():
    mutant = named(DOMAIN, "fixed_point.py", "x * y * denominator")
    held = fixed_point.mul_div_down

    def work() -> tuple[int, int]:
        return planting.Living().exchange(mutant), held(6, 2, 3)

    assert forked(work) == (1, 36)
    assert held(6, 2, 3) == 4


def test_something_that_is_gone_and_still_held_weakly_is_passed_over():
    class Gone:
        pass

    held = weakref.proxy(Gone())
    gc.collect()
    with pytest.raises(ReferenceError):
        str(held)
    mutant = named(DOMAIN, "fixed_point.py", "x * y * denominator")
    assert forked(lambda: planting.Living().exchange(mutant)) == 1


def test_a_property_is_spoilt_like_any_function():
    mutant = named(DOMAIN, "plan.py", "self.swap_fees + self.price_impact - self.gas")

    def work() -> int:
        planting.Living().exchange(mutant)
        return PlanCost(5, 3, 2, 0).total

    assert forked(work) == 6


def test_a_constant_is_spoilt_for_all_who_imported_it():
    mutant = named(DOMAIN, "fixed_point.py", "10 * 18")

    def work() -> tuple[int, int]:
        carried = planting.carry(mutant)
        return carried, fixed_point.WAD

    assert forked(work) == (2, 180), "itself, and the half of it"


def test_a_table_is_spoilt_as_a_whole():
    mutant = named(RISK, "past_moves.py", "7201")

    def work() -> bool:
        planting.carry(mutant)
        return any(seconds == 7201 for seconds, _ in past_moves.WORST_FALLS)

    assert forked(work)


def test_a_field_forgets_its_default_in_both_places_that_know_it():
    mutant = next(each for each in DOMAIN if "view.py" in str(each) and each.before == "True")

    def work() -> tuple[Any, Any]:
        planting.carry(mutant)
        field = View.__dataclass_fields__["venue_trusted"]
        return field.default, (View.__init__.__defaults__ or ())[2]

    assert forked(work) == (False, False)


def test_every_mutant_has_its_own_name_and_its_own_code():
    own = [each for each in DOMAIN if each.path.endswith("fixed_point.py")]

    assert len({str(each) for each in DOMAIN}) == len(DOMAIN)
    assert len({repr(_constants(spoilt_code(each))) for each in own}) == len(own)


def _constants(code: Any) -> list[Any]:
    inner = [_constants(each) for each in code.co_consts if hasattr(each, "co_code")]
    plain = [each for each in code.co_consts if not hasattr(each, "co_code")]
    return [code.co_code, plain, code.co_names, inner]


def test_a_fork_that_takes_too_long_is_late_and_one_that_dies_is_not():
    def endless() -> None:
        while True:
            pass

    assert in_fork(endless, cpu_s=1, wall_s=60).late
    assert in_fork(endless, cpu_s=60, wall_s=0.2).late
    assert not in_fork(lambda: 1 // 0, cpu_s=60, wall_s=60).late


def test_a_sample_has_its_share_of_every_file_and_is_the_same_each_time():
    some = sample.drawn(DOMAIN, 200, 7)

    assert len(some) == 200
    assert some == sample.drawn(DOMAIN, 200, 7) != sample.drawn(DOMAIN, 200, 8)
    for path in {each.path for each in DOMAIN}:
        share = sum(each.path == path for each in DOMAIN) * 200 / len(DOMAIN)
        assert abs(sum(each.path == path for each in some) - share) <= 1
    assert sample.drawn(DOMAIN, 0, 7) == DOMAIN


def test_a_score_is_as_sure_as_its_sample_is_large():
    assert sample.interval(90, 100, 100) == (0.9, 0.9)
    low, high = sample.interval(90, 100, 10**9)
    assert low == pytest.approx(0.8256, abs=1e-4)  # Wilson's interval of 90 in 100
    assert high == pytest.approx(0.9448, abs=1e-4)
    nearer, further = sample.interval(900, 1000, 10**9)
    assert low < nearer < 0.9 < further < high
