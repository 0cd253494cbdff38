"""Parts of the file that cannot all be meant. Form only: what a market allows is judged later."""

from __future__ import annotations

from collections.abc import Iterator

from leverd.risk import limits
from leverd.settings.models import (
    AaveV3,
    Key,
    PositionSection,
    Settings,
    UniswapV3,
)
from leverd.settings.problems import CONTRADICTION, MISSING, Path, Problem, nearest
from leverd.settings.source import Tree
from leverd.settings.spot_contradictions import spot_contradictions
from leverd.settings.standby import ANSWERS_MIN, RENEWALS_MIN
from leverd.settings.types import ARBITRUM, DEVNET, LIVE, PAPER, UNDEPLOYED


def contradictions(settings: Settings, tree: Tree) -> list[Problem]:
    """Return every contradiction, placed in the file."""
    found = [
        *_chain(settings),
        *_venues(settings),
        *(_key(settings.key) if settings.mode != PAPER else _paper(settings)),
        *_journal(settings),
        *_limits(settings),
        *_engine(settings),
        *_standby(settings),
        *(
            problem
            for name, position in settings.positions.items()
            for problem in _position(settings, ("positions", name), position)
        ),
        *_accounts(settings),
        *(() if settings.spot is None else spot_contradictions(settings, settings.spot)),
    ]
    return [
        Problem(each.number, each.path, each.message, tree.place(each.path), each.remedy)
        for each in found
    ]


def _chain(settings: Settings) -> Iterator[Problem]:
    chain, path = settings.chain, ("chain",)
    named = {"id": chain.id, "rpc": chain.rpc, "profile": chain.profile}
    if chain.devnet is not None:
        for key, value in named.items():
            if value:
                yield _clash((*path, key), "comes from the devnet, and is also said")
        if settings.mode == LIVE:
            yield _clash((*path, "devnet"), "a devnet is not for mode live")
        return
    for key, value in named.items():
        if not value:
            yield Problem(MISSING, (*path, key), "is missing")
    if chain.profile == ARBITRUM:
        message = "is not served: contracts there see Ethereum's blocks, so no look could be proven"
        yield _clash((*path, "profile"), message, "name ethereum, base or optimism")
    if len(set(chain.rpc)) < len(chain.rpc):
        yield _clash((*path, "rpc"), "names a node twice; it would count as two that agree")
    if settings.mode == LIVE and chain.final_depth is not None:
        message = "is for a devnet; elsewhere the chain itself says what is final"
        yield _clash((*path, "final_depth"), message)


def _venues(settings: Settings) -> Iterator[Problem]:
    for name, venue in settings.venues.items():
        path: Path = ("venues", name)
        needed = ("provider",) if isinstance(venue, AaveV3) else ("factory", "quoter")
        for key in needed if settings.chain.devnet is None else ():
            if getattr(venue, key) is None:
                yield Problem(MISSING, (*path, key), "is missing")
        if isinstance(venue, UniswapV3):
            if len(set(venue.tokens)) == 1:
                yield _clash((*path, "tokens"), "a pool holds two different tokens")
            for token in venue.tokens:
                yield from _token(settings, (*path, "tokens"), token)


def _key(key: Key) -> Iterator[Problem]:
    path: Path = ("key",)
    if why := key.amiss():
        yield _clash(path, why)
    if key.keystore is not None and key.password is None:
        yield Problem(MISSING, (*path, "password"), "is missing: the keystore needs one")
    if key.password is not None and key.keystore is None:
        yield _clash((*path, "password"), "is for a keystore, and there is none")


def _journal(settings: Settings) -> Iterator[Problem]:
    section = settings.journal
    if section.copy_password is not None and section.copy_to is None:
        yield _clash(("journal", "copy_password"), "is for a copy, and there is none")


def _paper(settings: Settings) -> Iterator[Problem]:
    if settings.paper is None:
        remedy = "paper: {deposit: 10, gas: 1}, in whole tokens"
        yield Problem(MISSING, ("paper",), "is missing: mode paper begins with it", remedy=remedy)
        return
    for name in settings.paper.deposits:
        if name not in settings.positions:
            known = nearest(name, settings.positions)
            yield _clash(("paper", "deposits", name), "no position is called that", known)


def _limits(settings: Settings) -> Iterator[Problem]:
    """Yield what the gate itself finds wrong with its limits, in the file's names."""
    for line in limits.problems(settings.limits.limits()):
        field, _, message = line.partition(": ")
        key = field.replace("price_wei", "price_gwei").replace("day_wei", "day_eth")
        yield _clash(("limits", key), message)


def _engine(settings: Settings) -> Iterator[Problem]:
    engine, memory = settings.engine, settings.memory
    if engine.look_s_min > engine.look_s_max:
        yield _clash(("engine", "look_s_min"), f"is above look_s_max ({engine.look_s_max})")
    if memory.warn_mb > memory.stop_mb:
        yield _clash(("memory", "warn_mb"), f"is above stop_mb ({memory.stop_mb})")


def _standby(settings: Settings) -> Iterator[Problem]:
    standby = settings.standby
    if standby.enabled and settings.journal.copy_to is None:
        message = "is missing: the lease is where both daemons copy their journal to"
        yield Problem(MISSING, ("journal", "copy_to"), message)
    if standby.enabled and settings.spot is not None:
        message = "is on an order book, which lets an order happen twice: one machine alone trades"
        yield _clash(("spot",), message)
    if standby.ttl_s < RENEWALS_MIN * standby.renew_s:
        message = f"is less than {RENEWALS_MIN} times renew_s ({standby.renew_s})"
        yield _clash(("standby", "ttl_s"), message)
    answer_s = settings.chain.read_deadline_s
    if standby.enabled and standby.blind_s < ANSWERS_MIN * answer_s:
        message = f"is less than {ANSWERS_MIN} times chain.read_deadline_s ({answer_s})"
        yield _clash(("standby", "blind_s"), message)


def _position(settings: Settings, path: Path, position: PositionSection) -> Iterator[Problem]:
    venues = settings.venues
    yield from _named(settings, (*path, "lending"), position.lending, AaveV3)
    yield from _named(settings, (*path, "pool"), position.pool, UniswapV3)
    pair = (position.collateral, position.debt)
    if position.collateral == position.debt:
        yield _clash((*path, "debt"), "is the collateral itself")
    for key, token in zip(("collateral", "debt"), pair, strict=True):
        yield from _token(settings, (*path, key), token)
        pool = venues.get(position.pool)
        if isinstance(pool, UniswapV3) and token not in pool.tokens:
            known = nearest(token, pool.tokens)
            yield _clash((*path, key), f"{token} is not in the pool {position.pool}", known)
    if position.share_class not in {"USD", *pair}:
        yield _clash(
            (*path, "share_class"),
            "is no choice here",
            nearest(position.share_class, {"USD", *pair}),
        )
    if settings.mode == PAPER:
        return  # whatever account there is, it is not looked at
    if position.account == DEVNET and settings.chain.devnet is None:
        yield _clash((*path, "account"), "there is no devnet to take it from; say its address")


def _named(
    settings: Settings, path: Path, name: str, kind: type[AaveV3 | UniswapV3]
) -> Iterator[Problem]:
    known = [each for each, venue in settings.venues.items() if isinstance(venue, kind)]
    if name not in known:
        word = "lending venue" if kind is AaveV3 else "pool"
        yield _clash(path, f"no {word} is called {name}", nearest(name, known))


def _token(settings: Settings, path: Path, symbol: str) -> Iterator[Problem]:
    if settings.chain.devnet is None and symbol not in settings.tokens:
        yield _clash(path, f"no token is called {symbol}", nearest(symbol, settings.tokens))


def _accounts(settings: Settings) -> Iterator[Problem]:
    """Two positions in one account would share a health."""
    seen: dict[str, str] = {}
    for name, position in settings.positions.items():
        account = position.account.lower()
        if account in {UNDEPLOYED, DEVNET}:  # a devnet has one for each position, by its name
            continue
        if account in seen:
            message = f"is also the account of {seen[account]}: two positions never share a health"
            yield _clash(("positions", name, "account"), message)
        seen.setdefault(account, name)


def _clash(path: Path, message: str, remedy: str = "") -> Problem:
    return Problem(CONTRADICTION, path, message, remedy=remedy)
