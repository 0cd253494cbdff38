// Draws the plots that the page describes, in the colours of its theme. Asks nobody for anything.
"use strict";
(function () {
  const plots = JSON.parse(document.getElementById("plots").textContent);
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let zooming = false;

  // "$held" becomes what the theme calls --held, wherever it stands; a token may be called $X too.
  function coloured(value, style) {
    if (typeof value === "string") {
      return (value[0] === "$" && style.getPropertyValue("--" + value.slice(1)).trim()) || value;
    }
    if (Array.isArray(value)) {
      return typeof value[0] === "object" ? value.map((each) => coloured(each, style)) : value;
    }
    if (value && typeof value === "object") {
      const found = {};
      for (const key of Object.keys(value)) found[key] = coloured(value[key], style);
      return found;
    }
    return value;
  }

  function draw() {
    const style = getComputedStyle(root);
    const ink = style.getPropertyValue("--ink").trim();
    const card = style.getPropertyValue("--card").trim();
    for (const plot of plots) {
      const element = document.getElementById(plot.name);
      const traces = coloured(plot.traces, style);
      const layout = Object.assign(coloured(plot.layout, style), {
        paper_bgcolor: "rgba(0,0,0,0)",
        plot_bgcolor: "rgba(0,0,0,0)",
        font: { color: ink, family: "system-ui, sans-serif", size: 12.5 },
        modebar: { bgcolor: "rgba(0,0,0,0)", color: style.getPropertyValue("--grid").trim(),
          activecolor: style.getPropertyValue("--soft").trim() },
        hoverlabel: { bgcolor: card, font: { color: ink }, align: "left" },
        uirevision: "kept",
      });
      const shown = element.layout && element.layout.xaxis && element.layout.xaxis.range;
      if (shown && plot.in_time) layout.xaxis = Object.assign({}, layout.xaxis, { range: shown.slice() });
      Plotly.react(element, traces, layout, { displaylogo: false, responsive: true, displayModeBar: window.innerWidth < 640 ? false : "hover",
        modeBarButtons: [plot.in_time ? ["zoom2d", "pan2d", "resetScale2d", "toImage"] : ["toImage"]] });
    }
  }

  // Those in time show the same stretch.
  function together(plot, event) {
    const others = plots.filter((each) => each.in_time && each.name !== plot.name);
    let change = null;
    if (event["xaxis.autorange"]) change = { "xaxis.autorange": true };
    else if (event["xaxis.range[0]"] !== undefined) {
      change = { "xaxis.range[0]": event["xaxis.range[0]"], "xaxis.range[1]": event["xaxis.range[1]"] };
    }
    if (zooming || change === null) return;
    zooming = true;
    Promise.all(others.map((each) => Plotly.relayout(each.name, Object.assign({}, change))))
      .finally(() => { zooming = false; });
  }

  function theme() {
    return root.dataset.theme || (dark.matches ? "dark" : "light");
  }

  draw();
  for (const plot of plots) {
    if (plot.in_time) document.getElementById(plot.name).on("plotly_relayout", (event) => together(plot, event));
  }
  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = theme() === "dark" ? "light" : "dark";
    draw();
  });
  dark.addEventListener("change", draw);
})();
