"use strict";
// Numbers and times for people. Money comes as decimal text and is only rounded to be shown.
const words = (() => {
  const plain = (text, places) => Number(text).toLocaleString("en-US", {
    minimumFractionDigits: places, maximumFractionDigits: places });
  const money = (found, places) => {
    if (!found) return "–";
    const usd = found.unit.startsWith("USD");
    const digits = plain(found.amount, places ?? (usd ? 2 : 4));
    return usd && found.unit === "USD" ? digits.replace(/^(-?)/, "$1$") : `${digits} ${found.unit}`;
  };
  const signed = (found) => {
    const value = Number(found.amount);
    return (value > 0 ? "+" : "") + money(found);
  };
  const span = (seconds) => {
    if (seconds === null || seconds === undefined) return "not known";
    const steps = [["year", 31536000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
    const [name, size] = steps.find(([, each]) => seconds >= each) ?? steps.at(-1);
    const count = seconds / size;
    if (name === "year" && count > 99) return "over a century";
    const shown = count < 10 && size > 1 ? count.toFixed(1) : Math.round(count);
    return `${shown} ${name}${Number(shown) === 1 ? "" : "s"}`;
  };
  const share = (text) => (text === null ? "–" : `${(Number(text) * 100).toFixed(1)} %`);
  const times = (text, places = 2) => (text === null ? "–" : `${plain(text, places)}×`);
  const moment = (unix) => new Date(unix * 1000).toISOString().slice(0, 16).replace("T", " ");
  return { plain, money, signed, span, share, times, moment };
})();
