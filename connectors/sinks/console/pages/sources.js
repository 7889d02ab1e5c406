// Sources and health: what is broken, what to do about it, and the figures of every source, stage and set-aside topic.

import { get } from "./api.js";
import { h, fill } from "./dom.js";
import { ago, locale, moment, say } from "./words.js";

const EVERY_MS = 5_000;
const SIGNS = { broken: "✖", look: "▲", "not-heard": "…", well: "✔" };

// The command that a fault's way to mend names: the same in every language.
const COMMANDS = {
  failing: (it) => `bongsu source report ${it.source} --city ${it.city}`,
  refused: (it) => `bongsu source report ${it.source} --city ${it.city}`,
  stopped: (it) => `bongsu source resume ${it.source} --city ${it.city}`,
  trial: (it) => `bongsu source report ${it.source} --city ${it.city}`,
  "part-missing": (it) => `bongsu source report ${it.source} --city ${it.city}`,
  silent: (it) => `bongsu source report ${it.source} --city ${it.city}`,
  old: (it) => `bongsu source report ${it.source} --city ${it.city}`,
  "clock-ahead": () => "timedatectl",
  "clock-behind": () => "timedatectl",
  "set-aside": (it) => `bongsu dlq list --city ${it.city}`,
  "unknown-words": (it) => `bongsu source report ${it.source} --city ${it.city}`,
  "no-worker": (it) => `bongsu run ${it.city} --stage ${it.stage}`,
  lag: (it) => `bongsu run ${it.city} --stage ${it.stage}`,
  "no-tick": (it) => `bongsu run ${it.city} --stage ingest`,
  "receivers-wait": (it) => `bongsu subscription list --city ${it.city}`,
  "receivers-dead": (it) => `bongsu subscription list --city ${it.city}`,
};

export class Sources {
  constructor(store) {
    this._city = store.city.name;
    this._timer = null;
    this._told = null;
    this._faults = h("section", { "aria-labelledby": "health-faults" });
    this._rest = h("div", {});
    this._error = h("p", { className: "error", role: "alert" });
    this._state = h("p", { className: "health-state" });
    this.element = h("main", { className: "page health", id: "main", tabindex: "0" }, h("h1", {}, say("sources")), this._state, this._error, this._faults, this._rest);
  }

  // Called when the page is opened, and whenever a situation changes: only the first of these asks.
  show() {
    if (this._timer !== null) return;
    this._timer = setInterval(() => this._ask(), EVERY_MS);
    this._ask();
  }

  hide() {
    clearInterval(this._timer);
    this._timer = null;
  }

  async _ask() {
    if (this._isAsking) return; // the last one is not answered yet
    this._isAsking = true;
    try {
      this._told = await get(`/v1/${encodeURIComponent(this._city)}/health`);
      this._error.textContent = "";
      if (!isSelecting(this.element)) this._draw();
    } catch (error) {
      if (this._timer !== null) this._error.textContent = say("health.failed", { why: error.message });
    } finally {
      this._isAsking = false;
    }
  }

  _draw() {
    const told = this._told;
    const faults = [
      ...told.sources.flatMap((one) => one.faults.map((it) => ({ ...it, about: { ...it.about, source: one.source, city: this._city }, who: nameOf(one) }))),
      ...told.stages.flatMap((one) => one.faults.map((it) => ({ ...it, about: { ...it.about, stage: one.stage, city: this._city }, who: say(`stage.${one.stage}`) }))),
    ].sort((a, b) => (a.level === b.level ? 0 : a.level === "broken" ? -1 : 1));
    const broken = faults.filter((one) => one.level === "broken").length;
    this._state.textContent = `${say("health.state", { broken, look: faults.length - broken, unheard: told.sources.filter((one) => one.level === "not-heard").length })} ${say("as-of", { at: moment(told.looked_at) })}`;
    fill(this._faults,
      h("h2", { id: "health-faults" }, say("health.faults")),
      told.trouble ? h("p", { className: "error" }, say("health.trouble", { why: told.trouble })) : null,
      faults.length || told.trouble ? h("ul", { className: "faults" }, faults.map(faultOf)) : h("p", { className: "well" }, `${SIGNS.well} ${say("health.none")}`));
    const now = Date.parse(told.as_of);
    fill(this._rest, sourcesOf(told.sources, now), stagesOf(told.stages), asidesOf(told.set_aside, this._city));
  }
}

// A command that somebody is just marking to copy it must not vanish under the pointer.
function isSelecting(element) {
  const marked = getSelection();
  return marked !== null && !marked.isCollapsed && element.contains(marked.anchorNode);
}

const nameOf = (one) => (one.replica ? `${one.source} (${one.replica})` : one.source);
const number = (value, digits = 1) => new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value);
const share = (value) => new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 }).format(value);

function span(seconds) {
  if (seconds === null || seconds === undefined) return say("health.unknown");
  if (seconds < 60) return say("ago.s", { n: number(seconds) });
  return ago(new Date(0).toISOString(), seconds * 1000);
}

function faultOf(one) {
  const about = { ...one.about };
  for (const name of ["since_s", "for_s", "age_s", "objective_s", "skew_s", "lag_s"]) if (name in about) about[name] = span(about[name]);
  for (const name of ["rate_per_min", "count", "unread"]) if (name in about) about[name] = number(about[name]);
  if ("share" in about) about.share = share(about.share);
  const command = COMMANDS[one.code]?.(one.about);
  return h("li", { "data-level": one.level },
    h("strong", {}, `${SIGNS[one.level]} ${one.who}`), h("span", { className: "level" }, say(`level.${one.level}`)),
    h("p", {}, say(`fault.${one.code}`, about)),
    h("p", { className: "do" }, say(`fault.${one.code}.do`, about), command ? h("code", {}, command) : null));
}

function tableOf(title, columns, rows, none) {
  return h("section", {}, h("h2", {}, title), rows.length === 0 ? h("p", { className: "hint" }, none) : h("table", {},
    h("thead", {}, h("tr", {}, columns.map((one) => h("th", { scope: "col" }, say(`health.column.${one}`))))),
    h("tbody", {}, rows)));
}

const badge = (level) => h("td", { className: "badge" }, `${SIGNS[level]} ${say(`level.${level}`)}`);
const cell = (text, more = null) => h("td", {}, text, more === null || more === "" ? null : h("small", {}, more));

function sourcesOf(sources, now) {
  const columns = ["level", "source", "heard", "rate", "age", "clock", "aside", "words"];
  return tableOf(say("health.sources"), columns, sources.map((one) => h("tr", { "data-level": one.level },
    badge(one.level),
    h("th", { scope: "row" }, nameOf(one), one.agencies.length ? h("small", {}, one.agencies.join(", ")) : null),
    ...(one.level === "not-heard" ? [h("td", { colSpan: 6 }, say("health.not-heard"))] : [
      cell(one.heard_at ? say("health.before", { ago: ago(one.heard_at, now) }) : say("health.never")),
      cell(say("health.rate", { n: number(one.rate_per_min) })),
      one.age_p50_s === null ? cell(say("health.unknown")) : cell(span(one.age_p50_s), say("health.age-99", { age: span(one.age_p99_s) })),
      cell(clock(one.clock_skew_s)),
      cell(share(one.set_aside_share), one.reasons[0]?.what ?? null),
      cell(share(one.unknown_share), one.words.slice(0, 3).map((it) => `${it.word} (${it.count})`).join(", ")),
    ]))), say("health.no-sources"));
}

function clock(skew) {
  if (skew === null) return say("health.unknown");
  return skew > 0 ? say("health.ahead", { n: span(skew) }) : say("health.behind", { n: span(-skew) });
}

function stagesOf(stages) {
  return tableOf(say("health.stages"), ["level", "stage", "lag", "workers"], stages.map((one) => h("tr", { "data-level": one.level },
    badge(one.level),
    h("th", { scope: "row" }, say(`stage.${one.stage}`), h("small", {}, say(`stage.${one.stage}.about`))),
    cell(one.lag_s === null ? say("health.unknown") : say("health.lag", { n: number(one.lag_s) })),
    cell(one.workers === null ? "–" : number(one.workers)))), say("health.unknown"));
}

function asidesOf(asides, city) {
  return tableOf(say("health.aside"), ["topic", "records", "newest", "reasons"], asides.map((one) => h("tr", {},
    h("th", { scope: "row" }, one.topic.replace(`${city}.`, "").replace(/\.dlq$/, "")),
    cell(say("health.at-most", { n: number(one.records) })),
    cell(one.newest_at ? moment(one.newest_at) : say("health.retried")),
    h("td", {}, h("ul", { className: "plain" }, one.reasons.map((it) => h("li", {}, `${it.what} (${number(it.count)})`)))))), say("health.no-aside"));
}
