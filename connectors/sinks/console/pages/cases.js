// Cases of missing persons: which are open, and one of them with its candidates and its route. Everything shown of a case is
// asked again every two seconds, so another operator's answer is seen at once; nothing of it stays here once it is over.

import { get, post } from "./api.js";
import { ANSWERS, card } from "./case_cards.js";
import { CaseForm } from "./case_form.js";
import { CaseMap } from "./case_map.js";
import { facts, hopList, rowOf } from "./case_parts.js";
import { h, fill, refill } from "./dom.js";
import { say } from "./words.js";

const PURPOSE = "missing-person";
const ASK_MS = 2000;
const CARDS_MAX = 4;
const CARDS_LEAST_WIDTH = 230;
const ASKED_MAX = 200;
const CAMERAS_PAGES_MAX = 10;
const VIEWS = { waiting: ["open", "unsure"], rejected: ["rejected", "parted"] };

export class Cases {
  static mayOpen = (account, city) =>
    Boolean(city.cases?.agencies.includes(account.audience) && account.purposes?.includes(PURPOSE) && account.may.act.length);

  constructor(store) {
    this._city = store.city;
    this._path = `/v1/${encodeURIComponent(store.city.name)}/cases`;
    this._list = []; // of open cases: one that is over leaves it with the next answer
    this._cameras = new Map();
    this._forget();
    this._rows = h("ul", { className: "case-list", tabindex: "-1" });
    this._about = h("section", { className: "case-about", "aria-label": say("cases.about"), tabindex: "-1" });
    this._state = h("p", { className: "state", role: "status" });
    this._error = h("p", { className: "error", role: "alert" });
    this._work = h("section", { className: "case-work", "aria-label": say("cases.candidates"), tabindex: "-1" });
    this._hops = h("section", { className: "case-hops", "aria-label": say("cases.route"), tabindex: "-1" });
    this._mapHolder = h("div", { className: "map" });
    this._opener = h("button", { type: "button", className: "main", "data-key": "open", "aria-keyshortcuts": "o", onclick: () => this._openForm() }, say("cases.open"), h("kbd", { "aria-hidden": "true" }, "o"));
    this.element = h("main", { className: "cases", id: "main", tabindex: "-1" },
      h("div", { className: "case-side" }, h("h1", {}, say("cases")), this._opener, this._state, this._error, this._rows, this._about),
      this._work, this._mapHolder, this._hops);
    this.map = new CaseMap(this._mapHolder, this._city, (at) => this._form?.place(at));
    this._watch = new ResizeObserver(() => this._id && this._write());
    this._watch.observe(this._work);
  }

  // Called when the page is opened, and whenever a situation changes: only the first of these begins.
  show() {
    if (this._isShown) return;
    this._isShown = true;
    this._write();
    this._readCameras().catch(() => {});
    this._turn();
  }

  hide() {
    this._isShown = false;
    clearTimeout(this._timer);
    this._leaveForm();
    const id = this._id;
    this._drop();
    this._id = id; // opened again with the page
  }

  end() {
    this.hide();
    this._drop();
    this._watch.disconnect();
    this.map.end();
  }

  recolour() {
    this.map.recolour();
    if (this._case) this._write();
  }

  // -- what is known of a case -------------------------------------------------------------------------------------------

  _forget() {
    this._id = this._case = this._route = this._chosen = this._chosenHop = null;
    this._candidates = [];
    this._confirmed = [];
    this._answered = new Map(); // candidate → the revision that was answered here, until a newer one comes; emptied with the case
    this._view = "waiting";
    this._told = "";
  }

  // Leave the case: nothing of it stays in memory, on the map or in the page.
  _drop() {
    this._forget();
    this.map.clear();
    this._state.textContent = "";
    fill(this._about);
    this._write();
  }

  async _turn() {
    clearTimeout(this._timer);
    try {
      await this._read();
      this._error.textContent = "";
    } catch (error) {
      if (error.status === 404 && this._id) this._over();
      else this._error.textContent = error.message;
    }
    clearTimeout(this._timer);
    if (this._isShown) this._timer = setTimeout(() => this._turn(), ASK_MS);
  }

  async _read() {
    const id = this._id;
    const list = await get(`${this._path}?state=open&limit=500`);
    if (!this._isShown) return;
    this._list = list.cases;
    if (id && !this._list.some((one) => one.case_id === id)) this._over();
    else if (id) {
      const path = `${this._path}/${encodeURIComponent(id)}`;
      const states = VIEWS[this._view].map((one) => `state=${one}`).join("&");
      const [waiting, confirmed, route] = await Promise.all([get(`${path}/candidates?${states}&limit=${ASKED_MAX}`), get(`${path}/candidates?state=confirmed&limit=500`), get(`${path}/route`)]);
      if (id !== this._id || !this._isShown) return;
      this._case = this._list.find((one) => one.case_id === id) ?? null;
      this._candidates = waiting.candidates;
      this._confirmed = confirmed.candidates;
      this._route = route.route;
    }
    const told = JSON.stringify([list, this._candidates, this._confirmed, this._route, Math.floor(Date.now() / 60_000)]);
    if (told !== this._told) this._write(); // a button that is drawn anew while it is pressed is not pressed
    this._told = told;
  }

  _over() {
    this._drop();
    dispatchEvent(new CustomEvent("say", { detail: say("cases.over") }));
  }

  // The names of cameras: they are the city's, and no case's.
  async _readCameras() {
    if (this._cameras.size) return;
    const { south, west, north, east } = this._city.bounds;
    const near = `near=${(south + north) / 2},${(west + east) / 2}&radius_m=50000&limit=500`;
    for (let next = null, page = 0; page < CAMERAS_PAGES_MAX; page += 1) {
      const told = await get(`/v1/${this._city.name}/cameras?${near}${next ? `&cursor=${encodeURIComponent(next)}` : ""}`);
      for (const { camera } of told.cameras) this._cameras.set(camera.camera_id, { name: camera.name });
      next = told.next;
      if (!next) break;
    }
    this._write();
  }

  // -- choosing ------------------------------------------------------------------------------------------------------------

  choose(id) {
    this._leaveForm();
    if (id !== this._id) this._drop();
    this._id = id;
    this._write();
    this._turn();
  }

  _openForm() {
    if (this._form) return;
    this._drop();
    this._form = new CaseForm(this._city, this.map, { opened: (id) => this.choose(id), left: () => { this._leaveForm(); this._write(); this._opener.focus(); } });
    this.element.classList.add("opens");
    this._write();
    this._form.focus();
  }

  _leaveForm() {
    this._form?.clear();
    this._form = null;
    this.element.classList.remove("opens");
  }

  // Candidates that wait, in the server's order: what an answer helps most comes first. Those that need none now come last.
  _waiting() {
    const waits = this._candidates.filter((one) => (this._answered.get(one.candidate_id) ?? -1) < one.revision);
    return waits.sort((a, b) => Number(a.worth === null) - Number(b.worth === null));
  }

  _cards() {
    const room = Math.floor((this._work.clientWidth || 4 * CARDS_LEAST_WIDTH) / CARDS_LEAST_WIDTH);
    return this._waiting().slice(0, Math.max(2, Math.min(CARDS_MAX, room)));
  }

  // -- answering -----------------------------------------------------------------------------------------------------------

  async _answer(word, one) {
    if (!one || this._answering) return;
    this._answering = true;
    const path = `${this._path}/${encodeURIComponent(this._id)}/candidates/${encodeURIComponent(one.candidate_id)}/answers`;
    this._answered.set(one.candidate_id, one.revision); // the next one comes by itself
    this._write();
    try {
      await post(path, { answer: word, revision: one.revision });
      this._state.textContent = say("cases.answered", { what: say(`cases.${word}`), n: this._waiting().length });
    } catch (error) {
      this._answered.delete(one.candidate_id);
      this._error.textContent = error.message;
    } finally {
      this._answering = false;
    }
    this._turn();
  }

  _part(hop) {
    const one = this._confirmed.find((it) => it.candidate_id === hop?.candidate_id);
    return this._answer("part", one);
  }

  // Letters as the keyboard has them; where it writes none of a to z (Korean, Thai), by the key's place.
  key(event) {
    const letter = /^[a-z]$/i.test(event.key) ? event.key.toLowerCase() : /^Key[A-Z]$/.test(event.code) && event.key.length === 1 ? event.code.at(-1).toLowerCase() : "";
    if (letter === "o" && !this._form) this._openForm();
    else if (event.key === "Escape" && this._form) { this._leaveForm(); this._write(); this._opener.focus(); }
    else if (!this._id || this._form || event.target.closest?.(".map")) return false;
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") this._step(event.key === "ArrowRight" ? 1 : -1);
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") this._stepHop(event.key === "ArrowDown" ? 1 : -1);
    else if (letter === "z") this._part(this._hop());
    else {
      const word = Object.keys(ANSWERS).find((name) => ANSWERS[name] === letter);
      if (!word) return false;
      this._answer(word, this._cards().find((one) => one.candidate_id === this._chosen));
    }
    return true;
  }

  _step(by) {
    const cards = this._cards();
    const at = cards.findIndex((one) => one.candidate_id === this._chosen);
    this._chosen = cards[Math.min(cards.length - 1, Math.max(0, at + by))]?.candidate_id ?? null;
    this._write();
  }

  // The chosen hop; without one the last.
  _hop() {
    const hops = this._route?.hops ?? [];
    return hops.find((one) => one.candidate_id === this._chosenHop) ?? hops.at(-1);
  }

  _stepHop(by) {
    const hops = this._route?.hops ?? [];
    const at = hops.indexOf(this._hop());
    this._chosenHop = hops[Math.min(hops.length - 1, Math.max(0, at + by))]?.candidate_id ?? null;
    this._write();
  }

  // -- writing -------------------------------------------------------------------------------------------------------------

  _write() {
    this._writeList();
    if (this._form) {
      if (!this._form.element.isConnected) fill(this._work, this._form.element);
      fill(this._hops);
      return;
    }
    const one = this._case;
    if (!one) {
      refill(this._work, h("p", { className: "hint" }, say(this._id ? "cases.reading" : "cases.choose")));
      fill(this._hops);
      return;
    }
    const cards = this._cards();
    if (!cards.some((it) => it.candidate_id === this._chosen)) this._chosen = cards[0]?.candidate_id ?? null;
    refill(this._about, facts(one, this._city, `${this._path}/${encodeURIComponent(one.case_id)}`, { filed: () => this._turn(), closed: () => { this._drop(); this._turn(); } }));
    refill(this._work, this._candidateList(one, cards));
    refill(this._hops, hopList(this._route, this._hop(), this._cameras, (hop) => this._part(hop)));
    this.map.show(one, this._route, one.case_id, cards.find((it) => it.candidate_id === this._chosen)?.position);
  }

  _writeList() {
    const row = (one) => rowOf(one, this._city, one.case_id === this._id, () => this.choose(one.case_id));
    refill(this._rows, this._list.length ? this._list.map(row) : h("li", { className: "hint" }, say("cases.none")));
  }

  _candidateList(one, cards) {
    const about = { city: this._city, theCase: one, route: this._route, cameras: this._cameras, chosen: this._chosen, nowMs: Date.now() };
    const chose = (it) => { if (it.candidate_id !== this._chosen) { this._chosen = it.candidate_id; this._write(); } };
    const turn = (view) => { this._view = view; this._candidates = []; this._write(); this._turn(); };
    const views = Object.keys(VIEWS).map((view) => h("button", { type: "button", "data-key": `view-${view}`, "aria-pressed": String(view === this._view), onclick: () => turn(view) }, say(`cases.view.${view}`)));
    return [
      h("div", { className: "heading" }, h("h2", {}, say("cases.candidates")), h("span", { className: "count" }, say("cases.count", { n: this._waiting().length })), h("div", { role: "group", "aria-label": say("views"), className: "parts" }, views)),
      cards.length ? h("ol", { className: "candidates" }, cards.map((it, number) => card(it, number + 1, about, (word, asked) => this._answer(word, asked), chose))) : h("p", { className: "hint" }, say("cases.none-waits")),
      h("p", { className: "hint keys" }, say("cases.keys")),
    ];
  }
}
