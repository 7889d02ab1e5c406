// The hand-over of a shift: what is open, who has it, and what waits for somebody.

import { h, refill } from "./dom.js";
import { isUrgent } from "./alarm.js";
import { rankOf } from "./store.js";
import { ago, kindName, moment, personName, say } from "./words.js";

export class HandOver {
  constructor(store, chosen, tag = "main") {
    this._store = store;
    this._chosen = chosen;
    this.element = h(tag, { className: "page handover", id: tag === "main" ? "main" : null, tabindex: "-1" });
  }

  show() {
    const open = this._store.open().sort((a, b) => rankOf(a) - rankOf(b) || (a.opened_at < b.opened_at ? 1 : -1));
    const groups = new Map([[say("handover.nobody"), open.filter((one) => !one.taken_by)]]);
    for (const one of open.filter((it) => it.taken_by)) groups.set(personName(one.taken_by), [...(groups.get(personName(one.taken_by)) ?? []), one]);
    const now = this._store.now();
    refill(this.element,
      h("div", { className: "heading" }, h("h1", {}, say("handover")),
      h("p", {}, say("handover.about", { n: open.length, waiting: open.filter(isUrgent).length, at: moment(new Date(now).toISOString()) })),
      h("p", { className: "tools" }, h("button", { type: "button", "data-key": "print", onclick: () => print() }, say("print")))),
      [...groups].filter(([, found]) => found.length).map(([who, found]) =>
        h("section", {}, h("h2", {}, `${who} (${found.length})`), h("table", {},
          h("thead", {}, h("tr", {}, ["severity", "what", "cases", "since", "state", "last"].map((name) => h("th", { scope: "col" }, say(`column.${name}`))))),
          h("tbody", {}, found.map((one) => h("tr", { "data-severity": one.severity ?? "unknown" },
            h("td", {}, say(`severity.${one.severity ?? "unknown"}`)),
            h("td", {}, h("button", { type: "button", className: "link", "data-key": one.situation_id, onclick: () => this._chosen(one.situation_id) }, kindName(one.kind))),
            h("td", {}, (one.incidents ?? []).flatMap((it) => [h("span", { className: "case" }, `${it.agency} ${it.agency_case_no ?? ""}`), " "])),
            h("td", {}, ago(one.opened_at, now)),
            h("td", {}, `${say(`status.${one.status}`)}${one.acknowledged_at ? "" : `, ${say("unacknowledged")}`}`),
            h("td", {}, lastNote(one)))))))));
  }
}

function lastNote(one) {
  const last = (one.actions ?? []).at(-1);
  return last ? `${say(`act.${last.action}`)}: ${last.reason ?? ""}` : "";
}
