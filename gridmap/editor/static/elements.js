// Small parts of the page. Text is set as text, never parsed as markup.

const SVG = "http://www.w3.org/2000/svg";
const LOCK = "M5 7V5a3 3 0 0 1 6 0v2h1v7H4V7Zm2 0h2V5a1 1 0 0 0-2 0Z";
const OPEN = "M5 7V4a3 3 0 0 1 5.800-1L9 3.600A1 1 0 0 0 7 4v3h5v7H4V7Z";

export function make(tag, className = "", text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

/** Keep a notebook's shortcuts from what has the focus: in JupyterLab X cuts a cell.
 *
 * JupyterLab looks at every element from the focused one upwards, and at that one first.
 */
export function suppressShortcuts(element) {
  element.dataset.lmSuppressShortcuts = "true";
}

export function makeButton(className, act) {
  const button = make("button", className);
  suppressShortcuts(button);
  button.type = "button";
  button.addEventListener("click", () => act(button));
  return button;
}

/** Name a button: what is read out and shown on pointing at it, and what is written on it. */
export function nameButton(button, label, text = label, key = "") {
  button.setAttribute("aria-label", label);
  button.title = key ? `${label} (${key})` : label;
  if (text !== null && button.textContent !== text) button.textContent = text;
}

/** A lock as a drawing: an emoji may have no glyph. */
export function makeLock(closed) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("width", "14");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", closed ? LOCK : OPEN);
  path.setAttribute("fill", "currentColor");
  svg.append(path);
  return svg;
}

/** Set a text only where it differs: the page is laid out again for what changed. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
