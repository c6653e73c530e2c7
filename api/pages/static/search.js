// What somebody typed or pasted: a code, a place in degrees, a link to a map, or words.

import { readLink } from "./links.js";

/** Kinds of queries that were to name a position and do not; each has its word. */
export const NO_PLACE = ["bad_place", "no_position"];

const MOST_DEGREES = 180; // of a latitude too: exchanged ones are for the service to tell

/** Return {kind: "code" | "place" | "bad_place" | "no_position" | "name" | "nothing", …}. */
export function readQuery(text) {
  const link = readLink(text);
  if (link) return checkPlace(link);
  const query = normalise(text).trim();
  if (!query) return { kind: "nothing" };
  if (/^\d{12,20}$/.test(query)) return { kind: "code", code: query };
  const place = readPlace(query);
  if (place) return place;
  return /^[\d\s.,;°'"+-]*[\s.,;°][\d\s.,;°'"+-]*$/.test(query) ? { kind: "bad_place" } : { kind: "name", name: query };
}

// Full-width digits and marks are what a Chinese keyboard types.
function normalise(text) {
  return text
    .replace(/[″”“]|′′/g, '"') // before NFKC, which parts them
    .normalize("NFKC")
    .replace(/[，、；]/g, ",")
    .replace(/[。．]/g, ".")
    .replace(/[′’‘]/g, "'")
    .replace(/[−–—]/g, "-");
}

const NUMBER = String.raw`[+-]?\d{1,3}(?:\.\d+)?`;
const ANGLE = String.raw`(${NUMBER})\s*(?:°|度)?(?:\s*(\d{1,2}(?:\.\d+)?)\s*(?:'|分)(?:\s*(\d{1,2}(?:\.\d+)?)\s*(?:"|秒))?)?`;
const EAST = String.raw`(?:东经|经度|longitude|lng|lon|E)\s*[:=]?`;
const NORTH = String.raw`(?:北纬|纬度|latitude|lat|N)\s*[:=]?`;
const BETWEEN = String.raw`\s*(?:[,;\s]|(?<=["'°度分秒EN]))\s*`;
const pattern = (...parts) => new RegExp(`^[({\\[]?\\s*${parts.join("")}\\s*[)}\\]]?$`, "i");

// Where the words say which is which, they count; bare numbers are longitude first.
const FORMS = [
  [pattern(EAST, String.raw`\s*`, ANGLE, BETWEEN, NORTH, String.raw`\s*`, ANGLE), false],
  [pattern(NORTH, String.raw`\s*`, ANGLE, BETWEEN, EAST, String.raw`\s*`, ANGLE), true],
  [pattern(ANGLE, String.raw`\s*E`, BETWEEN, ANGLE, String.raw`\s*N`), false],
  [pattern(ANGLE, String.raw`\s*N`, BETWEEN, ANGLE, String.raw`\s*E`), true],
  [pattern(ANGLE, BETWEEN, ANGLE), false],
];

function readPlace(query) {
  for (const [form, northFirst] of FORMS) {
    const found = form.exec(query);
    if (!found) continue;
    const angles = [toDegrees(found.slice(1, 4)), toDegrees(found.slice(4, 7))];
    const [lon, lat] = northFirst ? angles.reverse() : angles;
    return checkPlace({ kind: "place", lon, lat });
  }
  return null;
}

function checkPlace(place) {
  return place.kind === "place" && Math.max(Math.abs(place.lon), Math.abs(place.lat)) > MOST_DEGREES ? { kind: "bad_place" } : place;
}

function toDegrees([degrees, minutes = 0, seconds = 0]) {
  const size = Math.abs(Number(degrees)) + Number(minutes) / 60 + Number(seconds) / 3600;
  return (degrees.startsWith("-") ? -1 : 1) * Number(size.toFixed(8));
}
