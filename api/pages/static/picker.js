// A map to choose a place on: the cross stands still, the map moves below it. Loaded when it is
// asked for, so that who needs none does not wait for it.

import { askLayer, askPlan } from "./client.js";
import { make, makeButton } from "./elements.js";
import { word } from "./words.js";

const NEAR = 17;
const BASE = ["barriers", "streets", "communities"];

/** Load what the map is made of; once. */
async function loadMap() {
  const style = (file) => load(Object.assign(make("link"), { rel: "stylesheet", href: new URL(file, import.meta.url) }));
  const code = (file) => load(Object.assign(make("script"), { src: new URL(file, import.meta.url) }));
  if (!window.L) await Promise.all([style("leaflet/leaflet.css"), code("leaflet/leaflet.js")]);
  return import("./ground.js");
}

function load(element) {
  return new Promise((resolve, reject) => {
    element.onload = resolve;
    element.onerror = () => reject(new Error(`can't load ${element.href ?? element.src}`));
    document.head.append(element);
  });
}

/**
 * Show a map in a box, at a place ({lon, lat}) or the whole plan; `take(place)` is told of a choice.
 * Without it nothing is to be chosen: the place has a pin.
 */
export async function showPicker(box, { at, take, attempt }) {
  box.hidden = false;
  const frame = make("div", "map");
  const choice = take ? [make("span", "cross"), makeButton("main wide", word("pick_take"), () => take(centre()))] : [];
  box.replaceChildren(frame, ...choice);
  frame.setAttribute("aria-label", word("pick_map"));
  const { Ground, makeMap } = await loadMap();
  const map = makeMap(frame);
  window.L.control.zoom({ position: "bottomright", zoomInTitle: word("zoom_in"), zoomOutTitle: word("zoom_out") }).addTo(map);
  const ground = new Ground(map, attempt);
  const centre = () => ({ lon: Number(map.getCenter().lng.toFixed(7)), lat: Number(map.getCenter().lat.toFixed(7)), datum: "wgs84" });
  await moveTo(map, at);
  if (!take) ground.mark(null, at);
  const show = () => attempt(showAround(map, ground));
  map.on("moveend", show);
  await showAround(map, ground);
  return map;
}

async function moveTo(map, at) {
  if (at) return map.setView([at.lat, at.lon], NEAR, { animate: false });
  const [west, south, east, north] = (await askPlan()).bbox;
  map.fitBounds([[south, west], [north, east]], { animate: false });
}

// Only what is around the view is fetched: a whole city's streets are a long wait on a slow line.
async function showAround(map, ground) {
  const view = map.getBounds();
  if (ground.around?.contains(view)) return;
  const area = (ground.around = view.pad(0.3));
  const layers = await Promise.all(BASE.map((layer) => askLayer(layer, area.toBBoxString())));
  if (ground.around === area) ground.showBase(layers);
}
