// A day again: the same list, map, situation and hand-over over a recorded day. Nothing can be done here, only looked at.

import { isUrgent } from "./alarm.js";
import { h, fill } from "./dom.js";
import { HandOver } from "./handover.js";
import { CityMap } from "./map.js";
import { List } from "./now.js";
import { RecordedStore, SPEEDS, dayAfter, dayOf, midnight } from "./recorded_store.js";
import { Situation } from "./situation.js";
import { moment, say, time } from "./words.js";

const BACK_MS = 3_600_000; // a first look begins an hour ago
const CALM_SPEED = 10;
const REFRESH_MS = 1000;
const STEP_S = 60;

export class Recorded {
  constructor(live) {
    this._city = live.city;
    this._now = () => live.now();
    this._clock = h("p", { className: "clock" });
    this._date = h("input", { type: "date", max: dayOf(this._now(), this._city.timezone), "aria-label": say("recorded.date"), onchange: () => this._day(this._date.value) });
    this._slider = h("input", { type: "range", min: "0", step: "1", "aria-label": say("recorded.slider"), oninput: () => this._seek(Number(this._slider.value) * 1000 + this.store.begins) });
    this._slider.addEventListener("keydown", (event) => this._slide(event));
    this._play = h("button", { type: "button", className: "main play", "aria-keyshortcuts": "Space", onclick: () => this._turn() });
    this._speeds = SPEEDS.map((speed) => h("button", { type: "button", "aria-label": say("recorded.speed", { n: speed }), onclick: () => this._speed(speed) }, `×${speed}`));
    this._urgent = h("span", { className: "urgent-count" });
    this._state = h("p", { className: "state", role: "status" });
    this._views = ["map", "handover"].map((name) => h("button", { type: "button", "data-part": name, onclick: () => this._view(name) }, say(name === "map" ? "recorded.map" : "handover")));
    this._holder = h("div", { className: "holder" });
    this.element = h("main", { className: "recorded", id: "main", tabindex: "-1" },
      h("section", { className: "recorded-bar", "aria-label": say("recorded.bar") },
        h("div", { className: "recorded-title" }, h("h1", {}, say("recorded.title")), h("p", {}, say("recorded.about"))),
        this._clock, h("a", { className: "back", href: "#" }, say("recorded.leave")),
        h("div", { className: "recorded-tools" }, this._date, this._play, h("div", { role: "group", "aria-label": say("recorded.speeds"), className: "speeds" }, this._speeds),
          h("div", { role: "group", "aria-label": say("views"), className: "parts" }, this._views), this._urgent, this._state),
        h("div", { className: "recorded-day" }, this._slider)),
      this._holder);
  }

  show() {
    if (this._isShown) return; // what changes now is not this page's
    this._isShown = true;
    document.body.classList.add("is-recorded");
    const now = this._now();
    const today = dayOf(now, this._city.timezone);
    if (this.store && this._date.value !== today) return;
    this._date.value = this._date.max = today; // today has grown since
    this._day(today, this.store?.now() ?? now - BACK_MS);
  }

  hide() {
    this._isShown = false;
    document.body.classList.remove("is-recorded");
    this.store?.pause();
  }

  recolour() {
    this.map?.recolour();
    this.list?.recolour();
  }

  end() {
    this.hide();
    this.store?.end();
    this.map?.end();
  }

  // A day begins at midnight of the city's zone, and today ends now.
  async _day(text, at = null) {
    if (!text) return;
    this.store?.end();
    this.map?.end();
    const begin = midnight(text, this._city.timezone);
    const end = Math.min(midnight(dayAfter(text), this._city.timezone), Math.floor(this._now() / 1000) * 1000);
    if (end <= begin) return this._failed({ message: say("recorded.later") });
    const store = (this.store = new RecordedStore(this._city, begin, end));
    this._slider.max = String(Math.floor((end - begin) / 1000));
    const chosen = (id) => this.choose(id);
    this.list = new List(store, chosen);
    const mapHolder = h("div", { className: "map" });
    this._parts = { map: h("div", { className: "now" }, this.list.element, mapHolder) };
    this._view("map");
    this.map = new CityMap(mapHolder, this._city, chosen);
    this.situation = new Situation(store, this.map, chosen);
    this._parts.map.append(this.situation.element);
    this.handover = new HandOver(store, (id) => { this._view("map"); this.choose(id); }, "div");
    this._parts.handover = this.handover.element;
    store.addEventListener("change", (told) => store === this.store && this._changed(told.detail));
    store.addEventListener("time", () => store === this.store && this._time());
    store.addEventListener("state", () => store === this.store && this._buttons());
    store.addEventListener("failed", (told) => store === this.store && this._failed(told.detail));
    this._speed(this._chosenSpeed ?? 1);
    await store.seek(at ?? begin);
  }

  _seek(ms) {
    return this.store?.seek(ms);
  }

  _turn() {
    if (this.store?.isPlaying) this.store.pause();
    else this.store?.play();
  }

  _speed(speed) {
    this._chosenSpeed = speed;
    if (this.store) this.store.speed = speed;
    this._speeds.forEach((button, number) => button.setAttribute("aria-pressed", String(SPEEDS[number] === speed)));
  }

  // A second is too fine a step for keys: arrows go a minute, with Shift a second.
  _slide(event) {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!by || !this.store) return;
    event.preventDefault();
    this._seek(this.store.now() + by * 1000 * (event.shiftKey ? 1 : STEP_S));
  }

  _view(name) {
    if (!this._parts?.[name]) return;
    this._shown = name;
    for (const one of this._views) one.setAttribute("aria-pressed", String(one.dataset.part === name));
    fill(this._holder, this._parts[name]);
    if (name === "handover") this.handover.show();
  }

  choose(id) {
    this.list.select(id);
    this.situation.show(id);
  }

  _changed({ changed, related, isWhole }) {
    this.list.show(isWhole || this.store.speed > CALM_SPEED ? new Map() : changed); // at speed, all would flash all the time
    const fresh = isWhole ? [] : [...changed].filter(([, how]) => how === "new").map(([id]) => id);
    this.map.show(this.store.open(), fresh);
    if (this._shown === "handover") this.handover.show();
    const id = this.situation.id;
    if (id && (isWhole || changed.has(id) || related.has(id))) this._refresh();
    this._time();
    this._buttons();
  }

  _refresh() {
    this._refreshing ??= setTimeout(() => {
      this._refreshing = null;
      if (this.situation.id) this.situation.refresh();
    }, REFRESH_MS);
  }

  _time() {
    const at = new Date(this.store.now()).toISOString();
    this._clock.textContent = moment(at);
    this._slider.value = String(Math.floor((this.store.now() - this.store.begins) / 1000));
    this._slider.setAttribute("aria-valuetext", time(at));
    this.list.grewOlder(this.store.now());
  }

  _buttons() {
    const { isPlaying, isWaiting } = this.store;
    this._play.textContent = say(isPlaying ? "recorded.pause" : "recorded.play");
    this._play.disabled = !this.store.isLoaded;
    this._state.textContent = isWaiting ? say("recorded.reading") : "";
    this._state.className = "state";
    const waiting = this.store.open().filter(isUrgent).length;
    this._urgent.textContent = waiting ? say("recorded.waiting", { n: waiting }) : "";
  }

  _failed(error) {
    this._state.textContent = error.status === 410 ? say("recorded.gone", { since: error.expected ?? "" }) : error.message;
    this._state.className = "state error";
  }

  // Keys of this page; those that act on a situation do nothing here.
  key(event) {
    if (!this.list) return false;
    if (event.key === " " && !event.target.matches("button, a, summary")) this._turn();
    else if (event.key === "/") this.list.focusSearch();
    else if (event.key === "j" || event.key === "k") this.list.step(event.key === "j" ? 1 : -1);
    else if (event.key === "Escape") { this.situation.clear(); this.list.select(null); }
    else return false;
    return true;
  }
}
