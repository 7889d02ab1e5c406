// The console: signs in, then shows the city now. Everything shown comes from the gateway's event stream and lists.

import { Access } from "./access.js";
import { Cases } from "./cases.js";
import { get, session, signedIn, signOut } from "./api.js";
import { Alarm } from "./alarm.js";
import { ask, KEYS, possible } from "./acting.js";
import { h, fill, refill } from "./dom.js";
import { Figures } from "./figures.js";
import { HandOver } from "./handover.js";
import { List } from "./now.js";
import { CityMap } from "./map.js";
import { Recorded } from "./recorded.js";
import { Situation } from "./situation.js";
import { byLink, refusal, signInPage } from "./signin.js";
import { Sources } from "./sources.js";
import { Store } from "./store.js";
import { tour } from "./tour.js";
import { has, language, moment, ofCity, ofPeople, say, speak } from "./words.js";

// A page: `new Page(store, chosen)` has an `element`; `show()` when it is opened or something changed, `hide()` when it is left.
// `static mayOpen(account, city)` says who sees it (absent: everybody). It may have `key(event)`, which says whether it took the key, and `end()`, when the person leaves.
const PAGES = { handover: HandOver, sources: Sources, figures: Figures, recorded: Recorded, cases: Cases, access: Access };
const mayOpen = (name) => PAGES[name].mayOpen?.(session.account, city) ?? true;
const WALL_MS = 12_000;
const RENEW_MS = 30 * 60_000; // an open event stream renews no session
let city;
let running = null;

async function begin() {
  city = await get("/console/api/city");
  ofCity(city);
  const wished = localStorage.getItem("language") ?? navigator.languages.map((one) => one.slice(0, 2)).find((one) => Object.hasOwn(city.languages, one)) ?? "en";
  await speak(Object.hasOwn(city.languages, wished) ? wished : "en");
  document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "";
  document.title = `${city.title} · Bongsu`;
  let why = refusal();
  try {
    await (await byLink().catch((error) => void (why = error.message)) ?? signedIn());
    await open();
  } catch (error) {
    signInPage(document.body, city, open, error.status === 401 ? why : error.message);
  }
}

addEventListener("signed-out", () => {
  close();
  signInPage(document.body, city, open, say("signin.over"));
});

function close() {
  running?.end();
  running = null;
}

async function open() {
  close();
  city = await get("/console/api/city"); // who is signed in is told more
  ofCity(city);
  ofPeople(await get("/console/api/people").catch(() => ({})));
  if (!session.account.may.read) return readsNothing(() => signInPage(document.body, city, open));
  running = new Console();
  await running.begin();
}

function languageChoice() {
  const speakIt = async (event) => { await speak(event.target.value); await open(); };
  return h("select", { "aria-label": say("language.choose"), onchange: speakIt },
    Object.entries(city.languages).map(([code, name]) => h("option", { value: code, lang: code, selected: code === language }, name)));
}

// An administrator reads no situations: what the account is for, which role would, and the page that it may read.
function readsNothing(left) {
  const why = h("p", { className: "hint reads-nothing", role: "status" }, say("reads-nothing"));
  const page = mayOpen("access") ? new Access({ city }) : { element: h("main", { id: "main" }), show() {} };
  const leave = async () => { await signOut().catch(() => {}); left(); };
  fill(document.body, h("header", { className: "top" }, h("strong", { className: "title" }, city.title),
    h("div", { className: "tools" },
      languageChoice(),
      h("span", { className: "me" }, session.account.name, h("small", {}, ` ${say(`role.${session.account.role}`)}`)),
      h("button", { type: "button", onclick: leave }, say("signout")))), why, page.element);
  page.show();
}

class Console {
  constructor() {
    this.store = new Store(city);
    this.alarm = new Alarm(this.store);
    this._isWall = location.hash === "#wall";
    this._timers = [setInterval(() => this._older(), 1000), setInterval(() => signedIn().catch(() => {}), RENEW_MS)];
    this._toast = h("div", { className: "toast", role: "status", "aria-live": "polite" });
    this._mapHolder = h("div", { className: "map" });
    this._banner = h("div", { className: "banner", role: "alert", hidden: true });
    this._asOf = h("span", { className: "as-of" });
    this._alarm = h("div", { className: "alarm", tabindex: "-1" });
    const chosen = (id) => this.choose(id);
    this.list = new List(this.store, chosen);
    this._now = h("main", { className: "now", id: "main", tabindex: "-1" }, this.list.element, this._mapHolder);
    fill(document.body, h("a", { className: "skip", href: "#main" }, say("skip")), this._header(), this._banner, this._now, this._toast);
    document.body.classList.toggle("wall", this._isWall);
    this.map = new CityMap(this._mapHolder, city, chosen);
    this.situation = new Situation(this.store, this.map, chosen);
    this._now.append(this.situation.element);
    this._pages = {};
    this._handlers = { say: (told) => this.say(told.detail), keydown: (event) => this._key(event), hashchange: () => this._hash() };
    for (const [name, handler] of Object.entries(this._handlers)) addEventListener(name, handler);
    this.store.addEventListener("change", (told) => this._changed(told.detail));
    this.store.addEventListener("connection", () => this._connection());
    this.alarm.addEventListener("change", () => this._alarmState());
  }

  async begin() {
    this._alarmState();
    try {
      await this.store.begin();
    } catch (error) {
      this.say(error.message);
      setTimeout(() => running === this && this.store._load().catch((again) => this.say(again.message)), 2000);
    }
    this._hash();
    if (this._isWall) this._timers.push(setInterval(() => this._turnWall(), WALL_MS));
    else tour();
  }

  end() {
    this._pages[this._shown]?.hide?.();
    for (const page of Object.values(this._pages)) page.end?.();
    this.store.end();
    this.alarm.end();
    this.map.end();
    this._timers.forEach(clearInterval);
    for (const [name, handler] of Object.entries(this._handlers)) removeEventListener(name, handler);
  }

  _header() {
    this._views = ["now", ...Object.keys(PAGES).filter(mayOpen)].map((name) => h("a", { href: name === "now" ? "#" : `#${name}`, "data-view": name }, say(name)));
    return h("header", { className: "top" },
      h("strong", { className: "title" }, city.title, city.is_simulated ? h("span", { className: "mark" }, say("simulated")) : null),
      h("nav", { className: "views", "aria-label": say("views") }, this._views),
      this._asOf, this._alarm,
      h("div", { className: "tools" },
        languageChoice(),
        h("button", { type: "button", onclick: () => this._theme() }, say("theme")),
        h("button", { type: "button", onclick: () => tour(true) }, say("help")),
        h("span", { className: "me" }, session.account.name, h("small", {}, ` ${say(`role.${session.account.role}`)}`)),
        h("button", { type: "button", onclick: async () => { await signOut().catch(() => {}); close(); signInPage(document.body, city, open); } }, say("signout"))));
  }

  choose(id) {
    this.list.select(id);
    this.situation.show(id);
  }

  say(text) {
    this._toast.textContent = text;
    this._toast.classList.add("shown");
    clearTimeout(this._toasting);
    this._toasting = setTimeout(() => this._toast.classList.remove("shown"), 6000);
  }

  _changed({ changed, related }) {
    this.list.show(changed);
    const fresh = [...changed].filter(([, how]) => how === "new").map(([id]) => id);
    this.map.show(this.store.open(), fresh);
    if (this.situation.id && (changed.has(this.situation.id) || related.has(this.situation.id))) {
      clearTimeout(this._refreshing);
      this._refreshing = setTimeout(() => this.situation.id && this.situation.refresh(), 300);
    }
    this._pages[this._shown]?.show();
    this._alarmState();
  }

  _connection() {
    const since = this.store.cutSince;
    this._banner.hidden = since === null;
    if (since !== null) this._banner.textContent = say("cut", { at: moment(new Date(since).toISOString()) });
  }

  _older() {
    const now = this.store.now();
    this._asOf.textContent = say("as-of", { at: moment(new Date(this.store.cutSince ?? now).toISOString()) });
    this.list.grewOlder(now);
    this._banner.hidden = this.store.cutSince === null;
  }

  _alarmState() {
    const waiting = this.alarm.waiting().length;
    const words = this.alarm.isAllowed
      ? h("button", { type: "button", "data-key": "alarm", "aria-pressed": String(this.alarm.isMuted), onclick: () => this.alarm.mute(!this.alarm.isMuted) }, say(this.alarm.isMuted ? "alarm.muted" : "alarm.on"))
      : h("button", { type: "button", "data-key": "alarm", className: "main", onclick: () => this.alarm.allow() }, say("alarm.allow"));
    const state = `${waiting} ${this.alarm.isMuted} ${this.alarm.isAllowed}`;
    if (this._alarmShown === state) return;
    this._alarmShown = state;
    refill(this._alarm, h("span", { className: waiting ? "waiting" : "quiet", role: "status" }, waiting ? say("alarm.waiting", { n: waiting }) : say("alarm.quiet")), words);
  }

  _hash() {
    const name = location.hash.slice(1);
    this._view(Object.hasOwn(PAGES, name) && mayOpen(name) ? name : "now");
  }

  _view(name) {
    if (name !== this._shown) this._pages[this._shown]?.hide?.();
    this._shown = name;
    for (const one of this._views) one.dataset.view === name ? one.setAttribute("aria-current", "page") : one.removeAttribute("aria-current");
    const page = name === "now" ? null : (this._pages[name] ??= new PAGES[name](this.store, (id) => { location.hash = ""; this._view("now"); this.choose(id); }));
    const element = page?.element ?? this._now;
    if (!element.isConnected) document.querySelector("body > main").replaceWith(element);
    if (page) page.show();
    else this.list.show(new Map());
  }

  _theme() {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = document.documentElement.dataset.theme || (dark ? "dark" : "light");
    const chosen = now === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = chosen;
    localStorage.setItem("theme", chosen);
    this.map.recolour();
    this.list.recolour();
    for (const page of Object.values(this._pages)) page.recolour?.();
  }

  _turnWall() {
    this.list.step(this.list.shown().at(-1)?.situation_id === this.list.selected ? -1e9 : 1);
  }

  _key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.matches("input:not([type=range]), select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (this._pages[this._shown]?.key?.(event)) return event.preventDefault();
    const one = this._shown === "now" ? this.situation.told?.situation : null; // no key acts on what is not seen
    const action = Object.keys(KEYS).find((name) => KEYS[name] === event.key);
    if (event.key === "/") this.list.focusSearch();
    else if (event.key === "j" || event.key === "k") this.list.step(event.key === "j" ? 1 : -1);
    else if (event.key === "m") this.alarm.mute(!this.alarm.isMuted);
    else if (event.key === "?") tour(true);
    else if (event.key === "Escape") { this.situation.clear(); this.list.select(null); }
    else if (action && one && possible(one, city).includes(action)) ask(this.store, one, action, () => this.situation.refresh());
    else return;
    event.preventDefault();
  }
}

begin().catch((error) => fill(document.body, h("p", { className: "error", role: "alert" }, has("failed") ? say("failed", { why: error.message }) : error.message)));
