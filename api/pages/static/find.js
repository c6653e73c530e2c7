// Looking words up: what a search box lists.

import { askFound } from "./client.js";
import { word } from "./words.js";

const MOST = 8;
const WIDE = ["community", "office", "street"]; // they lie in several grids

/**
 * Return items for words, the likeliest first: a grid ({code}), a place ({place}), or something
 * wide, of which one place is not the whole; with a warning where a name that was typed is not in it.
 */
export async function findItems(text) {
  const { results } = await askFound(text, MOST);
  return results.map(({ kind, code, name, address, grid, lon, lat, missing, sure }) => ({
    title: address || name,
    detail: tellDetail(kind, code, grid),
    warning: missing ? word("missing", missing) : "",
    code: kind === "grid" ? code : null,
    place: { lon, lat },
    wide: WIDE.includes(kind) && !grid,
    sure,
  }));
}

/** Return what stands beside a title. */
function tellDetail(kind, code, grid) {
  const about = kind === "grid" ? [code] : [word(`kind_${kind}`), grid?.name];
  return about.filter(Boolean).join(" · ");
}

/** Return the item that is meant without doubt, as the service says, or undefined. */
export const findMeant = (items) => items.find(({ sure }) => sure);

/** Return the item to take at once: of what is wide the rest of the list is offered first. */
export function findSure(items) {
  const meant = findMeant(items);
  return meant?.wide && items.length > 1 ? null : meant;
}
