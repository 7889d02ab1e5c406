// The story of a situation in the language of the page: made of an entry's facts, and of the words in words/*.json.

import { has, kindName, personName, phrase, say, time } from "./words.js";

const named = (key, value) => (value && has(`${key}.${value}`) ? say(`${key}.${value}`) : value ?? "");

function apart({ apart_s: s, apart_m: m }) {
  const minutes = s >= 120 ? say("story.apart.min", { n: Math.round(s / 60) }) : say("story.apart.s", { n: s });
  return [s === null ? "" : minutes, m === null ? "" : say("story.apart.m", { n: m })].filter(Boolean).join(", ");
}

const SAYS = {
  revision: (it) => [
    `${kindName(it.kind)}, ${named("status", it.status)}`,
    it.reason && phrase(it.reason),
    it.merged_into && say("merged.into"),
  ],
  incident: (it) => [
    `${it.agency} ${it.agency_case_no ?? say("masked")}: ${kindName(it.kind)}, ${named("status", it.status)}`,
    it.beside && say("story.joined", { agency: it.beside, apart: apart(it) }),
  ],
  evidence: (it) => [say("story.evidence.of", { topic: named("topic", it.topic.slice(it.topic.indexOf(".") + 1)) }), it.distance_m !== null && say("story.away", { n: Math.round(it.distance_m) })],
  action: (it) => [named("act", it.action), it.account_id && say("story.by", { who: personName(it.account_id) }), it.reason],
  filing: (it) => [`${it.agency} (${named("domain", it.to_domain)})`, named("filing", it.status), it.agency_case_no],
  alert: (it, alert) => [`${it.audience}: ${alert ?? it.headline ?? say("masked")}`, named("message", it.message_type)],
  grant: (it) => [
    say("story.grant.to", { camera: it.camera_id, to: it.granted_to, why: named("purpose", it.purpose) }),
    it.revoked_at ? say("story.grant.ended", { at: time(it.revoked_at) }) : say("story.grant.until", { at: time(it.expires_at) }),
    it.reason && phrase(it.reason),
  ],
};

/** The words of *entry*; *headline*: an alert's in the language of the page. */
export function storyWords(entry, headline) {
  const made = SAYS[entry.what];
  return made ? made(entry.facts, headline).filter(Boolean).join(" · ") : entry.words;
}
