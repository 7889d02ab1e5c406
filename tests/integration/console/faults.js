() => {
  const faults = [];
  const root = document.documentElement;
  const wide = root.clientWidth;
  if (root.scrollWidth > wide) faults.push(`the page is ${root.scrollWidth} px wide in ${wide}`);
  const name = (one) => `<${one.tagName.toLowerCase()} ${one.className}> ${one.textContent.trim().slice(0, 40)}`;
  const top = document.querySelector("header.top");
  for (const one of document.body.querySelectorAll("*")) {
    if (one.closest(".toast, .skip, svg, .leaflet-container, noscript") || !one.checkVisibility({ contentVisibilityAuto: true })) continue;
    const box = one.getBoundingClientRect();
    const style = getComputedStyle(one);
    const hasText = [...one.childNodes].some((it) => it.nodeType === Node.TEXT_NODE && it.textContent.trim());
    const over = one.clientWidth && style.display !== "inline" ? one.scrollWidth - one.clientWidth : 0;
    if (over > 1 && hasText) faults.push(`cut by ${over} px: ${name(one)}`);
    else if (over > 1 && ["auto", "scroll"].includes(style.overflowX)) faults.push(`scrolls ${over} px sideways: ${name(one)}`);
    if (hasText && (box.right > wide + 1 || box.left < -1)) faults.push(`beyond the edge: ${name(one)}`);
    if (hasText && one.matches("button:not(.link)") && box.height > 2.6 * parseFloat(style.lineHeight)) faults.push(`a button of several lines: ${name(one)}`);
  }
  const pen = document.createElement("canvas").getContext("2d");
  for (const one of document.querySelectorAll("select, input[type=search]")) {
    if (!one.checkVisibility()) continue;
    const style = getComputedStyle(one);
    pen.font = style.font;
    const text = one.placeholder || one.selectedOptions?.[0]?.textContent || "";
    const room = one.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - (one.tagName === "SELECT" ? parseFloat(style.fontSize) : 0);
    if (one.tagName === "SELECT" && !text) faults.push("a choice without words");
    if (pen.measureText(text).width > room) faults.push(`cut: the choice ${text}`);
  }
  if (top) {
    const under = top.getBoundingClientRect().bottom;
    for (const one of document.querySelectorAll("body > main, .banner:not([hidden])")) {
      if (one.getBoundingClientRect().top < under - 1) faults.push(`overlaps the header: ${name(one)}`);
    }
    const parts = [...top.children].map((it) => it.getBoundingClientRect()).filter((it) => it.width);
    parts.forEach((a, n) => parts.slice(n + 1).forEach((b) => {
      if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1) faults.push("parts of the header overlap");
    }));
  }
  return faults;
}
