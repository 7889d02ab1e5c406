// The signs of the map and their meaning, shown while no situation is chosen.

import { h } from "./dom.js";
import { markOf } from "./evidence.js";
import { signOf } from "./map.js";
import { SEVERITIES } from "./store.js";
import { kindName, say } from "./words.js";

const KINDS = [["fire", "gas", "hazard"], ["crash", "traffic"], ["crime"], ["medical", "rescue"], ["other"]];

export function legend() {
  const part = (name, signs) => h("section", {}, h("h2", {}, say(`legend.${name}`)), h("ul", {}, signs.map(([about, text]) => h("li", {}, about instanceof Element ? about : signOf(about), text))));
  return h("div", { className: "legend" },
    part("kinds", KINDS.map((kinds) => [{ kind: kinds[0] }, kinds[0] === "other" ? say("legend.other") : kinds.map(kindName).join(", ")])),
    part("severities", SEVERITIES.map((name, rank) => [{ rank, kind: "crash" }, say(`severity.${name}`)])),
    part("states", [[{ isSeen: false }, say("unacknowledged")], [{ isSeen: true }, say("acknowledged")], [{ isSure: false }, say("legend.unsure")]]),
    part("around", [[markOf(), say("legend.evidence")], [markOf(3), say("legend.evidence.several")]]));
}
