// The form that opens a case: by the law's grounds, an area, a time, and the words for looks. A refusal names other grounds.

import { post } from "./api.js";
import { boxOf, circleOf, polygonOf } from "./case_map.js";
import { groundName, localOf, momentOf, otherName, reasonName, traitName, traitWord } from "./case_words.js";
import { h, fill } from "./dom.js";
import { say } from "./words.js";

const RADIUS_M = 1500;
const BACK_MS = 3 * 3_600_000;
const LASTS_MS = 24 * 3_600_000;

export class CaseForm {
  // *opened*: called with the case's id once it is; *left*: when nothing is opened.
  constructor(city, map, { opened, left }) {
    this._city = city;
    this._map = map;
    const zone = city.timezone;
    const now = Date.now();
    const text = (name, about = {}) => (this[`_${name}`] = h("input", { name, autocomplete: "off", maxLength: 200, ...about }));
    const at = (name, ms) => (this[`_${name}`] = h("input", { name, type: "datetime-local", required: true, value: localOf(ms, zone) }));
    const label = (name, field) => h("label", {}, say(`cases.form.${name}`), field);
    this._ground = h("select", { name: "ground", required: true, onchange: () => this._grounds() }, groundChoices(city));
    this._area = h("select", { name: "area", onchange: () => this._draw() }, ["around", "visible"].map((word) => h("option", { value: word }, say(`cases.form.area.${word}`))));
    this._radius = h("input", { name: "radius", type: "number", min: "50", max: "30000", step: "50", value: String(RADIUS_M), required: true, oninput: () => this._draw() });
    this._lat = h("input", { name: "lat", type: "number", step: "any", min: "-90", max: "90", oninput: () => this._draw() });
    this._lon = h("input", { name: "lon", type: "number", step: "any", min: "-180", max: "180", oninput: () => this._draw() });
    this._urgent = h("input", { name: "is_urgent", type: "checkbox" });
    this._traits = Object.entries(city.cases.traits).map(([name, one]) =>
      h("select", { name }, h("option", { value: "" }, say("cases.form.unknown")), Object.keys(one.words).map((word) => h("option", { value: word }, traitWord(city, { name, word })))));
    this._refused = h("div", { className: "error refused", role: "alert" });
    this._send = h("button", { type: "submit", className: "main" }, say("cases.form.send"));
    const decided = label("authorisation", text("authorisation"));
    this.element = h("form", { className: "case-form", "aria-label": say("cases.open"), onsubmit: (event) => { event.preventDefault(); this._open(opened); } },
      h("h2", {}, say("cases.open")),
      h("fieldset", {}, h("legend", {}, say("cases.form.who")), label("number", text("number", { required: true })), label("ground", this._ground), decided,
        city.cases.filing_hours === null ? null : h("label", { className: "line" }, this._urgent, ` ${say("cases.form.urgent", { h: city.cases.filing_hours })}`),
        label("requester", text("requester", { required: true })), label("category", text("category")), label("photo", text("photo"))),
      h("fieldset", {}, h("legend", {}, say("cases.form.where")), label("from", at("from", now - BACK_MS)), label("until", at("until", now + LASTS_MS)),
        label("seen", at("seen", now - BACK_MS)), h("div", { className: "place" }, label("lat", this._lat), label("lon", this._lon),
          h("button", { type: "button", "data-key": "centre", onclick: () => this.place(this._map.centre()) }, say("cases.form.centre"))),
        label("area", this._area), label("radius", this._radius)),
      h("fieldset", { className: "looks" }, h("legend", {}, say("cases.form.looks")), Object.keys(city.cases.traits).map((name, number) => h("label", {}, traitName(city, name), this._traits[number]))),
      this._refused,
      h("div", { className: "end" }, h("button", { type: "button", onclick: left }, say("cancel")), this._send));
    this._grounds();
  }

  focus() {
    this._number.focus();
  }

  // The place where the person was last seen, for example where somebody clicked on the map.
  place({ lat, lon }) {
    this._lat.value = lat.toFixed(5);
    this._lon.value = lon.toFixed(5);
    this._draw();
  }

  // Empty every field: what was typed is a case's.
  clear() {
    this.element.reset();
    for (const field of this.element.elements) if (field.matches("input:not([type=checkbox])")) field.value = "";
    this.element.replaceChildren();
    this._map.ask(null, null);
  }

  _grounds() {
    this._authorisation.required = this._ground.value.startsWith("other:");
  }

  _seenAt() {
    if (!this._lat.value || !this._lon.value) return null;
    return { lat: Number(this._lat.value), lon: Number(this._lon.value) };
  }

  _ring() {
    if (this._area.value === "visible") return boxOf(this._map.bounds());
    const seen = this._seenAt();
    return seen ? circleOf(seen, Number(this._radius.value)) : null;
  }

  _draw() {
    const isAround = this._area.value === "around";
    this._radius.disabled = !isAround;
    this._lat.required = this._lon.required = isAround;
    this._map.ask(this._ring(), this._seenAt());
  }

  _asked() {
    const [ground, other] = this._ground.value.split(/:(.*)/);
    const zone = this._city.timezone;
    const ring = this._ring();
    const position = this._seenAt();
    return {
      agency_case_no: this._number.value.trim(),
      ground, other_ground: other || null,
      requester: this._requester.value.trim(),
      authorisation_id: this._authorisation.value.trim() || null,
      is_urgent: this._urgent.checked,
      category: this._category.value.trim() || null,
      photo_ref: this._photo.value.trim() || null,
      area: ring ? polygonOf(ring) : null,
      from_time: momentOf(this._from.value, zone),
      until_time: momentOf(this._until.value, zone),
      last_seen: { seen_at: momentOf(this._seen.value, zone), position },
      attributes: this._traits.filter((one) => one.value).map((one) => ({ name: one.name, word: one.value })),
    };
  }

  async _open(opened) {
    fill(this._refused);
    this._send.disabled = true;
    try {
      const told = await post(`/v1/${this._city.name}/cases`, this._asked());
      opened(told.case_id);
    } catch (error) {
      fill(this._refused, refusalWords(error));
    } finally {
      this._send.disabled = false;
    }
  }
}

// The grounds of the act first, then the others, each of which needs a decision's number.
function groundChoices(city) {
  const own = Object.keys(city.cases.grounds).map((ground) => h("option", { value: ground, title: city.cases.grounds[ground] }, groundName({ ground })));
  const others = Object.entries(city.cases.other_grounds).map(([word, law]) => h("option", { value: `other:${word}`, title: law }, otherName(word)));
  const group = (name, inside) => (inside.length ? h("optgroup", { label: say(name) }, inside) : null);
  const none = Object.hasOwn(city.cases.grounds, "other") ? [] : [h("option", { value: "other" }, say("cases.ground.none"))];
  return [group("cases.form.grounds", own), group("cases.form.others", [...others, ...none])].filter(Boolean);
}

function refusalWords(error) {
  const others = Object.entries(error.about?.other_grounds ?? {});
  if (error.code !== "case-refused") return [h("p", {}, error.message)];
  return [
    h("p", {}, say("cases.refused", { why: reasonName(error.about.reason) })),
    others.length ? h("p", {}, say("cases.refused.others")) : null,
    h("ul", {}, others.map(([word, law]) => h("li", {}, `${otherName(word)} (${law})`))),
  ];
}
