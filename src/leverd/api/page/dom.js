"use strict";
// How the page is written to: text only ever as text, and only where it changed.
const dom = (() => {
  const $ = (id) => document.getElementById(id);
  const set = (id, text) => { if ($(id).textContent !== text) $(id).textContent = text; };
  const made = (tag, text, kind) => {
    const found = document.createElement(tag);
    if (text !== undefined) found.textContent = text;
    if (kind) found.className = kind;
    return found;
  };
  return { $, set, made };
})();
