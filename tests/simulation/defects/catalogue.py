"""Defects that somebody might write one day. Some seed must find each."""

from __future__ import annotations

from tests.simulation.defects.planting import Defect

_EXECUTION = "leverd.execution."

SENDING = (
    Defect(
        "journaled after the send",
        "what was sent is forgotten when the process dies in between",
        _EXECUTION + "bidder",
        "        await self._logbook.record(*also, signed)\n"
        "        if signed.way == RELAY:\n"
        "            await self._send_privately(signed)\n"
        "        else:\n"
        "            await self.send(signed)\n",
        "        await self.send(signed)\n        await self._logbook.record(*also, signed)\n",
    ),
    Defect(
        "no answer taken for no",
        "an unknown outcome counts as failed, and its nonce as free",
        _EXECUTION + "bidder",
        '            logger.warning("slot {}: sending: {}", attempt.slot, error)\n',
        "            known = self._logbook.known\n"
        "            left = {k: v for k, v in known.slots.items() if k != attempt.slot}\n"
        "            self._logbook.known = replace(known, slots=left, floor=attempt.slot)\n",
    ),
    Defect(
        "a bump on another nonce",
        "both may be mined",
        _EXECUTION + "bidder",
        "            slot.number,\n            act.sequence,\n",
        "            slot.number + 1,\n            act.sequence,\n",
    ),
    Defect(
        "a nonce used again",
        "what nodes count is believed over what was signed",
        _EXECUTION + "executor",
        "            free=max(nonce, known.floor),\n",
        "            free=nonce,\n",
    ),
    Defect(
        "a nonce left out",
        "nothing after a gap is ever mined",
        _EXECUTION + "executor",
        "            free=max(nonce, known.floor),\n",
        "            free=max(nonce, known.floor) + (known.floor > 1),\n",
    ),
    Defect(
        "the bid is not capped",
        "gas may cost more than what it saves",
        _EXECUTION + "bids",
        "    fees = capped(wanted, cap)\n",
        "    fees = wanted\n",
    ),
    Defect(
        "bumps know no cap",
        "each bump bids more, whatever it is worth",
        _EXECUTION + "bids",
        "    if least.max_fee > act.fee_cap or not (pressed or exceeds(wanted, newest)):\n"
        "        return None\n"
        "    return at_least(capped(wanted, act.fee_cap), least)\n",
        "    return at_least(wanted, least)\n",
    ),
    Defect(
        "a replacement rounded down",
        "one wei too little, in our favour, and no pool takes it",
        _EXECUTION + "ladder",
        "    return -(-fee * (100 + percent) // 100) + 1\n",
        "    return fee * (100 + percent) // 100\n",
    ),
)

SLOTS = (
    Defect(
        "a reorganisation ignored",
        "what is undone counts as done",
        _EXECUTION + "slots",
        "    if found is None or found.block_hash != included.block_hash:\n"
        "        return Reorganise()\n",
        "",
    ),
    Defect(
        "final too early",
        "a block counts as final when it is the newest",
        _EXECUTION + "slots",
        "    return Finalise() if included.block <= seen.final_block else Wait()\n",
        "    return Finalise() if included.block <= seen.head_block else Wait()\n",
    ),
    Defect(
        "lost at first sight",
        "a node that counts before it finds costs the position its freedom",
        _EXECUTION + "slots",
        "        return _gone(seen) if doubted and seen.inclusion is None else Wait()\n",
        "        return _gone(seen)\n",
    ),
    Defect(
        "a deadline ignored",
        "what comes too late is sent, and sent again",
        _EXECUTION + "slots",
        "    if not cancelling and (not wanted or seen.head_at >= newest.deadline):\n",
        "    if not cancelling and not wanted:\n",
    ),
    Defect(
        "two plans race",
        "an ordinary plan does not wait for the slot that is open",
        _EXECUTION + "placing",
        "    if rank is Rank.ORDINARY or not approved.lowers:\n        return None\n",
        "    if rank is Rank.ORDINARY or not approved.lowers:\n        return Place(free)\n",
    ),
    Defect(
        "settled out of order",
        "a later step is verified before the one it stands on",
        _EXECUTION + "executor",
        "        if in_order or not isinstance(move, Include | Accept | Lose):\n",
        "        if True:\n",
    ),
    Defect(
        "a revert counts as done",
        "what the chain refused is taken for what it did",
        _EXECUTION + "settler",
        "        elif not inclusion.succeeded:\n",
        "        elif False:\n",
    ),
    Defect(
        "a stolen nonce changes nothing",
        "somebody else holds the key, and the daemon goes on",
        _EXECUTION + "settler",
        "            TradingStateChanged(act.position_id, TradingState.REDUCING, text, "
        '"execution"),\n',
        "",
    ),
)

MEMORY = (
    Defect(
        "recovery skips open slots",
        "a restart forgets what is in flight",
        _EXECUTION + "logbook",
        "        self.known = recovery.restored(self._journal.replay(), self._signer)\n",
        "        known = recovery.restored(self._journal.replay(), self._signer)\n"
        "        self.known = Known(floor=known.floor)\n",
    ),
    Defect(
        "plans cut off never end",
        "a restart leaves them open in the journal for ever",
        _EXECUTION + "recovery",
        "        if flight.plan_id not in flying\n",
        "        if False\n",
    ),
    Defect(
        "said later, never written",
        "what may wait for the next commit misses it",
        _EXECUTION + "logbook",
        "        written = (*self._unsaid, *events)\n",
        "        written = events\n",
    ),
    Defect(
        "remembered before it is durable",
        "a full disk leaves memory and journal at odds",
        "leverd.engine.recorder",
        "        seq = await self._journal.append(*events, chain_at=chain_at)\n"
        "        for event in events:\n"
        "            self.book = fold(self.book, event, chain_at)\n",
        "        for event in events:\n"
        "            self.book = fold(self.book, event, chain_at)\n"
        "        seq = await self._journal.append(*events, chain_at=chain_at)\n",
    ),
    Defect(
        "one append, many commits",
        "a power cut leaves half of what belongs together",
        "leverd.adapters.sql_journal.journal",
        "            with self._connection.begin():\n"
        "                return insert_bodies(self._connection, bodies, written_at, chain_at)\n",
        "            for body in bodies:\n"
        "                with self._connection.begin():\n"
        "                    last = insert_bodies(self._connection, [body], written_at, chain_at)\n"
        "            return last\n",
    ),
    Defect(
        "a full disk goes unsaid",
        "an append that failed looks like one that did not",
        "leverd.adapters.sql_journal.journal",
        "            if not self._reserve.free():\n                raise\n",
        "            if not self._reserve.free():\n                return 0\n",
    ),
    Defect(
        "an owner's wish taken again and again",
        "an order is carried out each turn",
        "leverd.engine.letter_box",
        "            self._requests.taken(request.request_id)\n",
        '            logger.debug("{}", request)\n',
    ),
    Defect(
        "an unwind forgotten",
        "what the owner asked for lasts until the next event",
        "leverd.engine.state",
        "            return each_page(book, position_id, unwinding=True)\n",
        "            return book\n",
    ),
    Defect(
        "gas counted twice",
        "after a reorganisation it is charged anew",
        "leverd.engine.state",
        "    spent = paid - book.charged.get(event.slot, 0)",
        "    spent = paid",
    ),
    Defect(
        "a mark left out",
        "interest up to a step is in no P&L line",
        "leverd.engine.accounting",
        "    return before, mark(marked_page, done.after, own, price, facts)\n",
        "    return (mark(marked_page, done.after, own, price, facts),)\n",
    ),
    Defect(
        "what waits above acts on",
        "an overtaken plan goes on beside the one that took its place",
        _EXECUTION + "executor",
        "        behind = self._behind(plan, place)\n",
        "        behind = ()\n",
    ),
    Defect(
        "reconciled in flight",
        "our own act looks like somebody else's",
        "leverd.engine.bookkeeper",
        "        busy = self._world.executor.touched()\n",
        "        busy = ()\n",
    ),
)

JUDGEMENT = (
    Defect(
        "a cooldown denies a deleverage",
        "patience costs the position",
        "leverd.risk.gate",
        "            reasons += lowering.reasons(played, urgency.step_floor(view, limits))\n",
        "            reasons += lowering.reasons(played, urgency.step_floor(view, limits))\n"
        "            last = view.record.last_action_at\n"
        "            if last and view.now < last + 900:\n"
        "                reasons += (Reason.COOLDOWN,)\n",
    ),
    Defect(
        "the gas cap holds for the guardian too",
        "in a crash it saves pennies",
        "leverd.risk.urgency",
        "    if urgency == CALM:\n        return calm\n",
        "    if urgency <= URGENT:\n        return calm\n",
    ),
    Defect(
        "a stale view raises risk",
        "what is decided is about a market that is gone",
        "leverd.risk.raising",
        "        Reason.STALE_VIEW: max(age_s, skew) > limits.view_age_s_max,\n",
        "        Reason.STALE_VIEW: False,\n",
    ),
    Defect(
        "oracle and market may disagree",
        "risk is added at a price nobody trades at",
        "leverd.risk.raising",
        "        Reason.ORACLE_GAP: oracle_gap(view) > limits.oracle_gap_max,\n",
        "        Reason.ORACLE_GAP: False,\n",
    ),
    Defect(
        "a pause silences the guardian",
        "who only wanted no new risk is liquidated",
        "leverd.engine.turn",
        "        if not (seat.guards or free):\n",
        "        if not free:\n",
    ),
    Defect(
        "the guardian acts late",
        "its trigger is a tenth too low",
        "leverd.agents.guardian",
        "        if health >= levels.deleverage_wad:\n",
        "        if health * 10 >= levels.deleverage_wad * 9:\n",
    ),
    Defect(
        "a breaker that never closes",
        "after three failures nothing is tried again",
        "leverd.risk.breakers",
        "        Fault.FAILURES: failures >= FAILURES_MAX and failures > breakers.failures,\n",
        "        Fault.FAILURES: failures >= FAILURES_MAX,\n",
    ),
    Defect(
        "nothing is tidied",
        "what half a plan left idle stays idle",
        "leverd.engine.planner",
        "    if not steps:\n        return None\n    return _finish(view, terms, Purpose.TIDY,",
        "    if True:\n        return None\n    return _finish(view, terms, Purpose.TIDY,",
    ),
    Defect(
        "withdrawn again and again",
        "each deleverage cut off begins with another withdrawal",
        "leverd.engine.rounds",
        "    size, state = _sell_idle(state, steps, size, terms)\n",
        "",
    ),
)

CATALOGUE = SENDING + SLOTS + MEMORY + JUDGEMENT
