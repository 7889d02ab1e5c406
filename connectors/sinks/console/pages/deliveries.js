// To whom each alert of a situation was delivered, as the gateway reads it from the receivers' places.

import { get } from "./api.js";
import { h } from "./dom.js";
import { say, time } from "./words.js";

// The receivers of each alert by "id/audience"; {} where they cannot be read now, or a recorded time is shown.
export async function readDeliveries(store, id) {
  if (store.isRecorded) return {};
  const told = await get(`/v1/${store.city.name}/situations/${encodeURIComponent(id)}/deliveries`).catch(() => ({ alerts: [] }));
  return Object.fromEntries(told.alerts.map((one) => [keyOf(one), one.receivers]));
}

export const keyOf = (alert) => `${alert.alert_id}/${alert.audience}`;

// Whether one of them may soon be further.
export const isUnderWay = (deliveries) => Object.values(deliveries).flat().some((one) => one.state === "waiting" || one.state === "failed");

export function receiverList(receivers) {
  if (!receivers) return null;
  if (!receivers.length) return h("p", { className: "hint" }, say("delivery.none"));
  return h("ul", { className: "receivers", "aria-label": say("delivery.label") }, receivers.map((one) =>
    h("li", { "data-state": one.state }, h("strong", {}, one.receiver ?? say("masked")), ` (${one.sink}): ${stateWords(one)}`)));
}

function stateWords(one) {
  const said = [say(`delivery.${one.state}`, { n: one.received_revision ?? one.revision, at: time(one.as_of) })];
  if (one.state === "failed") said.push(one.why ?? "", one.failing_since ? say("delivery.since", { at: time(one.failing_since) }) : "");
  if (one.state === "paused") said.push(one.why ?? "");
  if (one.state !== "received" && one.received_revision !== null) said.push(say("delivery.before", { n: one.received_revision }));
  if (one.received_revision !== null && one.set_aside) said.push(say("delivery.aside", { n: one.set_aside }));
  return said.filter(Boolean).join("; ");
}
