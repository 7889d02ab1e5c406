// A recorded day with the same interface as the store of now. It is read in hours: what stood at an hour's beginning, and every
// revision written in it, so a seek in either direction is a fold from the beginning of its hour.

import { get } from "./api.js";
import { isOver } from "./store.js";

const HOUR_MS = 3_600_000;
const TICK_MS = 250;
const STEP_MAX_MS = 1000; // after a pause of the browser itself the day goes on, it does not jump
const HOURS_KEPT = 4;
const CLOSED_KEPT_MS = 10 * 60_000;
const AGAIN_MAX = 120;
const AHEAD_AGAIN_MS = 5000;
export const SPEEDS = [1, 10, 60, 600];

const iso = (ms) => new Date(ms).toISOString();
const rest = (ms) => new Promise((done) => setTimeout(done, ms));

export class RecordedStore extends EventTarget {
  constructor(city, begin, end, read = get) {
    super();
    this.city = city;
    this.begins = begin;
    this.ends = end;
    this.situations = new Map();
    this.isRecorded = true;
    this.cutSince = null;
    this.isLoaded = false;
    this.isWaiting = false;
    this.speed = 1;
    this._at = begin;
    this._get = read;
    this._hours = new Map();
    this._sought = 0;
    this._aheadFrom = 0;
    this._timer = null;
  }

  now() {
    return this._at;
  }

  get asOf() {
    return this._at;
  }

  get isPlaying() {
    return this._timer !== null;
  }

  end() {
    this._sought = Infinity;
    this.pause();
    this._hours.clear();
  }

  open() {
    return [...this.situations.values()].filter((one) => !isOver(one) && !one.listed_under);
  }

  // The situation as it was known at this time. What the gateway has forgotten since is told by what the log still has.
  async read(id) {
    const at = this._at;
    try {
      return await this._get(`/v1/${this.city.name}/situations/${encodeURIComponent(id)}?as_of=${encodeURIComponent(iso(at))}`);
    } catch (error) {
      const one = this.situations.get(id);
      if (error.status !== 404 || !one) throw error;
      return { situation: one, revisions: [one], alerts: [], grants: [], story: [] };
    }
  }

  // Go to that time. Of several seeks under way the last one counts; the others end without a change.
  async seek(ms) {
    const at = Math.min(this.ends, Math.max(this.begins, ms));
    const number = ++this._sought;
    this._wait(true);
    let hour;
    try {
      hour = await this._hour(this._numberOf(at));
    } catch (error) {
      if (number === this._sought) this._fail(error);
      return;
    }
    if (number !== this._sought) return;
    this._at = at;
    this._next = 0;
    this._showing = hour;
    this.situations = new Map(hour.standing.map((one) => [one.situation_id, one]));
    this._take(hour, at, null);
    this.isLoaded = true;
    this._wait(false);
    this._tell(new Map([...this.situations.keys()].map((id) => [id, "listed"])), new Set(this.situations.keys()), true);
  }

  play() {
    if (this._timer !== null || this._at >= this.ends) return;
    let before = performance.now();
    this._timer = setInterval(() => {
      const now = performance.now();
      this._advance(this._at + Math.min(STEP_MAX_MS, now - before) * this.speed);
      before = now;
    }, TICK_MS);
    this._state();
  }

  pause() {
    if (this._timer === null) return;
    clearInterval(this._timer);
    this._timer = null;
    this._state();
  }

  _numberOf(ms) {
    return Math.floor((Math.min(ms, this.ends - 1) - this.begins) / HOUR_MS);
  }

  _advance(wished) {
    if (this.isWaiting || !this._showing) return;
    const changed = new Map();
    const related = new Set();
    const wanted = Math.min(this.ends, wished);
    while (wanted >= this._showing.to && this._showing.to < this.ends) {
      this._take(this._showing, this._showing.to, changed, related);
      const next = this._hours.get(this._showing.number + 1);
      if (!next?.standing) return this._catchUp(changed, related);
      this._showing = next;
      this._next = 0;
    }
    this._at = wanted;
    this._take(this._showing, wanted, changed, related);
    if (performance.now() >= this._aheadFrom) this._hour(this._showing.number + 1).catch(() => (this._aheadFrom = performance.now() + AHEAD_AGAIN_MS));
    const isWhole = this._forget();
    if (changed.size || related.size || isWhole) this._tell(changed, related, isWhole);
    this.dispatchEvent(new Event("time"));
    if (this._at >= this.ends) this.pause();
  }

  // The next hour is not read yet: the day stands still at its beginning until it is.
  async _catchUp(changed, related) {
    this._at = this._showing.to;
    this._tell(changed, related, false);
    const number = this._sought;
    this._wait(true);
    try {
      await this._hour(this._showing.number + 1);
      if (number === this._sought) this._wait(false);
    } catch (error) {
      if (number === this._sought) this._fail(error);
    }
  }

  _take(hour, until, changed, related = null) {
    for (; this._next < hour.events.length && hour.events[this._next].at <= until; this._next++) {
      const { contract, data } = hour.events[this._next];
      if (contract !== "core.situation") {
        related?.add(data.situation_id);
        continue;
      }
      const before = this.situations.get(data.situation_id);
      if (before && before.revision >= data.revision) continue;
      changed?.set(data.situation_id, before && changed.get(data.situation_id) !== "new" ? "changed" : "new");
      this.situations.set(data.situation_id, data);
    }
  }

  _forget() {
    let any = false;
    for (const [id, one] of this.situations) {
      if (isOver(one) && Date.parse(one.event_time) < this._at - CLOSED_KEPT_MS) any = this.situations.delete(id);
    }
    return any;
  }

  _tell(changed, related, isWhole) {
    this.dispatchEvent(new CustomEvent("change", { detail: { changed, related, isWhole } }));
  }

  _wait(isWaiting) {
    this.isWaiting = isWaiting;
    this._state();
  }

  _state() {
    this.dispatchEvent(new Event("state"));
  }

  _fail(error) {
    this.isWaiting = false;
    this.pause();
    this.dispatchEvent(new CustomEvent("failed", { detail: error }));
  }

  _hour(number) {
    const from = this.begins + number * HOUR_MS;
    if (from >= this.ends) return Promise.resolve(null);
    const kept = this._hours.get(number);
    if (kept) return kept.reading ?? Promise.resolve(kept);
    const made = { number, from, to: Math.min(this.ends, from + HOUR_MS), standing: null, events: [] };
    made.reading = this._read(made).catch((error) => {
      this._hours.delete(number);
      throw error;
    });
    this._hours.set(number, made);
    for (const other of this._hours.keys()) {
      if (this._hours.size > HOURS_KEPT && other !== number && other !== this._showing?.number) this._hours.delete(other);
    }
    return made.reading;
  }

  async _read(hour) {
    let standing = null;
    let next = null;
    let at = hour.from;
    do {
      const more = next ? `&cursor=${encodeURIComponent(next)}` : "";
      const page = await this._patiently(`/v1/${this.city.name}/recorded?from=${iso(hour.from)}&to=${iso(hour.to)}&limit=500${more}`);
      standing ??= page.standing;
      for (const one of page.events) {
        at = Math.max(at, Date.parse(one.at));
        hour.events.push({ at, contract: one.contract, data: one.data });
      }
      next = page.next;
    } while (next && this._sought !== Infinity);
    hour.standing = standing;
    hour.reading = null;
    return hour;
  }

  // The gateway reads a long log in parts: it asks to come back until it has the whole.
  async _patiently(path) {
    for (let number = 0; ; number++) {
      try {
        return await this._get(path);
      } catch (error) {
        if (error.status !== 503 || number >= AGAIN_MAX || this._sought === Infinity) throw error;
        await rest(1000 * (error.retryAfterS || 1));
      }
    }
  }
}

// The beginning of that day in that zone, in ms; `text` is YYYY-MM-DD. A zone may have put its clocks on in between.
export function midnight(text, zone) {
  const wished = Date.parse(`${text}T00:00:00Z`);
  const form = new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const ahead = (ms) => {
    const part = Object.fromEntries(form.formatToParts(ms).map((one) => [one.type, one.value]));
    return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second) - ms;
  };
  const found = wished - ahead(wished);
  return wished - ahead(found);
}

export function dayOf(ms, zone) {
  return new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(ms);
}

export function dayAfter(text) {
  return iso(Date.parse(`${text}T00:00:00Z`) + 24 * HOUR_MS).slice(0, 10);
}
