"use strict";
// What is shown, and when it is asked for anew. Text from the journal is only ever set as text.
(() => {
  const { $, set, made } = dom;
  const state = { positions: [], chosen: null, floor: 1.15, series: null, last: null, due: 60, lost: "",
    running: true, end: null, log: [] };
  const chosen = () => state.positions.find((each) => each.position === state.chosen) ?? state.positions[0];

  const soon = (act, ms) => { let timer = 0; return () => { clearTimeout(timer); timer = setTimeout(act, ms); }; };

  // -- where it stands -------------------------------------------------------------------
  const showPosition = () => {
    const held = chosen();
    $("empty").hidden = Boolean(held); $("held").hidden = !held;
    if (!held) return;
    const health = held.health;
    $("gauge").innerHTML = charts.gauge(health, state.floor); // numbers only
    $("gauge").setAttribute("aria-valuenow", health === null ? "2" : Math.min(Number(health), 2).toFixed(3));
    $("gauge").setAttribute("aria-valuetext", health === null ? "no debt" : words.plain(health, 3));
    set("health-note", health === null ? "nothing is owed" : `liquidated below 1 · new risk only above ${state.floor}`);
    set("distance", words.share(held.outlook.distance));
    set("liq-price", words.money(held.liquidation_price)); set("price", words.money(held.price));
    set("drift", held.health === null ? "–" : words.span(held.outlook.drift_s));
    set("sigma", held.health === null ? "–" : words.span(held.outlook.sigma_s));
    set("equity", words.money(held.equity));
    gain("pnl", held.pnl_total); gain("unmarked", held.pnl_unmarked);
    set("gas", words.money(held.operator_gas)); set("fee", words.money(held.gas_price, 2));
    set("leverage", words.times(held.leverage)); set("side", `${held.side} ${held.side === "short" ? held.debt : held.collateral}`);
    set("state", held.state);
    $("state").className = `chip ${held.state === "active" ? "good" : held.state.startsWith("halted") ? "bad" : "warn"}`;
    set("decided", held.last_decision ? held.last_decision.decision : "nothing yet"); set("block", words.plain(held.block, 0));
    document.title = `${health === null ? "no debt" : words.plain(health, 2)} · ${held.position} · leverd`;
    rows("legs", held.legs.map((leg) => [[leg.kind], [leg.balance.unit],
      [words.plain(leg.balance.amount, leg.balance.unit.startsWith("USD") ? 2 : 5), "num"], [words.plain(leg.value.amount, 2), "num"]]));
    $("orders-card").hidden = held.orders.length === 0;
    $("orders").replaceChildren(...held.orders.map((each) => made("li",
      `${each.order}: ${each.status}${each.fires_at ? `, at ${words.plain(each.fires_at, 2)} (${words.share(each.distance)} away)` : ""}`)));
    charts.pnl(held);
  };
  const gain = (id, found) => {
    set(id, words.signed(found));
    $(id).className = Number(found.amount) < 0 ? "down" : Number(found.amount) > 0 ? "up" : "";
  };
  const rows = (id, found) => $(id).replaceChildren(...found.map((cells) => {
    const row = made("tr");
    row.append(...cells.map(([text, kind]) => made("td", text, kind)));
    return row;
  }));
  const showTabs = () => {
    $("tabs").hidden = state.positions.length < 2;
    $("tabs").replaceChildren(...state.positions.map((each) => {
      const tab = made("button", each.position);
      tab.type = "button"; tab.setAttribute("role", "tab");
      tab.setAttribute("aria-selected", String(each === chosen()));
      tab.onclick = () => { state.chosen = each.position; showTabs(); showPosition(); refreshAll(); };
      return tab;
    }));
  };
  const showBreakers = (found) => {
    const lines = [...Object.entries(found.faults).flatMap(([name, each]) => each.map((fault) => `${name}: ${fault.replaceAll("_", " ")}`)),
      ...Object.entries(found.dependencies).map(([name, circuit]) => `${name} is ${circuit.replace("_", "-")}`)];
    $("breakers").replaceChildren(...(lines.length ? lines.map((line) => {
      const item = made("li"); item.append(made("span", line, "chip warn")); return item;
    }) : [made("li", "none open", "note")]));
  };

  const showPredictions = (found) => {
    $("predictions-card").hidden = found.length === 0;
    $("predictions").replaceChildren(...found.map((each) => {
      const item = made("li");
      item.append(made("span", each.heard ? "heard" : "not heard", `chip ${each.heard ? "good" : ""}`),
        ` ${each.predictor}: ${each.says || "nothing yet"}`,
        made("p", each.skill === null ? `skill not known yet, ${each.scored} scored`
          : `skill ${words.plain(each.skill, 3)} over ${each.scored}${each.ignored ? ` · ${each.ignored}` : ""}`, "note"));
      return item;
    }));
  };

  // -- what it did -----------------------------------------------------------------------
  const showTimeline = (decisions, id = "timeline") => $(id).replaceChildren(...(decisions.length ? decisions.map((each) => {
    const gate = each.gate.at(-1);
    const item = made("li", undefined, gate ? (gate.verdict === "approved" ? "good" : "bad") : ["hold", "stay"].includes(each.decision) ? "" : "warn");
    const head = made("div", undefined, "head");
    head.append(made("b", `${each.decision.replaceAll("_", " ")}${each.target ? ` ${words.times(each.target)}` : ""}`),
      made("span", each.agent, "chip"), made("time", `${words.moment(each.chain_at)}${each.saw.block === null ? "" : ` · block ${each.saw.block}`}`));
    item.append(head, made("p", each.reason));
    for (const said of each.gate) {
      const line = made("p", undefined, "gate");
      line.append(made("span", said.verdict, `chip ${said.verdict === "approved" ? "good" : "bad"}`),
        ` ${said.purpose}: ${said.verdict === "approved" ? `${said.steps.join("; ")}${said.cost ? `, about ${words.money(said.cost)}` : ""}` : said.reasons.join("; ")}`);
      item.append(line);
    }
    return item;
  }) : [made("li", "no decision yet")]));
  const showTrades = (trades) => rows("trades", trades.length ? trades.map((each) => [[words.moment(each.chain_at)], [each.purpose],
    [each.steps.join("; ")], [each.status + (each.aborted_because ? `: ${each.aborted_because}` : "")],
    [words.money(each.cost_expected), "num"], [each.reason]]) : [[["no trade yet", "note"]]]);
  const showLog = (lines) => {
    const box = $("log"), low = box.scrollTop + box.clientHeight >= box.scrollHeight - 8;
    const text = lines.join("\n") || "the log is empty";
    if (box.textContent !== text) { box.textContent = text; if (low) box.scrollTop = box.scrollHeight; }
  };

  // -- asking ----------------------------------------------------------------------------
  const guarded = (act) => async () => {
    try { await act(); } catch (error) { failed(error); }
  };
  const failed = (error) => {
    if (error instanceof door.Refused && error.status === 401) { shut(error.problem.detail); return; }
    if (error instanceof door.Refused && error.status === 404) return; // not there yet
    state.lost = error instanceof door.Refused ? `${error.problem.code}: ${error.problem.detail}` : "The API does not answer";
    showPulse();
  };
  const refreshStatus = guarded(async () => {
    const said = await door.ask("/status");
    state.positions = said.positions; state.lost = ""; state.running = said.health.daemon_running;
    state.last = said.health.last_turn_at ? Date.parse(said.health.last_turn_at) : null;
    state.due = said.health.due_s ?? 60;
    state.sample = said.mode === "sample";
    set("mode", state.sample ? "sample data" : `${said.mode} · chain ${said.chain_id}`); $("mode").hidden = false;
    document.body.classList.remove("loading");
    state.spot = said.spot;
    showTabs(); showPosition(); spot.show(state.spot); showPulse();
  });
  const refreshLists = guarded(async () => {
    const held = chosen(), only = held ? `&position=${encodeURIComponent(held.position)}` : "";
    const [decisions, trades, breakers, predictions] = await Promise.all([door.ask(`/decisions?limit=40${only}`),
      door.ask(`/trades?limit=20${only}`), door.ask("/breakers"), door.ask("/predictions")]);
    showTimeline(decisions.items); showTrades(trades.items); showBreakers(breakers);
    showPredictions(predictions.items);
    if (!state.spot) return;
    const [thoughts, orders] = await Promise.all([door.ask("/decisions?limit=20&position=spot"), door.ask("/trades?limit=15&position=spot")]);
    showTimeline(thoughts.items, "spot-timeline"); spot.trades(orders.items);
  });
  const refreshSeries = guarded(async () => {
    if (state.spot) { state.spotSeries = await door.ask("/spot/series?points=600"); charts.spot(state.spotSeries); }
    const held = chosen();
    if (!held) return;
    state.series = await door.ask(`/positions/${encodeURIComponent(held.position)}/series?points=600`);
    charts.series(state.series);
  });
  const refreshLog = guarded(async () => showLog((await door.ask("/log?lines=120")).lines));
  const refreshAll = async () => { await refreshStatus(); await Promise.all([refreshLists(), refreshSeries(), refreshLog()]); };
  const listsSoon = soon(() => { refreshLists(); refreshStatus(); }, 300);
  const seriesSoon = soon(refreshSeries, 1500);

  // -- is it alive -----------------------------------------------------------------------
  const showPulse = () => {
    const ago = state.last === null ? null : Math.max(0, (Date.now() - state.last) / 1000);
    const stale = !state.running || ago === null || ago > state.due + 20;
    const kind = state.lost ? "lost" : state.sample ? "sample" : stale ? "stale" : "live";
    $("pulse").dataset.state = kind;
    const said = state.lost ? "no connection" : state.sample ? "sample data" : ago === null ? "no turn yet" : `last turn ${ago < 1.5 ? "just now" : `${words.span(Math.round(ago))} ago`}`;
    set("pulse-text", said);
    document.body.classList.toggle("stale", kind === "stale" || kind === "lost");
    $("banner").hidden = kind === "live";
    $("banner").className = `banner ${kind === "lost" ? "bad" : ""}`;
    set("banner", state.lost ? `${state.lost}. What is shown may be old; trying again.`
      : state.sample ? "Sample data: a past that never was, lived through by the real agents. There is no chain, no money and nobody who acts."
      : !state.running ? `No daemon runs: nobody guards what is shown here. ${ago === null ? "" : "What is shown is as of its last turn."}`
      : `${said}: the daemon is late. What is shown is as of then.`);
  };

  // -- making it safer -------------------------------------------------------------------
  const MEANING = {
    pause: ["Pause", "The agents are not asked any more; only what lowers risk is done. The guardian stays awake."],
    reduce: ["Reduce", "Agents are asked, but only what lowers risk is done."],
    unwind: ["Unwind", "Collateral is sold until every debt is repaid, and it stays closed."] };
  const OF_SPOT = {
    pause: "Nothing is bought; what is held is sold by its rules.",
    reduce: "Nothing is bought; what is held is sold by its rules.",
    unwind: "Everything held on the book is sold, and nothing is bought again." };
  const sure = (verb, position) => new Promise((decide) => {
    const [title, meant] = MEANING[verb], said = position === "spot" ? OF_SPOT[verb] : meant;
    set("sure-title", `${title} ${position || "everything"}?`);
    set("sure-said", `${said} Only \`leverd resume\` on the machine lifts it.`);
    $("now-row").hidden = verb !== "unwind" || position === "spot"; $("now").checked = false;
    set("sure-yes", title);
    $("sure").returnValue = "no";
    $("sure").onclose = () => decide($("sure").returnValue === "yes");
    $("sure").showModal();
  });
  for (const button of document.querySelectorAll("[data-verb]")) {
    button.onclick = async () => {
      const verb = button.dataset.verb, asked = button.closest("article").querySelector(".asked").id;
      const body = { position: button.dataset.position ?? (chosen() ? chosen().position : "") };
      if (!(await sure(verb, body.position))) return;
      if (verb === "unwind") body.now = $("now").checked;
      button.disabled = true;
      try { set(asked, (await door.ask(`/control/${verb}`, body)).said); } catch (error) {
        set(asked, error instanceof door.Refused ? `${error.problem.detail}. ${error.problem.remedy}` : "The API does not answer");
      } finally { button.disabled = false; }
    };
  }

  // -- the door --------------------------------------------------------------------------
  const shut = (why) => {
    if (state.end) state.end();
    state.end = null;
    if (why && door.token()) set("door-said", why);
    door.forget();
    $("main").hidden = true; $("banner").hidden = true; $("leave").hidden = true; $("door").hidden = false;
    $("pulse").dataset.state = "loading"; set("pulse-text", "not connected");
    $("token").focus();
  };
  const enter = async () => {
    $("door").hidden = true; $("main").hidden = false; $("leave").hidden = false;
    document.body.classList.add("loading");
    await refreshAll();
    if (!door.token()) return;
    set("version", `leverd ${(await door.ask("/version")).version}`);
    const limits = await door.ask("/limits");
    state.floor = Number(limits.limits.health_min ?? state.floor);
    showPosition();
    state.end = door.listen({
      hello: () => { // what came between the lists and the open line is told by neither
        const cut = state.lost; state.lost = "";
        if (cut) refreshAll(); else listsSoon();
      },
      turn: (said) => {
        state.positions = said.positions; state.last = Date.parse(said.at); state.due = said.next_s;
        state.running = said.daemon_running; state.lost = ""; state.spot = said.spot;
        showPosition(); spot.show(state.spot); showPulse(); seriesSoon();
      },
      event: (said) => { set("told", said.said); listsSoon(); },
      lost: (why) => { state.lost = why ? `The line was cut: ${why}` : "The API does not answer"; showPulse(); },
      refused: (why) => shut(why) });
  };
  $("door-form").onsubmit = (submitted) => {
    submitted.preventDefault();
    door.keep($("token").value); $("token").value = ""; set("door-said", "");
    enter().catch(failed);
  };
  $("leave").onclick = () => { set("door-said", ""); shut(""); };
  $("theme").onclick = () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : !matchMedia("(prefers-color-scheme: light)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("leverd-theme", root.dataset.theme);
    if (state.series) charts.series(state.series);
    if (state.spotSeries) charts.spot(state.spotSeries);
    showPosition();
  };
  setInterval(() => { showPulse(); spot.tick(); }, 1000);
  setInterval(() => { if (door.token() && !$("main").hidden) refreshLog(); }, 3000);
  setInterval(() => { if (door.token() && !$("main").hidden) refreshStatus(); }, 15000);
  if (door.token()) enter().catch(failed); else shut("");
})();
