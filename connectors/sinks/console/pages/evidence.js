// The evidence of a situation as marks on the map: one for each place, with a number where several share it.

import { h } from "./dom.js";
import { has, say } from "./words.js";

const COLOUR = "#6b2fa0";
const RADIUS = 4.5;
const NUMBERED = 7.5;

// {position, topics} of each place; what has no place is not among them.
export function placesOf(evidence) {
  const found = new Map();
  for (const { position, topic } of evidence ?? []) {
    if (!position) continue;
    const key = `${position.lat.toFixed(5)},${position.lon.toFixed(5)}`; // a metre
    if (!found.has(key)) found.set(key, { position, topics: [] });
    found.get(key).topics.push(topic);
  }
  return [...found.values()];
}

export function drawMark(pen, x, y, count, scale = 1) {
  const r = (count > 1 ? NUMBERED : RADIUS) * scale;
  pen.beginPath();
  pen.rect(x - r, y - r, 2 * r, 2 * r);
  pen.fillStyle = COLOUR;
  pen.fill();
  pen.strokeStyle = "#fff";
  pen.lineWidth = 1.5;
  pen.stroke();
  if (count < 2) return;
  pen.fillStyle = "#fff";
  pen.font = `bold ${10 * scale}px system-ui, sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(count > 99 ? "99+" : String(count), x, y + 0.5);
}

// The mark as it is on the map, for the legend.
export function markOf(count = 1) {
  const canvas = h("canvas", { width: 64, height: 64, "aria-hidden": "true" });
  const pen = canvas.getContext("2d");
  pen.scale(2, 2);
  drawMark(pen, 16, 16, count);
  return canvas;
}

const topicName = (topic) => {
  const name = topic.slice(topic.indexOf(".") + 1);
  return has(`topic.${name}`) ? say(`topic.${name}`) : say("story.incident");
};

// One place in words: what was seen there, and how often.
export function placeWords({ topics }) {
  const counts = new Map();
  for (const one of topics.map(topicName)) counts.set(one, (counts.get(one) ?? 0) + 1);
  return [...counts].map(([name, count]) => (count > 1 ? say("evidence.times", { name, n: count }) : name)).join(", ");
}

// The line beside the story that says what the marks are, and each place in words.
export function evidenceLine(evidence) {
  const places = placesOf(evidence);
  if (!places.length) return null;
  const placed = places.reduce((sum, one) => sum + one.topics.length, 0);
  return h("div", { className: "evidence" },
    h("p", {}, markOf(), ` ${say("evidence.on-map", { n: placed, places: places.length })}`, placed < evidence.length ? ` ${say("evidence.nowhere", { n: evidence.length - placed })}` : null),
    h("ul", {}, places.map((one) => h("li", {}, `${one.position.lat.toFixed(5)}, ${one.position.lon.toFixed(5)}: ${placeWords(one)}`))));
}
