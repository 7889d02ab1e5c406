// One situation: where, who reported it, its cameras, what was done, and the story in the order of time.

import { get, mayAct, post } from "./api.js";
import { actions } from "./acting.js";
import { h, fill, refill } from "./dom.js";
import { has, kindName, language, moment, personName, say, time, when } from "./words.js";
import { isUnderWay, keyOf, readDeliveries, receiverList } from "./deliveries.js";
import { evidenceLine, placesOf } from "./evidence.js";
import { legend } from "./legend.js";
import { play, stopEnded } from "./picture.js";
import { storyWords } from "./story.js";

const AGAIN_MS = 3000; // while a receiver has not got an alert yet

export class Situation {
  constructor(store, map, chosen) {
    this._store = store;
    this._map = map;
    this._chosen = chosen;
    this.id = null;
    this.told = null;
    this._deliveries = {};
    this._cameras = new Map();
    this.element = h("section", { className: "situation", "aria-label": say("situation.label"), tabindex: "0" });
    this.clear();
  }

  clear() {
    this.id = null;
    this.told = null;
    fill(this.element, h("p", { className: "hint" }, say("situation.choose")), legend());
    this._map?.select(null);
  }

  async show(id) {
    this.id = id;
    this._deliveries = {};
    const listed = this._store.situations.get(id);
    if (listed) this._map.select(listed);
    await this.refresh();
    this.element.scrollTop = 0;
  }

  // A refresh that comes while one is under way follows it: the newest answer is the one that stays.
  async refresh() {
    if (this._asking) {
      this._again = true;
      return;
    }
    this._asking = true;
    const id = this.id;
    try {
      const told = await this._store.read(id);
      if (id === this.id) {
        this.told = told;
        await this._places(told.situation);
        this._write();
        this._deliveredNow(id).catch(() => {}); // the situation itself does not wait for it
      }
    } catch (error) {
      if (id === this.id) fill(this.element, h("p", { className: "error", role: "alert" }, error.message));
    } finally {
      this._asking = false;
      if (this._again || id !== this.id) {
        this._again = false;
        if (this.id) await this.refresh();
      }
    }
  }

  // Nothing tells a page that a receiver got on: it is asked while one waits, and drawn again where something is new.
  async _deliveredNow(id) {
    if (id !== this.id) return;
    const deliveries = this.element.isConnected ? await readDeliveries(this._store, id) : this._deliveries;
    if (id !== this.id) return;
    const known = (all) => JSON.stringify(Object.values(all).flat().map((one) => [one.receiver, one.state, one.received_revision, one.why]));
    const isNew = known(deliveries) !== known(this._deliveries);
    this._deliveries = deliveries;
    if (isNew && this.told) this._write();
    clearTimeout(this._later);
    if (isUnderWay(deliveries)) this._later = setTimeout(() => this._deliveredNow(id), AGAIN_MS);
  }

  async _places(one) {
    if (!one.position || !one.cameras?.length || one.cameras.every((it) => this._cameras.has(it.camera_id))) return;
    const away = Math.ceil(Math.max(...one.cameras.map((it) => it.distance_m ?? 0)) + 1);
    const near = `${one.position.lat},${one.position.lon}`;
    const page = await get(`/v1/${this._store.city.name}/cameras?near=${near}&radius_m=${Math.min(50_000, away)}&limit=500`).catch(() => ({ cameras: [] }));
    for (const { camera } of page.cameras) this._cameras.set(camera.camera_id, camera);
  }

  _write() {
    const { situation: one, alerts, grants, story } = this.told;
    stopEnded(grants ?? []);
    const cameras = [...(one.cameras ?? [])].sort((a, b) => a.rank - b.rank).map((it) => ({ ...it, ...this._cameras.get(it.camera_id), rank: it.rank }));
    this._map.select(one, cameras, placesOf(one.evidence));
    const headlines = new Map(alerts.map((it) => [it.alert_id, headlineOf(it)]));
    const open = new Set([...this.element.querySelectorAll("details")].filter((it) => !it.open).map((it) => it.dataset.part));
    const part = (name, count, ...inside) =>
      h("details", { open: !open.has(name), "data-part": name }, h("summary", { "data-key": `part-${name}` }, say(`part.${name}`), count === null ? null : h("span", { className: "number" }, String(count))), ...inside);
    refill(this.element,
      h("header", { className: "head", "data-severity": one.severity ?? "unknown" },
        h("h2", {}, kindName(one.kind)),
        h("p", {}, `${say(`severity.${one.severity ?? "unknown"}`)} · ${say(`status.${one.status}`)} · ${say(`certainty.${one.certainty}`)}`),
        h("p", {}, say("since", { at: moment(one.opened_at) })),
        one.merged_into ? h("p", {}, h("button", { type: "button", "data-key": "merged", onclick: () => this._chosen(one.merged_into) }, say("merged"))) : null,
        h("p", { className: "where" }, one.position ? `${one.position.lat.toFixed(5)}, ${one.position.lon.toFixed(5)} ` : say("masked"),
          one.position ? h("button", { type: "button", "data-key": "near", onclick: () => this._map.near(one) }, say("map.near")) : null),
        h("p", { className: "hands" }, one.taken_by ? say("taken", { who: personName(one.taken_by) }) : one.acknowledged_at ? say("acknowledged.by", { who: personName(one.acknowledged_by) || say("somebody"), at: time(one.acknowledged_at) }) : say("unacknowledged"))),
      actions(this._store, one, () => this.refresh()),
      part("reports", one.incidents?.length ?? 0, this._reports(one)),
      part("cameras", cameras.length, this._cameraList(cameras, grants ?? [])),
      this._steps(one, part),
      part("story", story.length, this._export(one), evidenceLine(one.evidence), h("ol", { className: "story" }, story.map((it) => h("li", { "data-what": it.what }, h("time", { datetime: it.at, title: moment(it.at) }, time(it.at)), h("span", { className: "kind" }, say(`story.${it.what}`)), h("span", {}, storyWords(it, headlines.get(it.id))))))),
      part("alerts", alerts.length, h("ul", { className: "alerts" }, alerts.map((it) => h("li", {}, `${it.audience}: ${headlineOf(it)} `, h("small", {}, `${say(`message.${it.message_type}`)} ${it.revision}, ${time(it.event_time)}`), receiverList(this._deliveries[keyOf(it)]))))));
  }

  _export(one) {
    const save = () => {
      const link = h("a", { href: URL.createObjectURL(new Blob([JSON.stringify(this.told, null, 2)], { type: "application/json" })), download: `situation-${one.situation_id}.json` });
      link.click();
      URL.revokeObjectURL(link.href);
    };
    return h("p", { className: "export" }, h("button", { type: "button", "data-key": "print", onclick: () => print() }, say("print.story")), " ", h("button", { type: "button", "data-key": "save", onclick: save }, say("save.story")));
  }

  _reports(one) {
    if (!one.incidents) return h("p", {}, say("masked"));
    return h("ul", { className: "reports" }, one.incidents.map((it) =>
      h("li", {}, h("strong", {}, it.agency), " ", h("span", { className: "case" }, it.agency_case_no ?? say("masked")), ` ${kindName(it.kind)} · ${say(`status.${it.status}`)} · ${time(it.event_time)}`, it.address ? h("div", { className: "address" }, it.address) : null,
        it.units?.length ? h("div", { className: "units" }, say("units", { names: it.units.join(", ") })) : null)));
  }

  _cameraList(cameras, grants) {
    if (!cameras.length) return h("p", {}, say("cameras.none"));
    const now = new Date(this._store.now()).toISOString();
    return h("ol", { className: "cameras" }, cameras.map((it) => {
      const held = grants.filter((grant) => grant.camera_id === it.camera_id);
      const open = held.find((grant) => !grant.revoked_at && grant.expires_at > now);
      return h("li", { value: it.rank },
        h("span", { className: "name" }, `${it.name ?? it.camera_id}, ${Math.round(it.distance_m)} m`),
        it.status && it.status !== "ok" ? h("span", { className: "mark" }, it.status) : null,
        open ? this._pictureButton(it, open) : null,
        h("ul", { className: "grants" }, held.map((grant) => this._grant(grant, now))));
    }));
  }

  _pictureButton(camera, grant) {
    const isMuted = Boolean(this._store.isRecorded);
    const label = say("picture.of", { name: camera.name ?? camera.camera_id });
    return h("button", { type: "button", className: "picture-of", "data-key": grant.grant_id, disabled: isMuted, title: isMuted ? say("recorded.muted") : null, "aria-label": label, onclick: (event) => play(this._store.city, grant, camera, event.currentTarget) }, say("picture"));
  }

  _grant(grant, now) {
    const why = has(`purpose.${grant.purpose}`) ? say(`purpose.${grant.purpose}`) : grant.purpose;
    const isOver = grant.revoked_at || grant.expires_at <= now;
    return h("li", {},
      `${say("grant", { to: grant.granted_to, why, until: when(grant.revoked_at ?? grant.expires_at, this._store.now()) })} `,
      h("small", {}, grant.legal_ground ?? ""), " ", isOver ? h("span", { className: "mark" }, say("grant.over")) : null);
  }

  _steps(one, part) {
    const steps = stepsOf(this._store.city.steps, one.kind);
    if (!steps.length) return null;
    const done = new Map((one.actions ?? []).filter((it) => it.action === "note" && it.reason?.startsWith("✓ ")).map((it) => [it.reason.slice(2), it]));
    return part("steps", `${steps.filter((step) => done.has(step)).length}/${steps.length}`, h("ul", { className: "steps" }, steps.map((step) => {
      const note = done.get(step);
      const box = h("input", { type: "checkbox", "data-key": `step-${step}`, checked: Boolean(note), disabled: Boolean(note) || Boolean(this._store.isRecorded) || !mayAct("note"), onchange: async () => {
        box.disabled = true;
        try {
          await post(`/v1/${this._store.city.name}/situations/${one.situation_id}/actions`, { action: "note", reason: `✓ ${step}` }, { "Idempotency-Key": crypto.randomUUID() });
        } catch (error) {
          box.checked = box.disabled = false;
          dispatchEvent(new CustomEvent("say", { detail: error.message }));
        }
      } });
      return h("li", {}, h("label", {}, box, " ", step), note ? h("small", {}, ` ${personName(note.account_id)} ${time(note.at)}`) : null);
    })));
  }
}

function headlineOf(alert) {
  return alert.headlines?.find((one) => one.language.startsWith(language))?.headline ?? alert.headline ?? say("masked");
}

export function stepsOf(steps, kind) {
  for (let name = kind ?? ""; name; name = name.includes(".") ? name.slice(0, name.lastIndexOf(".")) : "") {
    if (steps[name]) return steps[name];
  }
  return [];
}
