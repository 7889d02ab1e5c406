// The list of open situations beside the map: worst first, newest first among equals. Rows are kept and moved, not made anew.

import { h, fill } from "./dom.js";
import { isUrgent } from "./alarm.js";
import { SEVERITIES, addressOf, rankOf } from "./store.js";
import { ago, kindName, moment, personName, say, time } from "./words.js";

const FRESH_MS = 2400;
const STEP_ROWS = 60; // rows in the page at first, and more each time its end is reached: a page of 500 takes the browser too long

export class List {
  constructor(store, chosen) {
    this._store = store;
    this._chosen = chosen;
    this._rows = new Map();
    this.selected = null;
    this._most = STEP_ROWS;
    this._still = matchMedia("(prefers-reduced-motion: reduce)");
    this.filter = { text: "", agency: "", severity: "", kind: "" };
    this._body = h("ul", { className: "rows", role: "listbox", "aria-label": say("list.label"), tabindex: "0", onkeydown: (event) => this._key(event), onscroll: () => this._scrolled() });
    this._count = h("p", { className: "count", role: "status" });
    this._filters = h("div", { className: "filters" });
    this.element = h("section", { className: "list", "aria-label": say("list.label") }, this._filters, this._count, this._body);
    this._makeFilters();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.recolour());
  }

  _makeFilters() {
    const select = (name, label, values) =>
      h("select", { "aria-label": label, onchange: (event) => this._filtered(name, event.target.value) },
        h("option", { value: "" }, label), ...values.map(([value, text]) => h("option", { value }, text)));
    this._search = h("input", { type: "search", placeholder: say("search"), "aria-label": say("search"), oninput: (event) => this._filtered("text", event.target.value.toLowerCase()) });
    this._agencies = h("select", { "aria-label": say("filter.agency"), onchange: (event) => this._filtered("agency", event.target.value) });
    const kinds = Object.keys(this._store.city.kinds).filter((kind) => !kind.includes("."));
    fill(this._filters, this._search, this._agencies,
      select("severity", say("filter.severity"), SEVERITIES.map((one) => [one, say(`severity.${one}`)])),
      select("kind", say("filter.kind"), kinds.map((kind) => [kind, kindName(kind)])));
    this._known = null;
  }

  focusSearch() {
    this._search.focus();
  }

  _filtered(name, value) {
    this.filter[name] = value;
    this.show(new Map());
  }

  _fits(one) {
    const { text, agency, severity, kind } = this.filter;
    if (agency && !(one.agencies ?? []).includes(agency)) return false;
    if (severity && one.severity !== severity) return false;
    if (kind && !(one.kind ?? "").startsWith(kind)) return false;
    if (!text) return true;
    const said = (one.incidents ?? []).flatMap((it) => [it.agency_case_no, it.address]);
    return [kindName(one.kind), one.kind, one.situation_id, ...said, ...(one.agencies ?? [])].join(" ").toLowerCase().includes(text);
  }

  shown() {
    return this._store.open().filter((one) => this._fits(one)).sort((a, b) => rankOf(a) - rankOf(b) || (a.opened_at < b.opened_at ? 1 : -1));
  }

  show(changed) {
    const all = this.shown();
    const ordered = all.slice(0, this._most);
    const wanted = new Set(ordered.map((one) => one.situation_id));
    for (const [id, row] of this._rows) {
      if (!wanted.has(id)) {
        row.remove();
        this._rows.delete(id);
      }
    }
    let before = null;
    for (const one of ordered) {
      let row = this._rows.get(one.situation_id);
      const change = changed.get(one.situation_id);
      if (!row) {
        row = this._row(one);
        this._rows.set(one.situation_id, row);
      } else if (row.revision !== one.revision) this._write(row, one);
      if (change === "new" || change === "changed") this._fresh(row, change);
      const place = before ? before.nextSibling : this._body.firstChild;
      if (place !== row) this._body.insertBefore(row, place);
      before = row;
    }
    this._count.textContent = say("list.count", { n: all.length, all: this._store.open().length });
    this._agencyChoices();
    this.select(this.selected);
  }

  _agencyChoices() {
    const found = [...new Set(this._store.open().flatMap((one) => one.agencies ?? []))].sort();
    if (this._known === found.join()) return;
    this._known = found.join();
    fill(this._agencies, h("option", { value: "" }, say("filter.agency")), ...found.map((one) => h("option", { value: one }, one)));
    this._agencies.value = this.filter.agency;
  }

  _row(one) {
    const row = h("li", { role: "option", className: "row", id: `row-${one.situation_id}`, onclick: () => this._chosen(one.situation_id) });
    this._write(row, one);
    return row;
  }

  _write(row, one) {
    row.revision = one.revision;
    row.opened = one.opened_at;
    row.at = time(one.opened_at);
    row.told = `${row.at} · ${ago(one.opened_at, this._store.now())}`;
    row.when = h("time", { className: "when", datetime: one.opened_at, title: moment(one.opened_at) }, row.told);
    row.dataset.severity = one.severity ?? "unknown";
    row.classList.toggle("urgent", isUrgent(one));
    const who = one.taken_by ? say("taken", { who: personName(one.taken_by) }) : one.acknowledged_at ? say("acknowledged") : "";
    const marks = [
      one.escalated_at ? h("span", { className: "mark escalated" }, say("escalated")) : null,
      who ? h("span", { className: "mark" }, who) : h("span", { className: "mark waiting" }, say("unacknowledged")),
      one.incidents?.length > 1 ? h("span", { className: "mark" }, say("joined", { n: one.incidents.length })) : null,
      one.situations?.length ? h("span", { className: "mark" }, say("bundle", { n: one.situations.length })) : null,
    ];
    fill(row,
      h("span", { className: "severity" }, say(`severity.${one.severity ?? "unknown"}`)),
      h("span", { className: "what" }, kindName(one.kind)),
      row.when,
      addressOf(one) ? h("span", { className: "where" }, addressOf(one)) : null,
      h("span", { className: "who" }, [(one.agencies ?? []).join(", "), say(`status.${one.status}`), say(`certainty.${one.certainty}`)].filter(Boolean).join(" · ")),
      h("span", { className: "marks" }, marks));
  }

  _scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this._body;
    if (scrollTop + 2 * clientHeight < scrollHeight || this._rows.size < this._most) return;
    this._most += STEP_ROWS;
    this.show(new Map());
  }

  recolour() {
    this._colours = null;
  }

  _fresh(row, change) {
    if (this._still.matches) return;
    if (!this._colours) {
      const style = getComputedStyle(document.documentElement); // reading it makes the browser compute all styles
      this._colours = ["--fresh", "--card"].map((name) => style.getPropertyValue(name).trim());
    }
    row.animate({ backgroundColor: this._colours }, { duration: change === "new" ? FRESH_MS : FRESH_MS / 2, easing: "ease-out" });
  }

  select(id) {
    if (this.selected !== id) this._rows.get(this.selected)?.setAttribute("aria-selected", "false");
    this.selected = id;
    const row = this._rows.get(id);
    row?.setAttribute("aria-selected", "true");
    if (row) this._body.setAttribute("aria-activedescendant", row.id);
    else this._body.removeAttribute("aria-activedescendant");
  }

  step(by) {
    const ids = this.shown().map((one) => one.situation_id);
    if (!ids.length) return;
    const at = ids.indexOf(this.selected);
    const next = at < 0 ? 0 : Math.min(ids.length - 1, Math.max(0, at + by));
    const id = ids[next];
    if (next >= this._most) {
      this._most = next + STEP_ROWS;
      this.show(new Map());
    }
    this._chosen(id);
    this._rows.get(id)?.scrollIntoView({ block: "nearest" });
  }

  _key(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    this.step(by);
  }

  grewOlder(nowMs) {
    for (const row of this._rows.values()) {
      const text = `${row.at} · ${ago(row.opened, nowMs)}`;
      if (row.told !== text) row.when.textContent = row.told = text;
    }
  }
}
