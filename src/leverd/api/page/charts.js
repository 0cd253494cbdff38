"use strict";
// Lines to draw, in the page's own colours; Plotly is served from here.
const charts = (() => {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const layout = (more) => ({
    margin: { l: 56, r: 14, t: 8, b: 30 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: colour("--soft"), size: 11, family: "system-ui, sans-serif" }, showlegend: false,
    hovermode: "x unified", hoverlabel: { bgcolor: colour("--card"), bordercolor: colour("--line") },
    xaxis: { gridcolor: colour("--line"), zeroline: false, type: "date", nticks: 6 },
    yaxis: { gridcolor: colour("--line"), zeroline: false, nticks: 5 }, ...more });
  const config = { displayModeBar: false, responsive: true };
  const draw = (id, traces, more) => Plotly.react(id, traces, layout(more), config);
  const line = (name, at, values, ink, more) => ({
    type: "scatter", mode: "lines", name, x: at, y: values, connectgaps: false,
    line: { color: colour(ink), width: 2, shape: "linear" }, ...more });
  const say = (id, text) => { document.getElementById(`${id}-said`).textContent = text; };
  const number = (text) => (text === null ? null : Number(text));

  const series = (found) => {
    const items = found.items;
    const at = items.map((point) => new Date(point.at * 1000));
    const of = (name) => items.map((point) => number(point[name]));
    const last = items.at(-1);
    if (!last) { ["chart-price", "chart-equity", "chart-leverage"].forEach((id) => say(id, "no look yet")); return; }
    draw("chart-price", [
      line("liquidation", at, of("liquidation_price"), "--bad", { line: { color: colour("--bad"), width: 1.5, dash: "dot" } }),
      line("price", at, of("price"), "--link")], { yaxis: { ...layout({}).yaxis, tickprefix: "$" } });
    say("chart-price", last.price ? `now $${words.plain(last.price, 2)}` : "");
    draw("chart-equity", [line("equity", at, of("equity"), "--good", { fill: "tozeroy", fillcolor: colour("--good") + "1a" })],
      { yaxis: { ...layout({}).yaxis, range: around(of("equity")) } });
    say("chart-equity", `now ${words.plain(last.equity, 2)} ${found.equity_unit}`);
    draw("chart-leverage", [line("leverage", at, of("leverage"), "--warn"),
      line("health", at, of("health"), "--good", { yaxis: "y2" })],
      { margin: { l: 50, r: 52, t: 8, b: 30 },
        yaxis: { ...layout({}).yaxis, title: { text: "leverage", standoff: 6 }, tickformat: ".2f", range: around(of("leverage"), 0.2) },
        yaxis2: { overlaying: "y", side: "right", title: { text: "health", standoff: 6 }, tickformat: ".2f",
          range: around(of("health"), 0.1), showgrid: false, zeroline: false, nticks: 5 } });
    say("chart-leverage", `leverage ${words.times(last.leverage)}, health ${last.health ? words.plain(last.health, 3) : "no debt"}`);
  };
  const spot = (found) => {
    const at = found.items.map((point) => new Date(point.at * 1000));
    const last = found.items.at(-1);
    if (!last) { say("chart-spot", "no look yet"); return; }
    const values = found.items.map((point) => number(point.profit));
    draw("chart-spot", [line("profit", at, values, Number(last.profit) < 0 ? "--bad" : "--good"),
      line("realised", at, found.items.map((point) => number(point.realised)), "--soft",
        { line: { color: colour("--soft"), width: 1.5, dash: "dot", shape: "hv" } })],
      { yaxis: { ...layout({}).yaxis, range: around([...values, 0], 1) } });
    say("chart-spot", `profit ${words.signed({ amount: last.profit, unit: found.unit })}; dotted: realised`);
  };
  const around = (values, least) => { // never so near that nothing looks like much
    const known = values.filter((each) => each !== null);
    if (known.length === 0) return [0, 1];
    const low = Math.min(...known), high = Math.max(...known);
    const room = Math.max((high - low) * 0.15, (least ?? high * 0.01) / 2);
    return [low - room, high + room];
  };
  const pnl = (position) => {
    const lines = Object.entries(position.pnl).map(([name, found]) => [name.replaceAll("_", " "), Number(found.amount)])
      .filter(([, value]) => Math.abs(value) >= 0.005).sort((one, other) => one[1] - other[1]);
    const values = lines.map(([, value]) => value);
    document.getElementById("chart-pnl").hidden = lines.length === 0;
    if (lines.length === 0) { say("chart-pnl", "nothing made or lost since it was opened"); return; }
    draw("chart-pnl", [{ type: "bar", orientation: "h", y: lines.map(([name]) => name), x: values,
      marker: { color: values.map((value) => colour(value < 0 ? "--bad" : "--good")) },
      text: values.map((value) => words.plain(value, 2)), textposition: "outside", cliponaxis: false, textfont: { size: 11 }, hoverinfo: "y+x" }],
      { margin: { l: 110, r: 20, t: 8, b: 30 }, hovermode: "closest", bargap: 0.45,
        xaxis: { gridcolor: colour("--line"), zerolinecolor: colour("--soft"), nticks: 5, range: beyond(values) },
        yaxis: { automargin: true } });
    say("chart-pnl", `${words.signed(position.pnl_total)} in all, as of the last mark`);
  };
  const beyond = (values) => { // room for the figures at the bars' ends
    const low = Math.min(0, ...values), high = Math.max(0, ...values), room = (high - low || 1) * 0.22;
    return [low < 0 ? low - room : 0, high > 0 ? high + room : room / 4];
  };
  const gauge = (health, floor) => {
    const arc = (from, to) => {
      const point = (at) => { const a = Math.PI * (1 - (Math.min(Math.max(at, 1), 2) - 1)); return [100 + 78 * Math.cos(a), 96 - 78 * Math.sin(a)]; };
      const [x0, y0] = point(from), [x1, y1] = point(to);
      return `M${x0.toFixed(2)} ${y0.toFixed(2)}A78 78 0 0 1 ${x1.toFixed(2)} ${y1.toFixed(2)}`;
    };
    const value = health === null ? 2 : Number(health);
    const ink = health === null || value >= floor + 0.1 ? "--good" : value >= floor ? "--warn" : "--bad";
    const mark = (at, text) => {
      const a = Math.PI * (1 - (at - 1)), x = 100 + 92 * Math.cos(a), y = 96 - 92 * Math.sin(a);
      return `<text class="tick" x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="middle">${text}</text>`;
    };
    return `<svg viewBox="0 -8 200 120" aria-hidden="true"><path class="track" d="${arc(1, 2)}" fill="none" stroke-width="13" stroke-linecap="round"/>`
      + `<path d="${arc(1, Math.max(value, 1.002))}" fill="none" stroke="var(${ink})" stroke-width="13" stroke-linecap="round"/>`
      + mark(1, "1") + mark(1.5, "1.5") + mark(2, "2+") + mark(floor, "▾")
      + `<text x="100" y="88" text-anchor="middle" font-size="33" font-weight="650" letter-spacing="-1">${health === null ? "∞" : value.toFixed(3)}</text></svg>`;
  };
  return { series, pnl, gauge, spot };
})();
