"use strict";
// The token, the questions, and the line that stays open.
const door = (() => {
  const ROOT = "/api/v1";
  const KEPT = "leverd-token";
  const fragment = new URLSearchParams(location.hash.slice(1));
  if (fragment.has("token")) { // a link's token goes into the tab, not into its history
    sessionStorage.setItem(KEPT, fragment.get("token"));
    history.replaceState(null, "", location.pathname);
  }
  const token = () => sessionStorage.getItem(KEPT);
  const keep = (found) => sessionStorage.setItem(KEPT, found.trim());
  const forget = () => sessionStorage.removeItem(KEPT);
  class Refused extends Error {
    constructor(problem) { super(problem.detail); this.problem = problem; this.status = problem.status; }
  }
  const ask = async (path, body) => {
    const how = { headers: { Authorization: `Bearer ${token()}` }, cache: "no-store" };
    if (body !== undefined) {
      how.method = "POST"; how.body = JSON.stringify(body); how.headers["Content-Type"] = "application/json";
    }
    const answer = await fetch(ROOT + path, how);
    const found = await answer.json();
    if (!answer.ok) throw new Refused(found);
    return found;
  };
  const listen = (heard) => {
    let seq = null, wait = 500, over = false, socket = null;
    const open = () => {
      socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${ROOT}/live`);
      socket.onopen = () => socket.send(JSON.stringify(seq === null ? { token: token() } : { token: token(), after: seq }));
      socket.onmessage = (message) => {
        const said = JSON.parse(message.data);
        if (said.seq !== undefined) seq = said.seq;
        wait = 500;
        heard[said.type]?.(said);
      };
      socket.onclose = (end) => {
        if (over) return;
        if (end.code === 4401) { heard.refused(end.reason); return; }
        if (end.code === 4409) seq = null;
        heard.lost(end.reason);
        setTimeout(open, wait);
        wait = Math.min(wait * 2, 10000);
      };
    };
    open();
    return () => { over = true; socket.close(); };
  };
  return { token, keep, forget, ask, listen, Refused };
})();
