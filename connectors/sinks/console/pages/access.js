// Who looked at what: the acts of access, the newest first, for auditors and administrators. To read them is recorded.

import { get } from "./api.js";
import { h, fill } from "./dom.js";
import { has, moment, say } from "./words.js";

const ACTS = ["redeemed", "first_use", "ended", "refused", "signed_in", "signed_out", "audited", "case_opened", "case_refused", "case_filed", "case_read", "case_denied", "key_destroyed"];
const BY = ["account_id", "camera_id", "grant_id"];

export class Access {
  static mayOpen = (account) => account.may.audit || account.may.administer;

  constructor(store) {
    this._city = store.city.name;
    this._isShown = false;
    this._next = null;
    this._fields = Object.fromEntries(BY.map((name) => [name, h("input", { name, autocomplete: "off", size: "14" })]));
    this._times = Object.fromEntries(["from", "to"].map((name) => [name, h("input", { name, type: "datetime-local" })]));
    this._act = h("select", { name: "act" }, h("option", { value: "" }, say("access.all")), ACTS.map((name) => h("option", { value: name }, say(`access.act.${name}`))));
    this._state = h("p", { className: "health-state", role: "status" });
    this._error = h("p", { className: "error", role: "alert" });
    this._rows = h("tbody", {});
    this._more = h("button", { type: "button", hidden: true, onclick: () => this._ask(this._next) }, say("access.more"));
    const labelled = (name, field) => h("label", {}, say(`access.${name}`), field);
    const form = h("form", { className: "filters", onsubmit: (event) => { event.preventDefault(); this._ask(); } },
      labelled("act", this._act), BY.map((name) => labelled(name, this._fields[name])),
      Object.entries(this._times).map(([name, field]) => labelled(name, field)),
      h("button", { type: "submit", className: "main" }, say("access.look")));
    const columns = ["when", "act", "account", "camera", "grant", "purpose", "reason"];
    this.element = h("main", { className: "page access", id: "main", tabindex: "0" }, h("h1", {}, say("access")), h("p", { className: "hint" }, say("access.about")),
      form, this._state, this._error,
      h("table", {}, h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, say(`access.column.${name}`))))), this._rows), this._more);
  }

  // Called when the page is opened, and whenever a situation changes: only the first of these asks.
  show() {
    if (this._isShown) return;
    this._isShown = true;
    this._ask();
  }

  hide() {
    this._isShown = false;
  }

  async _ask(cursor = null) {
    const filters = new URLSearchParams();
    for (const [name, field] of [...Object.entries(this._fields), ["act", this._act]]) if (field.value.trim()) filters.set(name, field.value.trim());
    for (const [name, field] of Object.entries(this._times)) if (field.value) filters.set(name, new Date(field.value).toISOString());
    if (cursor) filters.set("cursor", cursor);
    this._error.textContent = "";
    try {
      const told = await get(`/v1/${encodeURIComponent(this._city)}/access?${filters}`);
      const rows = told.accesses.map(rowOf);
      if (cursor) this._rows.append(...rows);
      else fill(this._rows, rows.length ? rows : h("tr", {}, h("td", { colSpan: 7 }, say("access.none"))));
      this._next = told.next;
      this._more.hidden = told.next === null;
      this._state.textContent = stateOf(told);
      this._state.dataset.level = told.chain.holds ? "well" : "broken";
    } catch (error) {
      this._error.textContent = say("access.failed", { why: error.message });
    }
  }
}

function stateOf({ chain, kept_from: keptFrom }) {
  const [first] = chain.faults;
  const state = chain.holds ? say("access.holds", { records: chain.records, writers: chain.writers })
    : say("access.broken", { n: chain.faulty, writer: first.writer, sequence: first.sequence });
  return keptFrom === null ? state : `${state} ${say("access.kept", { at: moment(keptFrom) })}`;
}

function rowOf(one) {
  const cell = (text, more = null) => h("td", {}, text ?? "–", more ? h("small", {}, more) : null);
  const count = one.count > 1 ? say("access.times", { n: one.count }) : null;
  return h("tr", { "data-level": one.act === "refused" ? "look" : null },
    h("th", { scope: "row" }, moment(one.at)),
    cell(has(`access.act.${one.act}`) ? say(`access.act.${one.act}`) : one.act, count),
    cell(one.account_name ?? one.account_id, [one.account_name ? one.account_id : null, one.address].filter(Boolean).join(", ")),
    cell(one.camera_id),
    cell(one.grant_id, one.situation_id ? say("access.situation", { id: one.situation_id }) : null),
    cell(one.purpose && has(`purpose.${one.purpose}`) ? say(`purpose.${one.purpose}`) : one.purpose, one.legal_ground),
    cell(one.reason));
}
