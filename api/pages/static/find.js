// Looking words up: what a search box lists.

import { askFound } from "./client.js";
import { word } from "./words.js";

const MOST = 8;
const WIDE = ["community", "office", "street"]; // they lie in several grids

/**
 * Return items for words, the likeliest first: a grid ({code}), a place ({place}), or something
 * wide, of which one place is not the whole.
 */
export async function findItems(text) {
  const { results } = await askFound(text, MOST);
  return results.map(({ kind, code, name, address, grid, lon, lat, score, missing }) => ({
    title: address || name,
    detail: tellDetail(kind, code, grid, missing),
    code: kind === "grid" ? code : null,
    place: { lon, lat },
    wide: WIDE.includes(kind) && !grid,
    score,
    missing,
  }));
}

/** Return what stands under a title, and what of the words is not in it. */
function tellDetail(kind, code, grid, missing) {
  const about = kind === "grid" ? [code] : [word(`kind_${kind}`), grid?.name];
  return [...about, missing && word("missing", missing)].filter(Boolean).join(" · ");
}

/** Return the item that is meant without doubt: the only one, or the only place that fits exactly. */
export function findSure(items) {
  if (items.length === 1) return items[0].missing ? null : items[0];
  const exact = items.filter(({ score }) => score === 1);
  return exact.length === 1 && !exact[0].wide ? exact[0] : null;
}
