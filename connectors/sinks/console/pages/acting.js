// What a person does with a situation: each action has a reason, is sent once, and is refused or taken by the server.

import { mayAct, post } from "./api.js";
import { h, showDialog } from "./dom.js";
import { isOver } from "./store.js";
import { has, kindName, say } from "./words.js";

export const KEYS = { acknowledge: "a", take_over: "t", confirm: "o", note: "n", file: "f", join: "i", separate: "s", close: "c", reopen: "r" };
const REASONED = new Set(["acknowledge", "take_over"]); // these have a usual reason

// The domains with which it can be filed: those whose agency takes filings, and has neither reported it nor been asked.
export function domainsFor(city, one) {
  const asked = (one.filings ?? []).filter((it) => it.status === "filed").map((it) => it.to_domain);
  const known = new Set([...asked, ...(one.incidents ?? []).map((it) => it.domain)]);
  return Object.keys(city.filing ?? {}).filter((domain) => !known.has(domain));
}

export function possible(one, city) {
  const closed = isOver(one);
  const known = closed ? ["note", "reopen"] : ["acknowledge", "take_over", "confirm", "note", "file", "join", "separate", "close"];
  return known.filter((action) => mayAct(action) && !(action === "acknowledge" && one.acknowledged_at) && !(action === "file" && !domainsFor(city, one).length) && !(action === "separate" && (one.incidents?.length ?? 0) < 2));
}

export function actions(store, one, done) {
  if (store.isRecorded) return h("p", { className: "hint actions" }, say("recorded.muted"));
  const buttons = possible(one, store.city).map((action) =>
    h("button", { type: "button", className: `act ${action}`, "data-key": `act-${action}`, "aria-keyshortcuts": KEYS[action], title: say(`act.${action}.about`), onclick: () => ask(store, one, action, done) },
      say(`act.${action}`), h("kbd", { "aria-hidden": "true" }, KEYS[action])));
  return h("div", { className: "actions", role: "group", "aria-label": say("actions") }, buttons.length ? buttons : h("p", { className: "hint" }, say("actions.none")));
}

export function ask(store, one, action, done) {
  if (store.isRecorded || document.querySelector("dialog[open]")) return;
  const key = crypto.randomUUID();
  const reason = h("textarea", { name: "reason", rows: 3, maxLength: 500, required: !REASONED.has(action), placeholder: REASONED.has(action) ? say(`act.${action}.usual`) : "" });
  const refused = h("p", { className: "error", role: "alert" });
  const send = h("button", { type: "submit", className: "main" }, say(`act.${action}`));
  const more = fields(store, one, action);
  const dialog = h("dialog", { className: "asking", "aria-label": say(`act.${action}`) },
    h("h2", {}, `${say(`act.${action}`)}: ${kindName(one.kind)}`),
    h("p", {}, say(`act.${action}.about`)),
    h("form", { method: "dialog", onsubmit: async (event) => {
      event.preventDefault();
      send.disabled = true;
      refused.textContent = "";
      const why = reason.value.trim() || (REASONED.has(action) ? say(`act.${action}.usual`) : "");
      try {
        await post(`/v1/${store.city.name}/situations/${one.situation_id}/actions`, { action, reason: why, ...more.value() }, { "Idempotency-Key": key });
        dialog.close();
        dispatchEvent(new CustomEvent("say", { detail: say("act.done", { what: say(`act.${action}`) }) }));
        done();
      } catch (error) {
        refused.textContent = error.message;
        send.disabled = false;
      }
    } },
      more.element, h("label", {}, say("reason"), reason), refused,
      h("div", { className: "end" }, h("button", { type: "button", onclick: () => dialog.close() }, say("cancel")), send)));
  showDialog(dialog);
  reason.focus();
}

function fields(store, one, action) {
  if (action === "file") {
    const to = h("select", { name: "to_domain", required: true }, domainsFor(store.city, one).map((domain) => h("option", { value: domain }, has(`domain.${domain}`) ? say(`domain.${domain}`) : store.city.filing[domain])));
    return { element: h("label", {}, say("file.to"), to), value: () => ({ to_domain: to.value }) };
  }
  if (action === "join") {
    const others = store.open().filter((it) => it.situation_id !== one.situation_id).map((it) => ({ it, away: metres(one.position, it.position) })).sort((a, b) => a.away - b.away).slice(0, 20);
    const other = h("select", { name: "other", required: true }, others.map(({ it, away }) => h("option", { value: it.situation_id }, `${kindName(it.kind)}, ${(it.agencies ?? []).join(", ")}${Number.isFinite(away) ? `, ${Math.round(away)} m` : ""}`)));
    return { element: h("label", {}, say("join.with"), other), value: () => ({ other_situation_id: other.value }) };
  }
  if (action === "separate") {
    const boxes = one.incidents.map((it) => h("input", { type: "checkbox", value: it.incident_id }));
    return {
      element: h("fieldset", {}, h("legend", {}, say("separate.which")), one.incidents.map((it, number) => h("label", { className: "line" }, boxes[number], ` ${it.agency} ${it.agency_case_no ?? ""}, ${kindName(it.kind)}`))),
      value: () => ({ incident_ids: boxes.filter((box) => box.checked).map((box) => box.value) }),
    };
  }
  return { element: null, value: () => ({}) };
}

function metres(a, b) {
  if (!a || !b) return Infinity;
  const k = Math.cos(((a.lat + b.lat) / 2) * (Math.PI / 180));
  return Math.hypot(a.lat - b.lat, (a.lon - b.lon) * k) * 111_195;
}
