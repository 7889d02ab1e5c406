// Redeem a grant for a ticket and play its camera. The picture comes from the city's video system, never through the bus.

import { post } from "./api.js";
import { h } from "./dom.js";
import { say, time } from "./words.js";

export async function play(city, grant, camera, button) {
  button.disabled = true;
  const video = h("video", { controls: true, muted: true, autoplay: true, playsInline: true });
  const words = h("p", { role: "status" }, say("picture.asking"));
  const dialog = h("dialog", { className: "picture", "aria-label": say("picture.of", { name: camera.name ?? camera.camera_id }), onclose: () => { video.removeAttribute("src"); video.load(); dialog.remove(); } },
    h("h2", {}, camera.name ?? camera.camera_id), video, words,
    h("form", { method: "dialog" }, h("button", {}, say("close.window"))));
  document.body.append(dialog);
  dialog.showModal();
  try {
    const told = await post(`/v1/${city.name}/grants/${grant.grant_id}/access`, {});
    const address = city.video?.replace("{camera}", encodeURIComponent(grant.camera_id)).replace("{ticket}", encodeURIComponent(told.ticket));
    if (!address) {
      words.textContent = say("picture.no-system", { s: told.expires_in_s });
      video.remove();
      return;
    }
    words.textContent = say("picture.until", { at: time(grant.expires_at) });
    video.src = address;
    await video.play();
  } catch (error) {
    words.textContent = error.message;
  } finally {
    button.disabled = false;
  }
}
