"use strict";
// Before the first paint: what was chosen here last, else what the system prefers.
(() => {
  const kept = localStorage.getItem("leverd-theme");
  if (kept) document.documentElement.dataset.theme = kept;
})();
