// The map of the screen: grids shaded by their open cases, cases as points, one of them ringed.

import { askGrids, askPlan } from "./client.js";
import { byId, make } from "./elements.js";
import { Ground, makeMap } from "./ground.js";
import { Points, wallScale } from "./points.js";
import { findSteps, listShades, makeShading } from "./shades.js";
import { word } from "./words.js";

const L = window.L;
const NEAR = 17;
const RING = { color: "#ffffff", weight: 3, fill: false, interactive: false };

/** The map; `choose(row)` is told of a case that is clicked, null for the ground. */
export class ScreenMap {
  constructor({ attempt, choose }) {
    this.map = makeMap(byId("map"));
    this.ground = new Ground(this.map, attempt, new Set());
    this.points = new Points(this.map);
    this.map.createPane("ring").style.zIndex = 395;
    this.map.on("click", ({ latlng }) => choose(this.points.at(latlng) ?? null));
  }

  async load() {
    const [plan, grids] = await Promise.all([askPlan(), askGrids()]);
    Object.assign(this, { plan, grids });
    this.showAll();
    this.ground.showGrids(grids, makeShading(grids.features, new Map(), [1]));
    this.ground.nameUnderMouse();
  }

  speak() {
    this.zoom?.remove();
    const titles = { zoomInTitle: word("zoom_in"), zoomOutTitle: word("zoom_out") };
    this.zoom = L.control.zoom({ position: "bottomright", ...titles }).addTo(this.map);
    if (this.plan) byId("plan").textContent = word("in_plan", this.plan.name, this.plan.valid_from, this.plan.grids);
  }

  /** Show cases ({rows, grids}); `anew` finds the shades' steps again. */
  show({ rows, grids }, anew) {
    this.points.show(rows);
    if (anew || !this.steps) this.steps = findSteps(grids.values());
    this.shade(grids);
    byId("shades").replaceChildren(...listShades(this.steps).map(([colour, text]) => makeShade(colour, text)));
  }

  // Only where a shade changed are the grids drawn again.
  shade(grids) {
    const shading = makeShading(this.grids.features, grids, this.steps);
    const kinds = this.grids.features.map(({ properties }) => shading.kindOf(properties)).join();
    if (kinds === this.kinds) return;
    this.kinds = kinds;
    this.ground.colour(shading);
  }

  name(code) {
    return this.ground.byCode.get(code)?.properties;
  }

  showAll() {
    const [west, south, east, north] = this.plan.bbox ?? [];
    if (this.plan.bbox) this.map.fitBounds([[south, west], [north, east]], { animate: false, padding: [20, 20] });
  }

  /** Ring a case and outline its grid; null for none. */
  ring(row) {
    this.circle?.remove();
    this.ground.mark(row?.grid_code, null);
    if (row?.lon == null) return;
    const renderer = (this.rings ??= L.canvas({ pane: "ring" }));
    this.circle = L.circleMarker([row.lat, row.lon], { ...RING, pane: "ring", renderer, radius: 16 * wallScale() }).addTo(this.map);
  }

  fly({ lon, lat }) {
    if (lon === null) return;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.map.setView([lat, lon], NEAR, { animate: false });
    else this.map.flyTo([lat, lon], NEAR, { duration: 0.8 });
  }
}

function makeShade(colour, text) {
  const row = make("li", "", text);
  const sample = make("span", "area");
  sample.style.background = colour;
  row.prepend(sample);
  return row;
}
