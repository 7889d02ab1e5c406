// The figures of some days: how soon help came, how many alerts people bear; whole, by day and by kind.

import { get } from "./api.js";
import { bars, columns } from "./chart.js";
import { fill, h } from "./dom.js";
import { kindName, moment, say } from "./words.js";

const AGAIN_MS = 30_000;
const WAITS = ["dispatch", "arrival", "video"];

const share = (value) => (value === null ? null : `${Math.round(value * 1000) / 10} %`);
const minutes = (one) => (one === null ? null : one.median_s / 60);
const long = (seconds) => (seconds < 60 ? say("figures.s", { n: Math.round(seconds) }) : say("figures.min", { n: Math.round(seconds / 6) / 10 }));
const rounded = (value) => (value === null ? null : String(Math.round(value * 100) / 100));

export class Figures {
  constructor(store) {
    this._city = store.city.name;
    this.element = h("main", { className: "page figures", id: "main", tabindex: "-1" });
    this._from = h("input", { type: "date", name: "from" });
    this._to = h("input", { type: "date", name: "to" });
    this._why = h("p", { className: "error", role: "alert" });
    this._shown = h("div", {});
    this._about = h("p", { className: "hint" });
    this._isChosen = false; // until somebody chooses days, the newest are shown
    const read = (event) => { event.preventDefault(); this._isChosen = Boolean(this._from.value || this._to.value); this._read(); };
    fill(this.element, h("h1", {}, say("figures")), this._about,
      h("form", { onsubmit: read }, h("label", {}, say("figures.from"), this._from), h("label", {}, say("figures.to"), this._to),
        h("button", { className: "main" }, say("figures.show")), h("button", { type: "button", onclick: () => print() }, say("print"))),
      this._why, this._shown);
  }

  show() {
    if (this._timer) return;
    this._timer = setInterval(() => this._read(), AGAIN_MS);
    this._read();
  }

  hide() {
    clearInterval(this._timer);
    this._timer = null;
  }

  async _read() {
    const chosen = this._isChosen ? [["from", this._from.value], ["to", this._to.value]] : [];
    const asked = new URLSearchParams(chosen.filter(([, value]) => value));
    const turn = (this._turn = Symbol("turn"));
    try {
      const told = await get(`/v1/${this._city}/figures?${asked}`);
      if (turn !== this._turn) return; // another span was asked for since
      this._why.textContent = "";
      this._tell(told);
    } catch (error) {
      this._why.textContent = error.expected ? `${error.message}: ${error.expected}` : error.message;
    }
  }

  _tell(told) {
    if (!this._isChosen && !this.element.contains(document.activeElement)) [this._from.value, this._to.value] = [told.from, told.to];
    const goal = { value: told.goal_s / 60, text: say("figures.goal", { n: told.goal_s / 60 }) };
    this._about.textContent = `${say("figures.about", { zone: told.timezone })} ${say("as-of", { at: moment(told.as_of) })}`;
    const days = told.days.map((one) => ({ ...one, name: one.date.slice(5).replace("-", "/"), full: one.date }));
    const kinds = told.kinds.map((one) => ({ ...one, name: kindName(one.kind), full: kindName(one.kind) }));
    const arrival = say("figures.medians", { what: say("figures.arrival") });
    const number = say("figures.count", { what: say("figures.situations") });
    fill(this._shown, this._numbers(told), this._load(told.whole.loads),
      beside(say("figures.by-day"), say("figures.day"), goal, days, [
        columns(arrival, days.map((one) => ({ name: one.name, value: minutes(one.arrival) })), goal),
        columns(number, days.map((one) => ({ name: one.name, value: one.situations })))]),
      kinds.length === 0 ? null : beside(say("figures.by-kind"), say("figures.kind"), goal, kinds, [
        bars(arrival, kinds.map((one) => ({ name: one.name, value: minutes(one.arrival) })), goal),
        bars(number, kinds.map((one) => ({ name: one.name, value: one.situations })))]));
  }

  _numbers({ whole, goal_s: goal }) {
    const wait = (name) => [say(`figures.${name}`), whole[name] && long(whole[name].median_s), whole[name] && say("figures.median", { n: whole[name].count, p90: long(whole[name].p90_s) })];
    const numbers = [
      [say("figures.situations"), rounded(whole.situations), null],
      ...WAITS.map(wait),
      [say("figures.within", { n: goal / 60 }), share(whole.within_goal_share), whole.arrival && say("figures.of-known", { n: whole.arrival.count })],
      [say("figures.joined"), share(whole.joined_share), say("figures.of-all")],
    ];
    return h("dl", {}, numbers.map(([name, value, about]) => h("div", {}, h("dt", {}, name),
      h("dd", { className: value === null ? "number none" : "number" }, value ?? say("figures.none")), value !== null && about ? h("dd", { className: "hint" }, about) : null)));
  }

  _load(loads) {
    const heads = ["audience", "alerts", "per10", "most", "flood", "chattering", "stale", "level"];
    return h("section", {}, h("h2", {}, say("figures.load")), h("p", { className: "hint" }, say("figures.load.about")),
      loads.length === 0 ? h("p", { className: "none" }, say("figures.load.none")) : h("table", { "aria-label": say("figures.load") },
        h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col" }, say(`figures.${name}`))))),
        h("tbody", {}, loads.map((one) => h("tr", {}, h("th", { scope: "row" }, one.audience),
          [one.alerts, rounded(one.per_10_min), one.most_in_10_min, share(one.flood_share), one.chattering, one.stale].map((value) => h("td", {}, String(value))),
          h("td", {}, h("span", { className: `level ${one.level}` }, say(`level.${one.level}`))))))));
  }
}

function beside(title, first, goal, rows, charts) {
  const cell = (value) => h("td", { className: value === null ? "none" : "" }, value ?? say("figures.none"));
  const wait = (one) => one && long(one.median_s);
  const heads = [first, say("figures.situations"), ...WAITS.map((name) => say(`figures.${name}`)), say("figures.within", { n: goal.value }), say("figures.joined"), say("figures.alerts")];
  const table = h("table", { "aria-label": title },
    h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, rows.map((one) => h("tr", {}, h("th", { scope: "row" }, one.full), cell(rounded(one.situations)),
      WAITS.map((name) => cell(wait(one[name]))), cell(share(one.within_goal_share)), cell(share(one.joined_share)), cell(rounded(one.alerts))))));
  return h("section", {}, h("h2", {}, title), h("div", { className: "beside" }, h("div", { className: "charts" }, charts), table));
}
