// Signing in: by name and password, by a key, or by a link that works once.

import { signIn } from "./api.js";
import { h, fill } from "./dom.js";
import { has, language, say, speak } from "./words.js";

export async function byLink() {
  const link = new URLSearchParams(location.hash.slice(1)).get("link");
  if (!link) return null;
  history.replaceState(null, "", location.pathname);
  return signIn({ link });
}

// The reason for which the gateway sent the browser back from the city's issuer.
export function refusal() {
  const reason = new URLSearchParams(location.hash.slice(1)).get("refused");
  if (!reason) return "";
  history.replaceState(null, "", location.pathname);
  return say(has(`oidc.${reason}`) ? `oidc.${reason}` : "oidc.token");
}

export function signInPage(holder, city, done, why = "") {
  const name = h("input", { name: "name", autocomplete: "username", required: true });
  const password = h("input", { name: "password", type: "password", autocomplete: "current-password", required: true });
  const key = h("input", { name: "key", type: "password", autocomplete: "off", required: true });
  const refused = h("p", { className: "error", role: "alert" }, why);
  const form = (given, ...inside) =>
    h("form", { onsubmit: async (event) => {
      event.preventDefault();
      refused.textContent = "";
      try {
        await done(await signIn(given()));
      } catch (error) {
        refused.textContent = error.status === 401 ? say("signin.wrong") : error.message;
      }
    } }, ...inside, h("button", { type: "submit", className: "main" }, say("signin")));
  const others = Object.entries(city.languages).filter(([one]) => one !== language).map(([one, name]) =>
    h("button", { type: "button", className: "link", lang: one, onclick: async () => { await speak(one); signInPage(holder, city, done, why); } }, name));
  fill(holder, h("main", { className: "signin" }, h("p", { className: "languages" }, others),
    h("h1", {}, city.title),
    h("p", {}, say("signin.about")),
    refused,
    form(() => ({ name: name.value, password: password.value }), h("label", {}, say("signin.name"), name), h("label", {}, say("signin.password"), password)),
    city.issuer ? h("a", { className: "issuer", href: "/console/oidc/login" }, say("signin.issuer", { name: city.issuer })) : null,
    h("details", {}, h("summary", {}, say("signin.by-key")), form(() => ({ key: key.value.trim() }), h("label", {}, say("signin.key"), key)))));
  name.focus();
}
