// Parts of the page of cases: a row of the list, what is known of a case, and its route in words.

import { cameraName } from "./case_cards.js";
import { closeCase, fileCase } from "./case_ends.js";
import { groundName, leftToFile, traitName, traitWord } from "./case_words.js";
import { h } from "./dom.js";
import { moment, personName, say, when } from "./words.js";

const NEXT_MAX = 8;

export function rowOf(one, city, isChosen, choose) {
  const now = Date.now();
  const left = leftToFile(one, city, now);
  return h("li", {}, h("button", { type: "button", "data-key": `case-${one.case_id}`, "aria-pressed": String(isChosen), onclick: choose },
    h("strong", {}, one.is_readable ? one.agency_case_no : say("cases.unreadable")), h("span", {}, groundName(one)),
    h("small", {}, say("cases.until", { at: one.until_time ? when(one.until_time, now) : "–" })), left ? h("span", { className: "mark waiting" }, left) : null));
}

export function facts(one, city, path, { filed, closed }) {
  const fact = (name, text) => (text ? [h("dt", {}, say(`cases.fact.${name}`)), h("dd", {}, text)] : []);
  const left = leftToFile(one, city, Date.now());
  const looks = one.attributes ?? [];
  return [
    h("h2", {}, one.agency_case_no || say("cases.unreadable")),
    h("p", {}, left ? h("button", { type: "button", "data-key": "file", onclick: () => fileCase(path, filed) }, `${say("cases.file")} (${left})`) : null,
      h("button", { type: "button", "data-key": "close", onclick: () => closeCase(path, closed) }, say("cases.close"))),
    h("h3", {}, say("cases.looks")),
    looks.length ? h("ul", { className: "traits" }, looks.map((it) => h("li", {}, `${traitName(city, it.name)}: ${traitWord(city, it)}`))) : h("p", { className: "hint" }, say("cases.no-looks")),
    h("dl", {}, ...fact("ground", groundName(one)), ...fact("requester", one.requester), ...fact("category", one.category), ...fact("seen", one.last_seen && moment(one.last_seen.seen_at)),
      ...fact("from", one.from_time && moment(one.from_time)), ...fact("until", one.until_time && moment(one.until_time)), ...fact("photo", one.photo_ref), ...fact("filing", one.filing_id)),
  ];
}

// Confirmed hops in the order of time, with what no sighting shows between them, and the next cameras.
export function hopList(route, chosen, cameras, part) {
  const hops = route?.hops ?? [];
  const next = route?.next_cameras ?? [];
  const now = Date.now();
  const row = (hop, number) => {
    const gap = (route.gaps ?? []).find((one) => one.from_time === hop.seen_at);
    const isChosen = hop === chosen;
    return [
      h("li", { className: "hop", "aria-current": isChosen ? "true" : null },
        h("span", { className: "number" }, String(number + 1)),
        h("span", { className: "what" }, `${when(hop.seen_at, now)} ${cameraName(cameras, hop.camera_id)}`, hop.confirmed_by ? h("small", {}, say("cases.by", { who: personName(hop.confirmed_by) })) : null),
        h("button", { type: "button", "data-key": `part-${hop.candidate_id}`, "aria-keyshortcuts": isChosen ? "z" : null, "aria-label": say("cases.part.of", { n: number + 1 }), onclick: () => part(hop) }, say("cases.part"), isChosen ? h("kbd", { "aria-hidden": "true" }, "Z") : null)),
      gap ? h("li", { className: "gap" }, say("cases.gap", { m: Math.round(gap.distance_m), min: Math.round((Date.parse(gap.until_time) - Date.parse(gap.from_time)) / 60_000) })) : null,
    ];
  };
  return [
    h("h2", {}, say("cases.route")),
    hops.length ? h("ol", { className: "hops" }, hops.flatMap(row)) : h("p", { className: "hint" }, say("cases.no-route")),
    ...(next.length ? [h("h3", {}, say("cases.next")), h("ul", { className: "next-cameras" }, next.slice(0, NEXT_MAX).map((it) => h("li", {}, say("cases.next.at", { name: cameraName(cameras, it.camera_id), at: when(it.earliest_at, now) }))))] : []),
  ];
}
