// Small charts, drawn as SVG: columns for days, bars for kinds. What is not reported has no column and says so.

import { h } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDE = 640;
const HIGH = 190;

function s(tag, about = {}, text = null) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(about)) made.setAttribute(name, String(value));
  if (text !== null) made.textContent = text;
  return made;
}

function framed(title, high, parts) {
  const drawn = s("svg", { viewBox: `0 0 ${WIDE} ${high}`, role: "img", "aria-label": title });
  drawn.append(...parts);
  return h("figure", { className: "chart" }, h("figcaption", { "aria-hidden": "true" }, title), drawn);
}

const shown = (value) => (value === null ? "–" : String(Math.round(value * 10) / 10));

/** Columns of `rows` ({ name, value or null }) in their order, with a line at `goal` ({ value, text }). */
export function columns(title, rows, goal = null) {
  const most = Math.max(...rows.map((one) => one.value ?? 0), goal?.value ?? 0) || 1;
  const end = goal ? WIDE - 84 : WIDE; // beside the columns there is room for the goal's words
  const [top, floor, step] = [26, HIGH - 24, end / Math.max(rows.length, 1)];
  const at = (value) => floor - (value / most) * (floor - top);
  const each = Math.max(1, Math.ceil(rows.length / 11)); // names would touch where there are more
  const parts = [s("line", { x1: 0, x2: WIDE, y1: floor, y2: floor })];
  if (goal) {
    parts.push(s("line", { class: "goal", x1: 0, x2: WIDE, y1: at(goal.value), y2: at(goal.value) }));
  }
  rows.forEach(({ name, value }, number) => {
    const middle = step * (number + 0.5);
    const wide = Math.min(step * 0.6, 56);
    if (value !== null) parts.push(s("rect", { x: middle - wide / 2, width: wide, y: at(value), height: Math.max(floor - at(value), 1), rx: 2 }));
    if (each === 1 || (value !== null && rows.length < 16)) parts.push(s("text", { class: value === null ? "none" : "value", x: middle, y: value === null ? floor - 6 : at(value) - 5, "text-anchor": "middle" }, shown(value)));
    if (number % each === 0) parts.push(s("text", { x: middle, y: HIGH - 6, "text-anchor": "middle" }, name));
  });
  if (goal) parts.push(s("text", { class: "of-goal", x: WIDE, y: at(goal.value) - 5, "text-anchor": "end" }, goal.text));
  return framed(title, HIGH, parts);
}

/** Bars of `rows` ({ name, value or null }), one below the other, with a line at `goal`. */
export function bars(title, rows, goal = null) {
  const most = Math.max(...rows.map((one) => one.value ?? 0), goal?.value ?? 0) || 1;
  const [start, line, high] = [210, 28, rows.length * 28 + 24];
  const long = (value) => (value / most) * (WIDE - start - 60);
  const parts = rows.flatMap(({ name, value }, number) => {
    const y = number * line + 4;
    const text = name.length > 26 ? `${name.slice(0, 25)}…` : name;
    return [
      s("text", { x: start - 10, y: y + 15, "text-anchor": "end" }, text),
      ...(value === null ? [] : [s("rect", { x: start, y, width: Math.max(long(value), 1), height: 20, rx: 2 })]),
      s("text", { class: value === null ? "none" : "value", x: start + (value === null ? 0 : long(value)) + 8, y: y + 15 }, shown(value)),
    ];
  });
  parts.push(s("line", { x1: start, x2: start, y1: 0, y2: high - 22 }));
  if (goal) {
    const x = start + long(goal.value);
    parts.push(s("line", { class: "goal", x1: x, x2: x, y1: 0, y2: high - 20 }), s("text", { class: "of-goal", x, y: high - 6, "text-anchor": "middle" }, goal.text));
  }
  return framed(title, high, parts);
}
