// A case on the map: its area, where the person was last seen, confirmed hops as numbered dots with lines, next cameras.

import * as L from "./leaflet/leaflet-src.esm.js";
import { h } from "./dom.js";
import { CityMap } from "./map.js";

const NEXT_MAX = 40;
const place = (at) => [at.lat, at.lon];

export class CaseMap {
  constructor(holder, city, clicked) {
    this._holder = holder;
    this._map = new CityMap(holder, city, () => {});
    this._drawn = L.layerGroup().addTo(this._map.leaflet);
    this._asked = L.layerGroup().addTo(this._map.leaflet);
    this._map.leaflet.on("click", (event) => clicked({ lat: event.latlng.lat, lon: event.latlng.lng }));
    this.clear();
  }

  centre() {
    const at = this._map.leaflet.getCenter();
    return { lat: at.lat, lon: at.lng };
  }

  // South, west, north, east of what is visible.
  bounds() {
    const seen = this._map.leaflet.getBounds();
    return [seen.getSouth(), seen.getWest(), seen.getNorth(), seen.getEast()];
  }

  clear() {
    this._drawn.clearLayers();
    this._asked.clearLayers();
    for (const name of ["hops", "solid", "gaps", "next"]) this._holder.dataset[name] = "0";
    this._fitted = null;
  }

  // What a form asks for: a ring of places and the place where the person was last seen.
  ask(ring, seen) {
    this._asked.clearLayers();
    if (ring) L.polygon(ring.map(place), { ...this._style("--main"), fillOpacity: 0.06 }).addTo(this._asked);
    if (seen) this._mark(seen, "seen", "★").addTo(this._asked);
  }

  // The chosen case. *route* may be null; *fitted*: the case's id, by which the map moves to it once; *chosen*: a candidate's place.
  show(theCase, route, fitted, chosen) {
    this._drawn.clearLayers();
    this._asked.clearLayers();
    const ring = ringOf(theCase.area);
    const area = ring ? L.polygon(ring.map(place), { ...this._style("--main"), fill: false, weight: 2 }).addTo(this._drawn) : null;
    const seen = theCase.last_seen?.position;
    if (seen) this._mark(seen, "seen", "★").addTo(this._drawn);
    const hops = (route?.hops ?? []).filter((one) => one.position);
    const next = (route?.next_cameras ?? []).filter((one) => one.position).slice(0, NEXT_MAX);
    for (const one of next) this._mark(one.position, "next", "").addTo(this._drawn);
    const gaps = new Set((route?.gaps ?? []).map((one) => `${one.from_time} ${one.until_time}`));
    let dashed = 0;
    hops.forEach((one, number) => {
      const before = hops[number - 1];
      if (!before) return;
      const isGap = gaps.has(`${before.seen_at} ${one.seen_at}`);
      dashed += isGap ? 1 : 0;
      L.polyline([place(before.position), place(one.position)], { ...this._style("--main"), weight: 4, dashArray: isGap ? "4 10" : null }).addTo(this._drawn);
    });
    if (chosen) this._mark(chosen, "asked", "?").addTo(this._drawn);
    hops.forEach((one, number) => this._mark(one.position, "hop", String(number + 1)).addTo(this._drawn));
    Object.assign(this._holder.dataset, { hops: hops.length, gaps: dashed, solid: Math.max(0, hops.length - 1 - dashed), next: next.length });
    if (this._fitted !== fitted && area) {
      this._fitted = fitted;
      this._map.leaflet.fitBounds(area.getBounds(), { animate: false });
    }
  }

  recolour() {
    this._map.recolour();
  }

  end() {
    this._map.end();
  }

  _style(name) {
    return { color: getComputedStyle(document.documentElement).getPropertyValue(name).trim(), interactive: false };
  }

  _mark(at, kind, text) {
    const icon = L.divIcon({ className: `case-mark ${kind}`, html: h("span", {}, text), iconSize: null });
    return L.marker(place(at), { icon, interactive: false, keyboard: false, zIndexOffset: kind === "hop" ? 1000 : 0 });
  }
}

// The outer ring of an area, as the contract has it (GeoJSON text); null for none.
export function ringOf(area) {
  try {
    const ring = JSON.parse(area)?.coordinates?.[0];
    return ring?.map(([lon, lat]) => ({ lat, lon })) ?? null;
  } catch {
    return null;
  }
}

export const boxOf = ([south, west, north, east]) => [[south, west], [south, east], [north, east], [north, west], [south, west]].map(([lat, lon]) => ({ lat, lon }));

const CORNERS = 32;
const METRES_OF_DEGREE = 111_195;
export function circleOf(centre, radiusM) {
  const north = radiusM / METRES_OF_DEGREE;
  const east = north / Math.max(0.01, Math.cos(centre.lat * (Math.PI / 180)));
  return Array.from({ length: CORNERS + 1 }, (_, number) => {
    const turn = ((number % CORNERS) / CORNERS) * 2 * Math.PI; // closed: the last corner is the first
    return { lat: centre.lat + north * Math.sin(turn), lon: centre.lon + east * Math.cos(turn) };
  });
}

export const polygonOf = (ring) => ({ type: "Polygon", coordinates: [ring.map((one) => [one.lon, one.lat])] });
