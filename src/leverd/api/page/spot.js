"use strict";
// What is traded on an order book; shown only where there is any. Text is only ever set as text.
const spot = (() => {
  const { $, set, made } = dom;
  const QUIET_S = 60; // a book has a block every few seconds
  let known = null;

  const show = (found) => {
    known = found ?? null;
    $("spot").hidden = known === null;
    if (known === null) return;
    set("spot-title", known.ticker ? `Spot ${known.ticker}` : "Spot");
    set("spot-orders", known.orders === "paper" ? "on paper" : known.orders === "sent" ? "orders are sent" : "not traded any more");
    set("spot-state", known.state);
    $("spot-state").className = `chip ${known.state === "active" ? "good" : known.state.startsWith("halted") ? "bad" : "warn"}`;
    $("spot-stopped").hidden = known.stopped === null;
    if (known.stopped) set("spot-stopped", `Stopped (${known.stopped.why.replaceAll("_", " ")}): ${known.stopped.reason}. Nothing is ${known.stopped.why === "lost" ? "ordered" : "bought"} until \`leverd resume spot\`.`);
    set("spot-held", words.money(known.held));
    for (const name of ["worth", "cost", "free"]) set(`spot-${name}`, words.money(known[name]));
    for (const name of ["average", "bid"]) set(`spot-${name}`, words.money(known[name], 4));
    for (const name of ["profit", "realised", "unrealised"]) gain(`spot-${name}`, known[name]);
    set("spot-fees", words.money(known.fees, 4)); set("spot-peak", known.peak ? words.signed(known.peak) : "–");
    const order = known.order;
    set("spot-order", order ? `${order.side} ${words.money(order.quantity)}` : "no open order");
    set("spot-today", known.trades_day_max === null ? String(known.trades_today) : `${known.trades_today} of ${known.trades_day_max}`);
    const said = known.last_decision;
    set("spot-thought", order ? `${order.standing}, at ${words.money(order.price, 4)} at worst: ${order.reason}`
      : said ? `${said.agent}: ${said.decision}` : "nothing decided yet");
    set("spot-why", said ? `${said.reason} (${said.code})` : "");
    $("spot-references").replaceChildren(...(said ? [
      ...(said.fair === null ? [] : [made("li", `fair value ${words.money(said.fair, 4)}, give or take ${words.share(said.fair_error)}`)]),
      ...said.references.map((each) => made("li", each.ignored ? `${each.source}: ignored, ${each.ignored}`
        : `${each.source}: ${words.money(each.middle, 4)}, give or take ${words.share(each.error)}`))] : []));
    $("spot-buttons").hidden = known.orders === null;
    tick();
  };
  const gain = (id, found) => {
    set(id, found ? words.signed(found) : "not known");
    const value = found ? Number(found.amount) : 0;
    $(id).classList.toggle("down", value < 0); $(id).classList.toggle("up", value > 0);
  };
  const tick = () => {
    if (known === null) return;
    const ago = known.seen_at ? Math.max(0, (Date.now() - Date.parse(known.seen_at)) / 1000) : null;
    set("spot-seen", ago === null ? "no look yet: as the journal knows it" : `last look ${ago < 2 ? "just now" : `${words.span(Math.round(ago))} ago`}`);
    $("spot-seen").classList.toggle("late", ago === null || ago > QUIET_S);
  };
  const trades = (found) => $("spot-trades").replaceChildren(...(found.length ? found.map((each) => {
    const row = made("tr"), fill = each.fill;
    for (const [text, kind] of [[words.moment(each.chain_at)], [fill.side], [`${plain(fill.filled)} of ${plain(fill.quantity)}`, "num"],
      [fill.price === null ? "–" : plain(fill.price), "num"], [plain(fill.fee), "num"],
      [each.aborted_because || (fill.standing || "not known yet")], [each.reason]]) row.append(made("td", text, kind));
    return row;
  }) : [made("tr", undefined)]));
  const plain = (text) => Number(text).toLocaleString("en-US", { maximumFractionDigits: 6 });
  return { show, tick, trades };
})();
