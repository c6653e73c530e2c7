// A map page's state is its address: to share what you see, copy the address.
//
// How the page looks is in the query:
//   ?lang=en  ui=full|min|none  color=balance|street|none  layers=roads,buildings  parent=ORIGIN
//   at=2025-03-01 | plan=NAME
// What it shows may be given there too, and is kept after #, which is never sent to a server:
//   lon=122.235 lat=40.672 z=16    pin=122.2,40.6 crs=gcj02    grid=210802003002001    q=TEXT
//   #16/40.67200/122.23500&pin=…   is how it is written

import { readQuery } from "./search.js";

const SHOWN = ["lon", "lat", "z", "pin", "crs", "grid", "q"];
const ZOOM = 17;

function makeView(zoom, lat, lon) {
  const good = [zoom, lat, lon].every(Number.isFinite) && Math.abs(lat) <= 90 && Math.abs(lon) <= 180;
  return good ? { zoom, lat, lon } : null;
}

const readNumber = (text) => (text?.trim() ? Number(text) : NaN);

// Whatever a latitude is: the service tells exchanged ones, and what else can be wrong.
function readPin(said) {
  if (!said.has("pin")) return null;
  const query = readQuery(said.get("pin"));
  return query.kind === "place" ? { datum: said.get("crs")?.toLowerCase() ?? "wgs84", ...query } : query;
}

/**
 * Return what the address shows: view, pin, grid and q, each null where it says nothing; a pin as
 * `readQuery` reads it, with its datum.
 */
export function readAddress() {
  const [view, ...rest] = location.hash.slice(1).split("&");
  const inHash = new URLSearchParams(view.includes("=") ? [view, ...rest].join("&") : rest.join("&"));
  const said = view || rest.length ? inHash : new URLSearchParams(location.search);
  const zoom = said.has("z") ? readNumber(said.get("z")) : ZOOM;
  return {
    view: makeView(...view.split("/").map(readNumber)) ?? makeView(zoom, readNumber(said.get("lat")), readNumber(said.get("lon"))),
    pin: readPin(said),
    grid: said.get("grid"),
    q: said.get("q"),
  };
}

/** Return how the page looks and who may talk with it. */
export function readOptions() {
  const said = new URLSearchParams(location.search);
  return {
    ui: document.documentElement.dataset.ui,
    color: document.documentElement.dataset.color,
    layers: new Set((said.get("layers") ?? "roads,buildings").split(",")),
    parent: said.get("parent"),
    plan: said.get("plan"),
  };
}

/** Return the address of a page beside this one that shows a grid or place. */
export function linkTo(page, { view, pin, grid, lang }) {
  return compose(page, new URLSearchParams(), { view, pin, grid, lang });
}

/** Write the state into the address without a new entry in the browser's history. */
export function writeAddress(shown) {
  const query = new URLSearchParams(location.search);
  for (const name of SHOWN) query.delete(name);
  history.replaceState(null, "", compose(location.pathname, query, shown));
}

function compose(path, query, { view, pin, grid, lang }) {
  if (lang === "zh") query.delete("lang");
  else query.set("lang", lang);
  const parts = view ? [`${view.zoom}/${view.lat.toFixed(5)}/${view.lon.toFixed(5)}`] : [];
  if (pin) parts.push(`pin=${pin.lon.toFixed(7)},${pin.lat.toFixed(7)}`, ...(pin.datum ? [`crs=${pin.datum}`] : []));
  else if (grid) parts.push(`grid=${encodeURIComponent(grid)}`);
  const search = query.toString() && `?${query}`;
  const hash = parts.length ? `#${parts.join("&")}` : "";
  return new URL(`${path}${search}${hash}`, location.href).href;
}
