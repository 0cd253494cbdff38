"""Seeds that found something once: each is played for ever. What a seed means stays fixed."""

from __future__ import annotations

FOUND = {
    174: "reorganised and its nonce stolen: our own act, undone, was called a stranger's",
    215: "the same, with what looked like a repayment",
    333: "after a reorganisation a deleverage took the lower of two slots, and the upper acted on",
    342: "a look failed just when a reorganisation undid its slot: a false alarm, REDUCING",
    958: "a node that lagged showed a deadline as not over, and a bump was signed past it",
    354: "an owner's unwind in the tail of a journal that was lost",
    778: "a receipt gone by was judged by the prices of now",
    1319: "a database broken where no entry stands could be neither used nor salvaged",
    1660: "what a bumped step began from was taken to be what it led to",
    1699: "of two steps in one block the lower was final, and the upper was laid to both",
    3757: "a lagging node showed a position not yet closed, and it was closed once more",
    10515: "gas stayed dear, and a deleverage waited where one more shock would have liquidated",
    10610: "the same; its one transaction was priced like the sixteen of a whole sequence",
    5002039: "of two steps in one block the receipt of the upper was not found yet",
    15000923: "the same, with the receipt of the lower; both were called mismatches",
    5002438: "the simulation stopped its blocks while the daemon settled",
    6001907: "a disk that filled while the journal was being mended; the simulation's own",
    6003567: "an owner's unwind took the rank of a rescue from a position below its trigger",
    15003488: "a bid so high that nothing might be signed any more to take its place",
    3234: "what a step did on one branch was held against its balances on the other",
    10919: "a plan that two reasons ended at once was journaled as ended twice",
    17004019: "a node that lagged undid a slot below one that stayed, and was verified after it",
    17004854: "the price fell between two single steps, and the withdrawal went on as planned",
    19000413: "a rescue's withdrawals went as low after its idle money was repaid as before",
    8004174: "an owner's unwind in single steps was too dear to save the position by",
    8002576: "looks at some seventy slots, one after the other, took half a minute a turn",
    990: "the same",
    8003074: "a plan was signed although its view was older than its deadline",
    11004025: "the same",
    14002119: "a node that lagged showed a nonce free that was final, and it was spent again",
    7004425: "a step was undone, and the one that was to follow it was signed beside it",
    16000057: "a slot was let go of while one below it was not yet seen to be in the same block",
    5002496: "the simulation took a reorganisation for noticed that was not",
}
"""What is kept of the seeds of earlier shapes of the draw is in the catalogue of defects:
deleverages that withdrew again and again, a breaker that never closed, a receipt missed once
that brought old balances back.
"""
