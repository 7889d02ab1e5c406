// The first-run tour: each part of the page explained once, beside the part itself.

import { h } from "./dom.js";
import { say } from "./words.js";

const PARTS = [[".map", "map"], [".list", "list"], [".situation", "situation"], [".alarm", "alarm"], [".views", "views"]];

export function tour(isAsked = false) {
  if (!isAsked && localStorage.getItem("toured")) return;
  localStorage.setItem("toured", "yes");
  let at = 0;
  const words = h("p", { role: "status" });
  const next = h("button", { type: "button", className: "main", onclick: () => show(at + 1) });
  const dialog = h("dialog", { className: "tour", "aria-label": say("tour"), onclose: () => { mark(null); dialog.remove(); } },
    h("h2", {}, say("tour")), words,
    h("div", { className: "end" }, h("button", { type: "button", onclick: () => dialog.close() }, say("tour.end")), next));
  const mark = (part) => {
    document.querySelectorAll(".toured").forEach((one) => one.classList.remove("toured"));
    if (part) document.querySelector(part)?.classList.add("toured");
  };
  function show(number) {
    if (number >= PARTS.length) return dialog.close();
    at = number;
    const [part, name] = PARTS[number];
    words.textContent = say(`tour.${name}`);
    next.textContent = number === PARTS.length - 1 ? say("tour.end") : say("tour.next", { n: number + 1, all: PARTS.length });
    mark(part);
  }
  document.body.append(dialog);
  show(0);
  dialog.showModal();
}
