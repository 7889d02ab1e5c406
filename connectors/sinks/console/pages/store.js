// The situations as they are now: the list once, then the event stream. Changes are told in batches, four times a second.

import { get, signedIn } from "./api.js";

const BATCH_MS = 250;
const AGAIN_MS = 2000;
const PULSE_MS = 5000;
const PULSE_WAIT_MS = 4000;
const CLOSED_KEPT_MS = 10 * 60_000;
export const SEVERITIES = ["extreme", "severe", "moderate", "minor", "unknown"];

// The address that the first agency to give one gives.
export const addressOf = (one) => (one.incidents ?? []).map((it) => it.address).find(Boolean);

export const isOver = (one) => one.status === "closed" || Boolean(one.merged_into);
export const rankOf = (one) => {
  const rank = SEVERITIES.indexOf(one.severity);
  return rank < 0 ? SEVERITIES.length - 1 : rank;
};

export class Store extends EventTarget {
  constructor(city) {
    super();
    this.city = city;
    this.situations = new Map();
    this.asOf = null;
    this.cutSince = null;
    this.isLoaded = false;
    this._changed = new Map();
    this._related = new Set();
    this._stream = null;
    this._isEnded = false;
    this._timer = null;
    this._offline = () => this._cut();
    this._pulse = setInterval(() => this._ask(), PULSE_MS);
    addEventListener("offline", this._offline);
  }

  now() {
    return Date.now();
  }

  // A situation with its revisions, alerts, grants and story.
  read(id) {
    return get(`/v1/${this.city.name}/situations/${encodeURIComponent(id)}`);
  }

  async begin() {
    this._open();
    await this._load();
  }

  end() {
    this._isEnded = true;
    this._stream?.close();
    clearTimeout(this._again);
    clearInterval(this._timer);
    clearInterval(this._pulse);
    removeEventListener("offline", this._offline);
  }

  async _load() {
    let next = null;
    do {
      const more = next ? `&cursor=${encodeURIComponent(next)}` : "";
      const page = await get(`/v1/${this.city.name}/situations?limit=500&status=open&status=dispatched&status=arrived${more}`);
      for (const one of page.situations) this._take(one, true);
      next = page.next;
    } while (next);
    this.isLoaded = true;
    this._tell();
  }

  _open() {
    const names = ["core.situation", "core.alert", "core.grant"];
    const path = `/v1/${this.city.name}/events?contract=${names.join(",")}`;
    const resume = this._lastId ? `&last_event_id=${encodeURIComponent(this._lastId)}` : "";
    const stream = new EventSource(path + resume);
    this._stream = stream;
    stream.onopen = () => this._back();
    stream.onerror = () => stream === this._stream && this._cut();
    stream.addEventListener("core.situation", (told) => this._event(told, (data) => this._take(data)));
    for (const name of ["core.alert", "core.grant"]) {
      stream.addEventListener(name, (told) => this._event(told, (data) => this._relate(data)));
    }
    stream.addEventListener("reset", () => {
      this.situations.clear(); // all that stands follows, and is not new
      this._dirty = true;
      this.isLoaded = false;
      setTimeout(() => (this.isLoaded = true), AGAIN_MS);
    });
    this._timer ??= setInterval(() => this._tell(), BATCH_MS);
  }

  _event(told, take) {
    this._lastId = told.lastEventId || this._lastId;
    take(JSON.parse(told.data).data);
    this.asOf = Date.now();
  }

  // A cable that was pulled ends no connection: a stream alone would wait for minutes.
  async _ask() {
    if (this.cutSince !== null) return;
    try {
      await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(PULSE_WAIT_MS) });
    } catch {
      this._cut();
    }
  }

  _cut() {
    this.cutSince ??= Date.now();
    this._stream?.close();
    clearTimeout(this._again);
    this._again = setTimeout(() => this._reopen(), AGAIN_MS);
    this.dispatchEvent(new Event("connection"));
  }

  // A stream does not say why it was refused: asking for the session tells a session that is over from a cut.
  async _reopen() {
    try {
      await signedIn();
    } catch (error) {
      if (error.status !== 401 && !this._isEnded) this._cut();
      return;
    }
    if (!this._isEnded) this._open();
  }

  _back() {
    const wasCut = this.cutSince !== null;
    this.cutSince = null;
    this.asOf = Date.now();
    this.dispatchEvent(new Event("connection"));
    if (wasCut && !this._lastId) this._load().catch(() => {});
  }

  _take(one, isListed = false) {
    const before = this.situations.get(one.situation_id);
    if (before && before.revision >= one.revision) return;
    const isNew = !before && !isListed && this.isLoaded;
    this.situations.set(one.situation_id, one);
    this._changed.set(one.situation_id, isNew || this._changed.get(one.situation_id) === "new" ? "new" : isListed ? "listed" : "changed");
  }

  _relate(data) {
    if (data.situation_id) this._related.add(data.situation_id);
    if (data.demands_attention && data.message_type !== "cancel") {
      this.dispatchEvent(new CustomEvent("attention", { detail: data }));
    }
  }

  _tell() {
    this._forget();
    if (!this._changed.size && !this._related.size && !this._dirty) return;
    const detail = { changed: this._changed, related: this._related, isWhole: Boolean(this._dirty) };
    this._changed = new Map();
    this._related = new Set();
    this._dirty = false;
    this.dispatchEvent(new CustomEvent("change", { detail }));
  }

  _forget() {
    const before = Date.now() - CLOSED_KEPT_MS;
    for (const [id, one] of this.situations) {
      if (isOver(one) && Date.parse(one.event_time) < before) {
        this.situations.delete(id);
        this._dirty = true;
      }
    }
  }

  open() {
    return [...this.situations.values()].filter((one) => !isOver(one) && !one.listed_under);
  }
}
