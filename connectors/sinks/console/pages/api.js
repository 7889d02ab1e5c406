// Requests to the gateway with the session of whoever signed in. A refusal is a Problem in the page's language.

import { refusal } from "./words.js";

export class Problem extends Error {
  constructor(status, about) {
    super(refusal(about) || String(status));
    this.code = about.code;
    this.status = status;
    this.field = about.field;
    this.expected = about.expected;
    this.about = about;
    this.retryAfterS = about.retryAfterS;
  }
}

export const session = { account: null, csrf: "" };

async function ask(method, path, body, headers = {}) {
  const sent = { Accept: "application/json", ...headers };
  if (body !== undefined) sent["Content-Type"] = "application/json";
  if (method !== "GET") sent["X-Bongsu-CSRF"] = session.csrf;
  const answer = await fetch(path, {
    method,
    headers: sent,
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: "same-origin",
  });
  const text = await answer.text();
  let told = {};
  try {
    told = text ? JSON.parse(text) : {};
  } catch {
    told = { detail: `${answer.status} ${answer.statusText}` };
  }
  if (!answer.ok) {
    if (answer.status === 401 && session.account) dispatchEvent(new CustomEvent("signed-out"));
    throw new Problem(answer.status, { ...told, retryAfterS: Number(answer.headers.get("Retry-After")) || 0 });
  }
  return told;
}

export const get = (path) => ask("GET", path);
export const post = (path, body, headers) => ask("POST", path, body, headers);

function keep(told) {
  session.account = told.account;
  session.csrf = told.csrf;
  return told.account;
}

export const signIn = async (given) => keep(await post("/console/api/session", given));
export const signedIn = async () => keep(await get("/console/api/session"));
export async function signOut() {
  await ask("DELETE", "/console/api/session");
  session.account = null;
}

export const mayAct = (action) => Boolean(session.account?.may?.act?.includes(action));
