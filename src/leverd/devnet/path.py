"""Price paths: where the market stands at each moment of chain time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Final, Self

from leverd.errors import OwnerError

UNIT: Final = 10**8  # one dollar
_STEP_S: Final = 300
_YEAR_S: Final = 365 * 86_400


@dataclass(frozen=True, slots=True)
class PricePath:
    """Dollars per ether (1e8) at given times, straight lines between, level beyond both ends."""

    times: tuple[int, ...]  # unix seconds, rising
    prices: tuple[int, ...]

    @classmethod
    def of(cls, points: Sequence[tuple[int, int]]) -> Self:
        """Return the path through `points` of (time, price).

        Raises:
            OwnerError: there are fewer than two, times do not rise, or a price is not positive.
        """
        times = tuple(at for at, _ in points)
        prices = tuple(price for _, price in points)
        rising = all(left < right for left, right in pairwise(times))
        if len(points) < 2 or not rising or min(prices) <= 0:  # noqa: PLR2004 -- a line has two
            raise OwnerError(
                "a price path needs two or more points at rising times, all above zero", number=45
            )
        return cls(times, prices)

    @property
    def start(self) -> int:
        """The first point's time."""
        return self.times[0]

    @property
    def end(self) -> int:
        """The last point's time."""
        return self.times[-1]

    @property
    def lows(self) -> tuple[int, ...]:
        """The times at which it turns up again, rising."""
        around = zip(self.prices, self.prices[1:], self.prices[2:], self.times[1:], strict=False)
        return tuple(at for left, low, right, at in around if left >= low < right)

    def price_at(self, at: int) -> int:
        """Return dollars per ether, 1e8, rounded down between two points."""
        place = bisect_right(self.times, at)
        if place == 0:
            return self.prices[0]
        if place == len(self.times):
            return self.prices[-1]
        before, after = self.times[place - 1], self.times[place]
        low, high = self.prices[place - 1], self.prices[place]
        return low + (high - low) * (at - before) // (after - before)

    def fall(self, at: int, within_s: int) -> float:
        """Return how far the price lies below where it was `within_s` ago, 0.1 is 10 %; >= 0."""
        before = self.price_at(at - within_s)
        return max(0.0, 1 - self.price_at(at) / before)


@dataclass(frozen=True, slots=True)
class Story:
    """How a synthetic path goes: calm, then a crash, a rebound, and a long restless tail."""

    start: int  # unix seconds
    price: int  # 1e8
    calm_s: int = 3 * 3600
    crash_s: int = 6 * 3600
    rebound_s: int = 12 * 3600
    tail_s: int = 30 * 86_400
    depth_min: float = 0.35  # the crash's fall, as a fraction
    depth_max: float = 0.45
    calm_volatility: float = 0.45  # a year
    tail_volatility: float = 0.75


@dataclass(slots=True)
class _Walk:
    """A price on its way; each stretch ends exactly where it was told to."""

    random: Random
    at: int
    price: float
    points: list[tuple[int, int]] = field(default_factory=list)

    def stretch(self, seconds: int, change: float, volatility: float) -> None:
        """Walk `seconds` to `change` from here, noise pinned at both ends."""
        steps = max(1, seconds // _STEP_S)
        sigma = volatility * (_STEP_S / _YEAR_S) ** 0.5
        noise = [0.0]
        for _ in range(steps):
            noise.append(noise[-1] + self.random.gauss(0, sigma))
        start, began = self.price, self.at
        for step in range(1, steps + 1):
            done = step / steps
            level = start * (1 + change) ** _eased(done)
            bridge = noise[step] - done * noise[-1]
            self.price = level * 2.718281828459045**bridge
            self.at = began + step * _STEP_S
            self.points.append((self.at, int(self.price * UNIT)))


def synthetic(seed: int, story: Story) -> PricePath:
    """Return a path told by `seed`; the same seed tells the same one."""
    random = Random(f"path:{seed}")  # noqa: S311 -- a market, not a secret
    walk = _Walk(random, story.start, story.price / UNIT, [(story.start, story.price)])
    walk.stretch(story.calm_s, random.uniform(0.0, 0.02), story.calm_volatility)
    depth = random.uniform(story.depth_min, story.depth_max)
    walk.stretch(story.crash_s, -depth, 3 * story.tail_volatility)
    won_back = random.uniform(0.3, 0.6) * depth / (1 - depth)  # of what was lost, over what is left
    walk.stretch(story.rebound_s, won_back, 2 * story.tail_volatility)
    for _ in range(story.tail_s // 86_400):
        walk.stretch(86_400, random.gauss(0.001, 0.03), story.tail_volatility)
    return PricePath.of(walk.points)


def _eased(done: float) -> float:
    """Return progress that starts and ends slowly, as a panic does."""
    return done * done * (3 - 2 * done)
