// Elements made of tags, properties and texts. Texts are always text: nothing here reads markup.

export function h(tag, about = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(about)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made && !name.includes("-") && typeof value !== "string") made[name] = value;
    else made.setAttribute(name === "className" ? "class" : name, value === true ? "" : String(value));
  }
  made.append(...inside.flat().filter((one) => one !== null && one !== undefined && one !== false));
  return made;
}

export function fill(holder, ...inside) {
  holder.replaceChildren(...inside.flat().filter((one) => one !== null && one !== undefined && one !== false));
  return holder;
}

// Fill *holder* anew, and leave the keyboard where it was: at the element with the same data-key, or else at the holder itself.
export function refill(holder, ...inside) {
  const held = holder.contains(document.activeElement) ? document.activeElement : null;
  fill(holder, ...inside);
  if (held && !held.isConnected) (keyed(holder, held.dataset.key) ?? holder).focus({ preventScroll: true });
}

// Show *dialog*; when it is closed the keyboard is again where it was before, also where that was drawn anew meanwhile.
export function showDialog(dialog) {
  const from = document.activeElement;
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (!from.isConnected) keyed(document, from.dataset.key)?.focus({ preventScroll: true });
  });
  document.body.append(dialog);
  dialog.showModal();
}

const keyed = (holder, key) => (key ? [...holder.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key) : undefined);
