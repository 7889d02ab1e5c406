// The map: Leaflet carries place, zoom and keys; the situations are drawn on one canvas.

import * as L from "./leaflet/leaflet-src.esm.js";
import { h } from "./dom.js";
import { drawMark, placeWords } from "./evidence.js";
import { outline } from "./shapes.js";
import { isOver, rankOf } from "./store.js";
import { kindName, say } from "./words.js";

const PULSE_MS = 2400;
const SHAPES = { fire: "triangle", crime: "square", crash: "diamond", traffic: "diamond", medical: "cross", gas: "triangle", hazard: "triangle", rescue: "cross" };
const SIZES = [15, 13, 11, 9, 9];
const HIT_PX = 16;

const scale = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16; // signs grow with the letters

const colours = () => {
  const style = getComputedStyle(document.documentElement);
  return ["extreme", "severe", "moderate", "minor", "unknown", "card", "ink"].map((name) => style.getPropertyValue(`--${name}`).trim());
};

const Signs = L.Layer.extend({
  initialize(chosen) {
    this._chosen = chosen;
    this._signs = [];
    this._pulses = new Map();
    this.selected = null;
    this.around = [];
    this.evidence = [];
  },
  onAdd(map) {
    this._map = map;
    this._canvas = L.DomUtil.create("canvas", "signs leaflet-zoom-hide");
    this._canvas.setAttribute("aria-hidden", "true");
    map.getPanes().overlayPane.append(this._canvas);
    map.on("moveend zoomend resize viewreset", this.draw, this);
    map.on("click", (event) => this._click(event));
    map.on("resize", () => { this._scale = scale(); });
    this._scale = scale();
    this._colours = colours();
    this.draw();
  },
  onRemove(map) {
    this._canvas.remove();
    map.off("moveend zoomend resize viewreset", this.draw, this);
  },
  show(situations, fresh = []) {
    this._signs = [...situations].filter((one) => one.position).sort((a, b) => rankOf(b) - rankOf(a));
    for (const id of fresh) this._pulses.set(id, performance.now());
    this.draw();
    if (this._pulses.size) this._beat();
  },
  recolour() {
    this._colours = colours();
    this.draw();
  },
  _beat() {
    if (this._beating) return;
    this._beating = true;
    const turn = (now) => {
      for (const [id, begun] of this._pulses) if (now - begun > PULSE_MS) this._pulses.delete(id);
      this.draw();
      if (this._pulses.size) requestAnimationFrame(turn);
      else this._beating = false;
    };
    requestAnimationFrame(turn);
  },
  draw() {
    if (!this._map) return;
    const size = this._map.getSize();
    const ratio = devicePixelRatio || 1;
    const canvas = this._canvas;
    if (canvas.width !== size.x * ratio || canvas.height !== size.y * ratio) {
      canvas.width = size.x * ratio;
      canvas.height = size.y * ratio;
      canvas.style.width = `${size.x}px`;
      canvas.style.height = `${size.y}px`;
    }
    L.DomUtil.setPosition(canvas, this._map.containerPointToLayerPoint([0, 0]));
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, size.x, size.y);
    const now = performance.now();
    for (const camera of this.around) this._camera(pen, camera);
    for (const one of this._signs) this._sign(pen, one, now);
    for (const one of this.evidence) { // above the signs: most of it is beside them
      const { x, y } = this._point(one.position);
      drawMark(pen, x, y, one.topics.length, this._scale);
    }
  },
  _point(place) {
    return this._map.latLngToContainerPoint([place.lat, place.lon]);
  },
  _camera(pen, camera) {
    if (!camera.position) return;
    const { x, y } = this._point(camera.position);
    pen.beginPath();
    pen.arc(x, y, 9 * this._scale, 0, Math.PI * 2);
    pen.fillStyle = "#0b4f8a";
    pen.fill();
    pen.strokeStyle = "#fff";
    pen.lineWidth = 1.5;
    pen.stroke();
    pen.fillStyle = "#fff";
    pen.font = `bold ${11 * this._scale}px system-ui, sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(String(camera.rank), x, y + 0.5);
  },
  _sign(pen, one, now) {
    const { x, y } = this._point(one.position);
    const rank = rankOf(one);
    const r = SIZES[rank] * this._scale;
    const colour = isOver(one) ? "#8a8f98" : this._colours[rank];
    const begun = this._pulses.get(one.situation_id);
    if (begun !== undefined) {
      const part = Math.min(1, (now - begun) / PULSE_MS);
      pen.beginPath();
      pen.arc(x, y, r + 30 * part, 0, Math.PI * 2);
      pen.strokeStyle = colour;
      pen.globalAlpha = 1 - part;
      pen.lineWidth = 4;
      pen.stroke();
      pen.globalAlpha = 1;
    }
    if (one.situation_id === this.selected) {
      pen.beginPath();
      pen.arc(x, y, r + 7, 0, Math.PI * 2);
      pen.strokeStyle = this._colours.at(-1);
      pen.lineWidth = 3;
      pen.stroke();
    }
    outline(pen, SHAPES[(one.kind ?? "").split(".")[0]] ?? "circle", x, y, r);
    pen.fillStyle = colour;
    pen.strokeStyle = one.acknowledged_at ? this._colours.at(-2) : this._colours.at(-1);
    pen.lineWidth = 2;
    if (one.certainty === "observed" || one.certainty === "likely") pen.fill();
    else {
      pen.globalAlpha = 0.35;
      pen.fill();
      pen.globalAlpha = 1;
    }
    pen.stroke();
  },
  at(point) {
    let found = null;
    let best = HIT_PX * this._scale;
    for (const one of this._signs) {
      const away = this._point(one.position).distanceTo(point);
      if (away <= best) [found, best] = [one, away];
    }
    return found;
  },
  evidenceAt(point) {
    return this.evidence.find((one) => this._point(one.position).distanceTo(point) <= HIT_PX * this._scale / 2);
  },
  _click(event) {
    const one = this.at(event.containerPoint);
    if (one) this._chosen(one.situation_id);
  },
});

// A feature's look, of the properties that simplestyle 1.1 names.
function ground(about) {
  const color = about.stroke ?? "#8fa3b8";
  return {
    color, weight: about["stroke-width"] ?? 1.5, opacity: about["stroke-opacity"] ?? 1,
    fillColor: about.fill ?? color, fillOpacity: about["fill-opacity"] ?? 0.12, interactive: false,
  };
}

// A sign as it is on the map, for the legend.
export function signOf({ kind = "", rank = 2, isSure = true, isSeen = true }) {
  const canvas = h("canvas", { width: 64, height: 64, "aria-hidden": "true" });
  const pen = canvas.getContext("2d");
  pen.scale(2, 2);
  outline(pen, SHAPES[kind] ?? "circle", 16, 16, Math.min(SIZES[rank], 12));
  const found = colours();
  pen.fillStyle = found[rank];
  pen.strokeStyle = isSeen ? found.at(-2) : found.at(-1);
  pen.lineWidth = 2;
  pen.globalAlpha = isSure ? 1 : 0.35;
  pen.fill();
  pen.globalAlpha = 1;
  pen.stroke();
  return canvas;
}

export class CityMap {
  constructor(holder, city, chosen) {
    this._holder = holder;
    holder.dataset.signs = "0";
    this._map = L.map(holder, { zoomControl: true, attributionControl: false, preferCanvas: true, worldCopyJump: false, zoomSnap: city.tiles ? 1 : 0.25 });
    const { south, west, north, east } = city.bounds;
    this._bounds = [[south, west], [north, east]];
    this._map.fitBounds(this._bounds);
    this._ground = L.layerGroup().addTo(this._map);
    this._lines = L.layerGroup().addTo(this._map);
    this._hasGround = Boolean(city.layers?.length || city.tiles);
    if (city.tiles) this._tiles(city.tiles);
    this._layers(city.layers ?? []).catch(() => {});
    this._map.on("moveend", () => this._graticule());
    this._graticule();
    this._signs = new Signs(chosen).addTo(this._map);
    for (const touch of ["pointerdown", "wheel", "keydown"]) holder.addEventListener(touch, () => { this._isMoved = true; }, { passive: true });
    this._watch = new ResizeObserver(() => {
      this._map.invalidateSize();
      if (!this._isMoved) this.whole(); // nobody has chosen another part yet
    });
    this._watch.observe(holder);
    holder.setAttribute("aria-label", say("map.label"));
    holder.setAttribute("role", "application");
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this._signs.recolour());
    this._map.on("mousemove", (event) => {
      const one = this._signs.at(event.containerPoint);
      const mark = this._signs.evidenceAt(event.containerPoint);
      holder.title = mark ? `${say("story.evidence")}: ${placeWords(mark)}` : one ? `${kindName(one.kind)}, ${say(`severity.${one.severity}`)}` : "";
      holder.classList.toggle("over", Boolean(one));
    });
  }

  _tiles({ address, attribution }) {
    L.tileLayer(address, { maxZoom: 19, className: "tiles" }).addTo(this._map);
    if (attribution) this._holder.append(h("div", { className: "attribution" }, attribution));
  }

  // The background that the city's file names: areas, lines and places, drawn without a word of theirs. Colours and widths are
  // those of "simplestyle" in a feature's properties, where it has them.
  async _layers(layers) {
    for (const address of layers) {
      const answer = await fetch(address);
      if (!answer.ok) continue;
      const style = (feature) => ground(feature?.properties ?? {});
      L.geoJSON(await answer.json(), { style, interactive: false, pointToLayer: (feature, at) => L.circleMarker(at, { ...style(feature), radius: 3 }) }).addTo(this._ground);
    }
  }

  end() {
    this._watch.disconnect();
    this._map.remove();
  }

  show(situations, fresh) {
    this._signs.show(situations, fresh);
    this._holder.dataset.signs = String(situations.length);
  }

  select(one, cameras = [], evidence = []) {
    this._signs.selected = one?.situation_id ?? null;
    this._signs.around = cameras;
    this._signs.evidence = evidence;
    this._holder.dataset.evidence = evidence.map((it) => it.topics.length).join(" ");
    this._signs.draw();
    if (one?.position) {
      const place = [one.position.lat, one.position.lon];
      if (!this._map.getBounds().pad(-0.03).contains(place)) this._map.panTo(place);
    }
  }

  // Leaflet's own map, for a page that draws layers of its own on it.
  get leaflet() {
    return this._map;
  }

  near(one) {
    if (one?.position) this._map.setView([one.position.lat, one.position.lon], Math.max(16, this._map.getZoom()));
  }

  whole() {
    this._map.fitBounds(this._bounds);
  }

  recolour() {
    this._signs.recolour();
    this._graticule();
  }

  // The city's edge and, without a background, lines of whole hundredths of a degree (or coarser) say where one is.
  _graticule() {
    const colour = getComputedStyle(document.documentElement).getPropertyValue("--grid").trim();
    const bounds = this._map.getBounds();
    const span = Math.max(bounds.getEast() - bounds.getWest(), bounds.getNorth() - bounds.getSouth());
    const step = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20].find((one) => span / one <= 12) ?? 30;
    this._lines.clearLayers();
    L.rectangle(this._bounds, { color: colour, weight: 2, fill: false, interactive: false }).addTo(this._lines);
    if (this._hasGround) return;
    const style = { color: colour, weight: 1, interactive: false };
    for (let at = Math.floor(bounds.getWest() / step) * step; at <= bounds.getEast(); at += step) {
      L.polyline([[bounds.getSouth(), at], [bounds.getNorth(), at]], style).addTo(this._lines);
    }
    for (let at = Math.floor(bounds.getSouth() / step) * step; at <= bounds.getNorth(); at += step) {
      L.polyline([[at, bounds.getWest()], [at, bounds.getEast()]], style).addTo(this._lines);
    }
  }
}
