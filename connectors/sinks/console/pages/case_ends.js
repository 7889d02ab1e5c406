// What ends a case or keeps it open: closing it for a reason, and recording the request for its authorisation.

import { post } from "./api.js";
import { h, showDialog } from "./dom.js";
import { say } from "./words.js";

const REASONS = ["found", "withdrawn", "mistaken", "authorisation_refused"];

export function closeCase(path, done) {
  const reason = h("select", { name: "reason", required: true }, h("option", { value: "" }, say("cases.close.choose")), REASONS.map((word) => h("option", { value: word }, say(`cases.reason.${word}`))));
  asking("cases.close", h("label", {}, say("cases.close.why"), reason), () => post(`${path}/close`, { reason: reason.value }), done, "cases.closed");
}

export function fileCase(path, done) {
  const number = h("input", { name: "filing", required: true, maxLength: 200, autocomplete: "off" });
  asking("cases.file", h("label", {}, say("cases.file.number"), number), () => post(`${path}/filing`, { filing_id: number.value.trim() }), done, "cases.filed");
}

function asking(name, field, send, done, said) {
  const refused = h("p", { className: "error", role: "alert" });
  const button = h("button", { type: "submit", className: "main" }, say(name));
  const dialog = h("dialog", { className: "asking", "aria-label": say(name) },
    h("h2", {}, say(name)), h("p", {}, say(`${name}.about`)),
    h("form", { method: "dialog", onsubmit: async (event) => {
      event.preventDefault();
      button.disabled = true;
      refused.textContent = "";
      try {
        await send();
        dialog.close();
        dispatchEvent(new CustomEvent("say", { detail: say(said) }));
        done();
      } catch (error) {
        refused.textContent = error.message;
        button.disabled = false;
      }
    } }, field, refused, h("div", { className: "end" }, h("button", { type: "button", onclick: () => dialog.close() }, say("cancel")), button)));
  showDialog(dialog);
  field.querySelector("input, select").focus();
}
