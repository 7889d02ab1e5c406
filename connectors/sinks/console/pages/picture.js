// Redeem a grant for a ticket and play its camera. The picture comes from the city's video system, never through the bus.

import { post } from "./api.js";
import { h, showDialog } from "./dom.js";
import { say, when } from "./words.js";

const HLS = "application/vnd.apple.mpegurl";
const SCRIPT = "/console/hls/hls.min.js";
const TIMER_MS_MAX = 2 ** 31 - 1;
const TRIES_MAX = 4;
const AGAIN_MS = 1000;
const shown = new Map(); // grant → the open picture

export async function play(city, grant, camera, button) {
  button.disabled = true;
  const picture = new Picture(grant, camera);
  try {
    const told = await post(`/v1/${city.name}/grants/${grant.grant_id}/access`, {});
    if (!city.video) picture.stop(say("picture.no-system", { s: told.expires_in_s }));
    else await picture.open(addressOf(city.video, grant, told), city.has_hls);
  } catch (error) {
    picture.stop(error.message);
  } finally {
    button.disabled = false;
  }
}

// Of *grants* as they are now: whose picture is open and may no longer be watched is stopped.
export function stopEnded(grants) {
  for (const one of grants) if (one.revoked_at) shown.get(one.grant_id)?.stop(say("picture.over"));
}

function addressOf(form, grant, told) {
  const parts = { camera: grant.camera_id, ticket: told.ticket, replica: told.replica ?? "" };
  return form.replace(/\{(camera|ticket|replica)\}/g, (_, name) => encodeURIComponent(parts[name]));
}

class Picture {
  constructor(grant, camera) {
    this._grant = grant;
    this._tries = 0;
    const name = camera.name ?? camera.camera_id;
    this._alt = say("picture.live", { name });
    this._video = h("video", { controls: true, muted: true, autoplay: true, playsInline: true, "aria-label": this._alt });
    this._words = h("p", { role: "status" }, say("picture.asking"));
    this._screen = h("div", { className: "screen" }, this._video);
    this._dialog = h("dialog", { className: "picture", "aria-label": say("picture.of", { name }), onclose: () => this._end() },
      h("h2", {}, name), this._screen, this._words,
      h("form", { method: "dialog", className: "end" }, h("button", { className: "main" }, say("close.window"))));
    showDialog(this._dialog);
    shown.set(grant.grant_id, this);
  }

  async open(address, hasHls) {
    if (this._isOver) return;
    this._address = address;
    this._hasHls = hasHls;
    const left = Date.parse(this._grant.expires_at) - Date.now();
    if (left < TIMER_MS_MAX) this._timer = setTimeout(() => this.stop(say("picture.over")), left);
    this._video.addEventListener("playing", () => { this._words.textContent = say("picture.until", { at: when(this._grant.expires_at, Date.now()) }); });
    this._video.addEventListener("error", () => this._failed());
    if (this._video.canPlayType(HLS) || !hasHls) await this._byBrowser();
    else await this._byScript();
  }

  // Stop asking for the picture, and say why.
  stop(why) {
    this._end();
    this._screen.remove();
    this._words.textContent = why;
  }

  async _byBrowser() {
    this._video.src = this._address;
    await this._video.play().catch(() => {}); // its "error" says more
  }

  async _byScript() {
    await loaded(SCRIPT);
    if (this._isOver) return;
    // the cookie of the viewing goes with each request; no worker, which the policy would have to allow
    this._hls = new window.Hls({ enableWorker: false, liveSyncDurationCount: 1, xhrSetup: (asked) => { asked.withCredentials = true; } });
    this._hls.on(window.Hls.Events.ERROR, (_, about) => about.fatal && this._failed());
    this._hls.loadSource(this._address);
    this._hls.attachMedia(this._video);
    await this._video.play().catch(() => {});
  }

  // What no video is may be a picture that stands still, or one that moves by itself (MJPEG): the browser knows by its content type.
  _failed() {
    if (this._isOver) return;
    if (this._video.currentTime > 0) {
      this.stop(say("picture.ended"));
      return;
    }
    this._quiet();
    this._image = h("img", { alt: this._alt });
    this._image.addEventListener("load", () => { this._words.textContent = say("picture.until", { at: when(this._grant.expires_at, Date.now()) }); });
    this._image.addEventListener("error", () => this._later());
    this._video.replaceWith(this._image);
    this._image.src = this._address;
  }

  // A camera that begins only now may have too short a list for a player: ask a few times.
  _later() {
    if (this._isOver) return;
    this._tries += 1;
    if (this._tries >= TRIES_MAX) {
      this.stop(say("picture.none"));
      return;
    }
    this._again = setTimeout(() => {
      this._image.replaceWith(this._video);
      (this._hasHls ? this._byScript() : this._byBrowser()).catch((error) => this.stop(error.message));
    }, AGAIN_MS);
  }

  _quiet() {
    this._hls?.destroy();
    this._hls = null;
    this._video.removeAttribute("src");
    this._video.load();
  }

  _end() {
    if (this._isOver) return;
    this._isOver = true;
    clearTimeout(this._timer);
    clearTimeout(this._again);
    shown.delete(this._grant.grant_id);
    this._quiet();
    this._image?.removeAttribute("src");
  }
}

const scripts = new Map();
function loaded(address) {
  if (!scripts.has(address)) scripts.set(address, new Promise((done, failed) => {
    const script = h("script", { src: address });
    script.addEventListener("load", done);
    script.addEventListener("error", () => { scripts.delete(address); script.remove(); failed(new Error(say("picture.none"))); });
    document.head.append(script);
  }));
  return scripts.get(address);
}
