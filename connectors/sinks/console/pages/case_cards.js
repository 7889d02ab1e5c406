// The best candidates of a case, one beside the other: where and when, what agrees and what differs, how far, how likely.

import { h } from "./dom.js";
import { apart, compared, likelyWords, probability, traitName, traitWord } from "./case_words.js";
import { say, when } from "./words.js";

export const ANSWERS = { confirm: "y", reject: "n", unsure: "u" };
const SIGNS = { agrees: "✔", differs: "✖", unsaid: "–", unasked: "·" };

// *about*: {city, theCase, route, cameras, chosen, nowMs}; *asked*: called with an answer's word and the candidate; *chose* with the candidate.
export function card(one, number, about, asked, chose) {
  const { city, theCase, cameras } = about;
  const isChosen = one.candidate_id === about.chosen;
  const name = cameraName(cameras, one.camera_id);
  const p = probability(one);
  const key = one.candidate_id;
  const buttons = Object.entries(ANSWERS).map(([word, letter]) =>
    h("button", { type: "button", className: `answer ${word}`, "data-key": `${word}-${key}`, "aria-keyshortcuts": letter, onclick: () => asked(word, one) },
      say(`cases.${word}`), isChosen ? h("kbd", { "aria-hidden": "true" }, letter.toUpperCase()) : null));
  return h("li", { className: "candidate", "data-candidate": key, "aria-current": isChosen ? "true" : null, onclick: () => chose(one) },
    h("h3", {}, h("span", { className: "number" }, String(number)), ` ${name} `, isChosen ? h("span", { className: "mark chosen" }, say("cases.chosen")) : null,
      one.state === "open" ? null : h("span", { className: "mark" }, `${say(`cases.state.${one.state}`)}${one.worth === null ? "" : ` · ${say("cases.again")}`}`)),
    h("p", { className: "likely" }, h("strong", {}, likelyWords(p)), ` ${percent(p)}`),
    h("p", { className: "seen" }, h("time", { datetime: one.seen_at }, when(one.seen_at, about.nowMs)), h("br"), apart(one, about.route, theCase) ?? say("cases.apart.unknown")),
    traits(city, theCase, one),
    picture(city, one, about.nowMs),
    h("div", { className: "answers", role: "group", "aria-label": say("cases.answer", { n: number, name }) }, buttons));
}

export const cameraName = (cameras, id) => cameras.get(id)?.name ?? id;
export const percent = (p) => `${p >= 0.995 ? ">99" : p < 0.005 ? "<1" : Math.round(p * 100)} %`;

function traits(city, theCase, one) {
  if (!one.attributes?.length) return h("p", { className: "hint" }, say("cases.no-looks"));
  return h("ul", { className: "traits" }, compared(theCase.attributes, one.attributes).map((it) => {
    const seen = it.word === null ? say("cases.unsaid") : traitWord(city, it);
    const told = it.is === "differs" ? say("cases.differs", { wanted: traitWord(city, { name: it.name, word: it.wanted }) }) : it.is === "agrees" ? say("cases.agrees") : "";
    return h("li", { "data-is": it.is }, h("span", { "aria-hidden": "true" }, SIGNS[it.is]), ` ${traitName(city, it.name)}: ${seen}${told ? " — " : ""}`, told ? h("em", {}, told) : null);
  }));
}

// A picture stays with its keeper: the address opens it for who may see it there.
function picture(city, one, nowMs) {
  const isGone = one.crop?.expires_at && Date.parse(one.crop.expires_at) <= nowMs;
  if (!one.crop || !city.cases.crop || isGone) return h("p", { className: "hint" }, say(isGone ? "cases.picture.gone" : "cases.picture.none"));
  const address = city.cases.crop.replace("{crop}", encodeURIComponent(one.crop.ref));
  return h("p", {}, h("a", { href: address, target: "_blank", rel: "noopener noreferrer", "data-key": `crop-${one.candidate_id}` }, say("cases.picture")));
}
