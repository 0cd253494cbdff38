"""What each timed fault does to the world, and how it is put right."""

from __future__ import annotations

from decimal import Decimal

from tests import worlds
from tests.simulation.draws import Fault

from leverd.adapters.simulated import markets

CALM_FEE = 20 * worlds.GWEI
RECOVERY_S = 60
"""Seconds after a fault in which nobody is expected to be back yet."""


def begin(stage, happening):
    """Let it happen; return what ends it, None if it is over at once."""
    stage.disturb(RECOVERY_S)
    fault, size = happening.fault, happening.size
    match fault:
        case Fault.REORG:
            return _reorganise(stage, size)
        case Fault.EVICTED:
            stage.chain.forget()
        case Fault.STRANGER:
            stage.strangers += 1
            stage.chain.change(markets.spent)
        case Fault.GAP:
            return _gap(stage, size)
        case Fault.CLOCK:
            stage.clock.skew += (size - 0.5) * 7200
        case Fault.DEATH:
            return stage.kill("at a time")
        case Fault.STOP:
            stage.stop_life()
        case _:
            return _lasting(stage, happening)
    stage.count(fault, f"{size:.3f}")
    return None


def _lasting(stage, happening):
    """Begin something that lasts; return what ends it."""
    fault, size, chain, market = happening.fault, happening.size, stage.chain, stage.market
    ends = None
    match fault:
        case Fault.STALE_NODE:
            stage.nodes.all[int(size * 3)].get_stuck()
            stage.story(f"node {int(size * 3)} gets stuck")
            return stage.nodes.catch_up  # counted when it answers
        case Fault.STALL:
            stage.stalled = True
            ends = stage.flow
        case Fault.SLOW:
            chain.delay_blocks = 2 + int(size * 6)
            ends = stage.hurry
        case Fault.GAS:
            chain.base_fee = CALM_FEE * (2 + int(size * 10))
            ends = stage.cool
        case Fault.THIN:
            market.depth = 10**21 // (10 ** (1 + int(size * 4)))
            stage.chain.change(*market.changes())
            ends = stage.fill_pool
        case Fault.APART:
            market.gap = Decimal(f"{(size - 0.5) * 0.08:.4f}")
            stage.chain.change(*market.changes())
            ends = stage.fill_pool
        case Fault.DISK_FULL:
            stage.disk.fill()
            stage.story("the disk is full")
            return stage.disk.empty  # counted when somebody writes
        case Fault.DISK_SLOW:
            stage.disk_slow = True
            return stage.speed_up
        case _:
            raise AssertionError(fault)
    stage.count(fault, f"for {happening.lasts:.0f} s, {size:.3f}")
    return ends


def _reorganise(stage, size):
    chain = stage.chain
    most = min(2, chain.head.number - stage.final_highest, len(chain.blocks) - 1)
    if most > 0:
        depth = 1 if size < 0.5 else most
        chain.reorganise(depth, forget=int(size * 10) % 2 == 1)
        stage.count(Fault.REORG, f"{depth} blocks")


def _gap(stage, size):
    share = f"{-0.02 - size * 0.09:.4f}" if size < 0.8 else f"{(size - 0.7) * 0.3:.4f}"
    if stage.market.move(share):
        stage.chain.change(*stage.market.changes())
        stage.count(Fault.GAP, f"{share}: {stage.market.price}")
