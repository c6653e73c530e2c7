// The card: which grid, and how surely. Everything is set as text; nothing is parsed as markup.

import { word } from "./words.js";

const DATUM_NAMES = { wgs84: "WGS-84", cgcs2000: "CGCS2000", gcj02: "GCJ-02", bd09: "BD-09" };

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function makeRows(rows) {
  const list = make("dl");
  for (const [name, value, className] of rows.filter(([, value]) => value))
    list.append(make("dt", "", name), make("dd", className, value));
  return list;
}

export function percent(deviation) {
  const value = Math.round(deviation * 100);
  return value === 0 ? "±0%" : `${value > 0 ? "+" : "−"}${Math.abs(value)}%`;
}

function tellHouseholds(households, deviation) {
  if (households === null) return word("hidden");
  return deviation === undefined ? word("homes", households) : word("homes_off", households, percent(deviation));
}

function tellSureness(answer) {
  if (answer.match === "inside") return word("inside", answer.border_m.toFixed(1));
  if (answer.match === "border") return word("on_border");
  return answer.match === "nearest" ? word("nearest", answer.distance_m.toFixed(1)) : "";
}

function tellHint(answer) {
  const other = answer.runner_up && answer.runner_up.name;
  switch (answer.hint && answer.hint.code) {
    case "border":
      return other
        ? word("border_hint", answer.border_m.toFixed(1), other)
        : word("border_edge", answer.border_m.toFixed(1));
    case "nearest":
      return other ? word("nearest_hint", other) : "";
    case "datum":
      return word("datum_hint", DATUM_NAMES[answer.hint.datum]);
    case undefined:
    case null:
      return "";
    default:
      return word(`${answer.hint.code}_hint`);
  }
}

function makeButton(className, text, act) {
  const button = make("button", className, text);
  button.type = "button";
  button.addEventListener("click", () => act(button));
  return button;
}

// Over plain http, which offices use, browsers have no clipboard: show the address, selected.
async function copyAddress(button) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(location.href);
    button.textContent = word("copied");
    return;
  }
  const field = make("input", "address");
  field.readOnly = true;
  field.value = location.href;
  field.setAttribute("aria-label", word("copy"));
  button.replaceWith(field);
  field.select();
}

/** Fill the card with an owner ({answer, place?, properties?}) and show it. */
export function showCard(card, { answer, place, properties }, onClose) {
  const title = make("h1", "", answer.name || word("none"));
  const close = makeButton("close", "×", onClose);
  close.setAttribute("aria-label", word("close"));
  const rows = [
    [word("code"), answer.grid_code, "code"],
    [word("belongs"), [answer.street, answer.community].filter(Boolean).join(" · ")],
    [word("households"), answer.grid_code && tellHouseholds(answer.households, properties?.deviation)],
    [word("sureness"), tellSureness(answer)],
    [word("coordinates"), place && `${place.lon.toFixed(6)}, ${place.lat.toFixed(6)}`, "code"],
  ];
  card.replaceChildren(close, title, makeRows(rows));
  const hint = tellHint(answer);
  if (hint) card.append(make("p", "hint", hint));
  const buttons = make("div", "buttons");
  buttons.append(makeButton("", word("copy"), copyAddress));
  card.append(buttons);
  card.dataset.grid = answer.grid_code || "";
  card.dataset.match = answer.match;
  card.hidden = false;
}
