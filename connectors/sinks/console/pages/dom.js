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
