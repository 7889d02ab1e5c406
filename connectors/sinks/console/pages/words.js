// The words of one language, from a file. A word that a file lacks is shown in English.

let words = {};
let english = {};
let phrases = [];
let refusals = {};
export let language = "en";
/** The language as `Intl` takes it: with the calendar and the digits of the times that stand beside it. */
export let locale = "en";

export async function speak(chosen) {
  const read = async (name) => (await fetch(`words/${name}.json`)).json();
  english = await read("en");
  words = chosen === "en" ? english : await read(chosen);
  phrases = chosen === "en" ? [] : await read(`${chosen}.phrases`);
  refusals = chosen === "en" ? {} : await read(`${chosen}.refusals`);
  language = chosen;
  locale = say("language.locale");
  document.documentElement.lang = chosen;
  localStorage.setItem("language", chosen);
}

export function say(key, about = {}) {
  const text = words[key] ?? english[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => String(about[name] ?? ""));
}

export const has = (key) => key in words || key in english;

// The server says its refusals in English, each with a code. A language has words for the codes; without one the server's stay.
export function refusal({ code, detail, title, field, retryAfterS }) {
  const about = { field: field ?? "", s: retryAfterS || 1 };
  return Object.hasOwn(refusals, code) ? refusals[code].replace(/\{(\w+)\}/g, (_, name) => String(about[name])) : detail || title;
}

// The rules say their reasons in English. A language has phrases for them, each a pattern of one clause and its words.
export function phrase(text) {
  return text.split("; ").map(clause).join("; ");
}

function clause(text) {
  for (const [pattern, inWords] of phrases) {
    const found = text.match(new RegExp(`^${pattern}$`));
    if (found) return inWords.replace(/\$(\d)/g, (_, number) => wordOf(found[Number(number)] ?? ""));
  }
  return text;
}

const wordOf = (text) => (has(`certainty.${text}`) ? say(`certainty.${text}`) : text);

let place = { timezone: "UTC", kinds: {} };
export function ofCity(city) {
  place = city;
}

let people = {};
export function ofPeople(names) {
  people = names;
}

// The name of an account; its id where the name is not known, or may not be.
export const personName = (id) => (id ? people[id] ?? id : "");

export function kindName(kind) {
  if (!kind) return say("masked");
  return place.kinds[kind]?.[language] ?? place.kinds[kind]?.en ?? kind;
}

// A formatter costs a hundred times what it formats: each is made once for a language.
const forms = new Map();

function formOf(about) {
  const key = language + JSON.stringify(about);
  if (!forms.has(key)) {
    const usual = { timeZone: place.timezone, hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false };
    forms.set(key, new Intl.DateTimeFormat(locale, { ...usual, ...about }));
  }
  return forms.get(key);
}

export const time = (iso, about = {}) => (iso ? formOf(about).format(new Date(iso)) : "");

export const moment = (iso) => time(iso, { year: "numeric", month: "2-digit", day: "2-digit" });

/** The time of day, and the day where it is another than that of *nowMs*. */
export function when(iso, nowMs) {
  const day = (date) => new Intl.DateTimeFormat("en-CA", { timeZone: place.timezone }).format(date);
  return iso && day(new Date(iso)) !== day(new Date(nowMs)) ? moment(iso) : time(iso);
}

export function ago(iso, nowMs) {
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(iso)) / 1000));
  if (seconds < 60) return say("ago.s", { n: seconds });
  if (seconds < 3600) return say("ago.min", { n: Math.floor(seconds / 60) });
  if (seconds >= 48 * 3600) return say("ago.d", { n: Math.floor(seconds / 86_400) });
  return say("ago.h", { n: Math.floor(seconds / 3600), m: Math.floor((seconds % 3600) / 60) });
}
