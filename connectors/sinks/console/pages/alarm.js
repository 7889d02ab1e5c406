// The alarm sounds until each situation that demands attention is acknowledged. Browsers play nothing before a person has
// clicked once: until then the page asks for that click.

import { isOver, rankOf } from "./store.js";

const EVERY_MS = 6000;
const LOUD_RANK = 1; // extreme and severe

export class Alarm extends EventTarget {
  constructor(store) {
    super();
    this._store = store;
    this.isMuted = localStorage.getItem("muted") === "yes";
    this._sound = null;
    this._timer = setInterval(() => this._turn(), EVERY_MS);
    store.addEventListener("change", (told) => {
      if ([...told.detail.changed].some(([id, how]) => how === "new" && isUrgent(store.situations.get(id)))) this._turn();
    });
  }

  end() {
    clearInterval(this._timer);
    this._sound?.close();
  }

  waiting() {
    return this._store.open().filter(isUrgent);
  }

  get isAllowed() {
    return this._sound?.state === "running";
  }

  async allow() {
    this._sound ??= new AudioContext();
    await this._sound.resume();
    this.dispatchEvent(new Event("change"));
  }

  mute(isMuted) {
    this.isMuted = isMuted;
    localStorage.setItem("muted", isMuted ? "yes" : "no");
    this.dispatchEvent(new Event("change"));
  }

  _turn() {
    this.dispatchEvent(new Event("change"));
    if (this.isMuted || !this.isAllowed || !this.waiting().length) return;
    const begin = this._sound.currentTime;
    [880, 660, 880].forEach((pitch, number) => this._tone(pitch, begin + number * 0.22));
  }

  _tone(pitch, at) {
    const tone = this._sound.createOscillator();
    const loud = this._sound.createGain();
    tone.frequency.value = pitch;
    loud.gain.setValueAtTime(0.0001, at);
    loud.gain.exponentialRampToValueAtTime(0.25, at + 0.02);
    loud.gain.exponentialRampToValueAtTime(0.0001, at + 0.2);
    tone.connect(loud).connect(this._sound.destination);
    tone.start(at);
    tone.stop(at + 0.21);
  }
}

export const isUrgent = (one) => !isOver(one) && rankOf(one) <= LOUD_RANK && !one.acknowledged_at;
