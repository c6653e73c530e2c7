// A card: a title, rows, what to mind, and buttons. And the card of a grid that owns a place.

import { make, makeButton } from "./elements.js";
import { word } from "./words.js";

export const DATUM_NAMES = { wgs84: "WGS-84", cgcs2000: "CGCS2000", gcj02: "GCJ-02", bd09: "BD-09" };

/** Fill a card and show it; rows are [name, text or element, class], without text left out. */
export function fillCard(card, { title, rows, hints = [], buttons = [], onClose }) {
  const close = makeButton("close", "×", onClose);
  close.setAttribute("aria-label", word("close"));
  const group = make("div", "buttons");
  group.append(...buttons);
  card.replaceChildren(close, make("h1", "", title), makeRows(rows));
  card.append(...hints.map((hint) => (hint instanceof Node ? hint : make("p", "hint", hint))), group);
  card.hidden = false;
}

export function makeRows(rows) {
  const list = make("dl");
  for (const [name, value, className] of rows.filter(([, text]) => text)) {
    const text = make("dd", className);
    text.append(value);
    list.append(make("dt", "", name), text);
  }
  return list;
}

export function percent(deviation) {
  const value = Math.round(deviation * 100);
  return value === 0 ? "±0%" : `${value > 0 ? "+" : "−"}${Math.abs(value)}%`;
}

export const tellPlace = ({ lon, lat }) => `${lon.toFixed(6)}, ${lat.toFixed(6)}`;

/** Return the full name of a grid: with its street office, where the name does not begin with it. */
export function fullName({ name, street }) {
  return street && name && !name.startsWith(street) ? `${street}${name}` : name;
}

/** Return the rows of the card of an owner ({answer, place?, properties?, contact?, staff?}). */
export function ownerRows({ answer, place, given, maker, properties, contact, staff }) {
  return [
    [word("code"), answer.grid_code, "code"],
    [word("belongs"), [answer.street, answer.community].filter(Boolean).join(" · ")],
    ...(staff ? staffRows(staff) : contactRows(answer, contact)),
    [word("households"), answer.grid_code && tellHouseholds(answer.households, properties?.deviation)],
    [word("sureness"), tellSureness(answer)],
    [word("coordinates"), place && tellPlace(place), "code"],
    [word("given"), given && (maker || given.datum !== "wgs84") && tellGiven(given, maker).replace(", ", ",\u00a0"), "code"],
  ];
}

/** Return a place as it was given: its datum, and the map whose link it was. */
export function tellGiven(place, maker) {
  return `${DATUM_NAMES[place.datum]}${maker ? word(`link_${maker}`) : ""} ${tellPlace(place)}`;
}

/**
 * Show who owns a place, how surely, and what to mind. Where the place was perhaps meant otherwise,
 * `retry(place)` asks again as the hint says: it is never moved silently.
 */
export function showOwner(card, shown, { buttons, onClose, retry }) {
  const { answer, others, denied } = shown;
  const title = answer.grid_code ? fullName(answer) : word("none");
  const hints = [tellHint(answer, others), denied && word(denied)].filter(Boolean);
  const other = findOtherReading(shown);
  const again = other ? [makeButton("again", word("again", DATUM_NAMES[other.datum], tellPlace(other)), () => retry(other))] : [];
  fillCard(card, { title, rows: ownerRows(shown), hints, buttons: [...again, ...buttons], onClose });
  card.dataset.grid = answer.grid_code || "";
  card.dataset.match = answer.match;
}

function findOtherReading({ answer: { hint }, given }) {
  if (hint?.code === "datum") return { ...given, datum: hint.datum };
  if (hint?.code === "swapped") return { ...given, lon: given.lat, lat: given.lon };
  return null;
}

export function contactRows(answer, contact) {
  if (!answer.grid_code) return [];
  return [
    [word("worker"), contact ? contact.worker : word("vacant")],
    [word("office_phone"), contact?.office_phone && makePhone(contact.office_phone)],
  ];
}

export function staffRows({ worker, deputies, branches, liaisons, contacts }) {
  return [
    [word("worker"), worker ? makePeople([worker]) : word("vacant")],
    [word("deputies"), deputies.length && makePeople(deputies)],
    [word("branches"), branches.map(({ name, secretary }) => (secretary ? `${name}（${secretary}）` : name)).join("、")],
    [word("liaisons"), liaisons.length && makePeople(liaisons)],
    [word("helpers"), contacts.map(({ name }) => name).join("、")],
  ];
}

/** List people, one a line: what for, the name or post, and a phone that a tap calls. */
function makePeople(people) {
  const list = make("ul", "people");
  for (const { department, post, name, phone } of people) {
    const row = make("li", "", [department, name || post].filter(Boolean).join(" "));
    if (phone) row.append(" ", makePhone(phone));
    list.append(row);
  }
  return list;
}

function makePhone(phone) {
  const link = make("a", "phone", phone);
  link.href = `tel:${phone.replace(/[^\d+]/g, "")}`;
  return link;
}

function tellHouseholds(households, deviation) {
  if (households === null) return word("hidden");
  return deviation === undefined ? word("homes", households) : word("homes_off", households, percent(deviation));
}

export function tellSureness(answer) {
  if (answer.match === "inside") return word("inside", answer.border_m.toFixed(1));
  if (answer.match === "border") return word("on_border", answer.border_m.toFixed(1));
  return answer.match === "nearest" ? word("nearest", answer.distance_m.toFixed(1)) : "";
}

/** Say what to mind about an answer; `others` are the grids across a border that is near. */
export function tellHint(answer, others = []) {
  const names = others.map(fullName).join("、");
  switch (answer.hint && answer.hint.code) {
    case "border":
      return names ? word("border_hint", answer.border_m.toFixed(1), names) : word("border_edge", answer.border_m.toFixed(1));
    case "nearest":
      return names ? word("nearest_hint", names) : "";
    case "datum":
      return word("datum_hint", DATUM_NAMES[answer.hint.datum]);
    case undefined:
    case null:
      return "";
    default:
      return word(`${answer.hint.code}_hint`);
  }
}

/** Return what a dispatcher passes on, as one line. */
export function dispatchText({ answer, place, contact, staff, others = [] }) {
  if (!answer.grid_code) return "";
  const worker = staff ? staff.worker : contact && { name: contact.worker, phone: contact.office_phone };
  const parts = [
    `${word("code")} ${answer.grid_code}`,
    `${word("worker")} ${worker ? worker.name : word("vacant")}`,
    worker?.phone && `${word("phone")} ${worker.phone}`,
    place && `${word("coordinates")} ${place.lon.toFixed(6)},${place.lat.toFixed(6)}（WGS-84）`,
    answer.match !== "inside" && tellHint(answer, others),
  ];
  return `【${fullName(answer)}】${parts.filter(Boolean).join(" ")}`;
}
