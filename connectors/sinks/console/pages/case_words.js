// The words of cases of missing persons: looks, grounds, how likely, how long, and times of the city's zone in a form.

import { ago, has, language, say } from "./words.js";

const inWords = (labels, plain) => labels?.[language] ?? labels?.en ?? plain;

export const traitName = (city, name) => inWords(city.cases.traits[name]?.label, name);
export const traitWord = (city, { name, word }) => inWords(city.cases.traits[name]?.words[word], word);

// The ground of a case: the act's by its word, another by its own.
export function groundName(one) {
  const word = one.ground === "other" && has(`cases.other.${one.other_ground}`) ? `cases.other.${one.other_ground}` : `cases.ground.${one.ground}`;
  return has(word) ? say(word) : one.other_ground ?? one.ground ?? say("masked");
}
export const otherName = (word) => (has(`cases.other.${word}`) ? say(`cases.other.${word}`) : word);
export const reasonName = (word) => (has(`cases.refused.${word}`) ? say(`cases.refused.${word}`) : word);

// Of a candidate: the probability that it is the person, of both logarithms of likelihood ratios.
export const likelihood = (one) => (one.appearance_log_ratio ?? 0) + (one.travel_log_ratio ?? 0);
export const probability = (one) => 1 / (1 + Math.exp(-likelihood(one)));

// Bounds of the words as the IPCC's guidance on uncertainty (2010) has them.
const LIKELY = [[0.9, "very-likely"], [0.66, "likely"], [0.33, "as-not"], [0.1, "unlikely"], [0, "very-unlikely"]];
export const likelyWords = (p) => say(`cases.p.${LIKELY.find(([least]) => p >= least)[1]}`);

// What a sighting says of each attribute: it agrees with what the case has, differs from it, or tells of what nobody asked for.
export function compared(wanted, seen) {
  const said = new Map((seen ?? []).map((one) => [one.name, one]));
  const of = new Map((wanted ?? []).map((one) => [one.name, one]));
  const asked = [...of.values()].map((one) => {
    const it = said.get(one.name);
    return { name: one.name, wanted: one.word, word: it?.word ?? null, is: it === undefined ? "unsaid" : it.word === one.word ? "agrees" : "differs" };
  });
  const order = ["differs", "agrees", "unsaid"];
  asked.sort((a, b) => order.indexOf(a.is) - order.indexOf(b.is));
  const more = [...said.values()].filter((one) => !of.has(one.name)).map((one) => ({ name: one.name, wanted: null, word: one.word, is: "unasked" }));
  return [...asked, ...more];
}

const RADIUS_M = 6_371_008.8;
export function metres(a, b) {
  const rad = Math.PI / 180;
  const h = Math.sin(((b.lat - a.lat) * rad) / 2) ** 2 + Math.cos(a.lat * rad) * Math.cos(b.lat * rad) * Math.sin(((b.lon - a.lon) * rad) / 2) ** 2;
  return 2 * RADIUS_M * Math.asin(Math.min(1, Math.sqrt(h)));
}

// How far and how many seconds a candidate is from the last confirmed hop; without one, from where the person was last seen.
export function apart(one, route, theCase) {
  const hop = route?.hops?.at(-1);
  const from = hop ?? theCase?.last_seen;
  if (!from || !one.seen_at) return null;
  const s = Math.round((Date.parse(one.seen_at) - Date.parse(from.seen_at)) / 1000);
  const away = from.position && one.position ? Math.round(metres(from.position, one.position)) : null;
  const words = `cases.apart.${s < 0 ? "before" : "after"}.${hop ? "hop" : "seen"}`;
  return `${away === null ? "" : `${say("cases.away", { m: away })}, `}${say(words, { s: Math.abs(s) })}`;
}

// The time that is left to file the request for an urgent case's authorisation; null where there is nothing to file.
export function leftToFile(one, city, nowMs) {
  if (!one.is_urgent || one.authorisation_id || one.filing_id || !one.opened_at || city.cases.filing_hours === null) return null;
  const ends = Date.parse(one.opened_at) + city.cases.filing_hours * 3_600_000;
  return say("cases.left", { left: ago(new Date(nowMs).toISOString(), Math.max(ends, nowMs)) });
}

// A moment as a field of a form has it, in the city's zone; and back.
export function localOf(ms, zone) {
  const form = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return form.format(new Date(ms)).replace(" ", "T");
}
export function momentOf(local, zone) {
  if (!local) return null;
  const meant = Date.parse(`${local}Z`);
  let at = meant;
  for (let turn = 0; turn < 2; turn += 1) at += meant - Date.parse(`${localOf(at, zone)}Z`); // a second time where clocks change between
  return new Date(at).toISOString();
}
