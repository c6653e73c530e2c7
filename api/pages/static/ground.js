// The map itself: grids, base map, labels, pin and owner, on Leaflet's canvas. Nothing on it takes
// part in clicks; whoever clicks asks the service.

import { askLayer } from "./client.js";
import * as look from "./look.js";
import { fullName, percent } from "./card.js";
import { gridAt } from "./nearby.js";
import { word } from "./words.js";

const L = window.L;
const BUILDINGS_FROM = 16;
const LABELS_FROM = 16;
const LABEL_HEIGHT = 36;
const QUIET = { interactive: false };
const PIN =
  '<svg viewBox="0 0 24 34" width="24" height="34"><path d="M12 1C6 1 1.5 5.600 1.500 11.500 1.500 19 12 33 12 33s10.500-14 10.500-21.500C22.500 5.600 18 1 12 1Z" fill="#b3261e" stroke="#fff" stroke-width="1.500"/><circle cx="12" cy="11.500" r="4" fill="#fff"/></svg>';

/** Make the map in an element. */
export function makeMap(element) {
  const map = L.map(element, {
    preferCanvas: true,
    attributionControl: false,
    zoomControl: false,
    center: [36, 104], // until the plan says where it is
    zoom: 9,
    minZoom: 9,
    maxZoom: 20,
    zoomSnap: 0.5,
  });
  for (const [name, level] of [["ground", 350], ["buildings", 360], ["lines", 370], ["owner", 380]])
    map.createPane(name).style.zIndex = level;
  L.control.scale({ imperial: false, position: "bottomleft", maxWidth: 110 }).addTo(map);
  return map;
}

/** Return a grid's name without its community's. */
const shortName = ({ name, community }) => (name.startsWith(community) && name.slice(community.length)) || name;
const fillOf = ({ kindOf, colours }) => ({ properties }) => look.fillStyle(colours[kindOf(properties)]);

/** The layers on a map, filled from the service; `attempt` runs what may fail. */
export class Ground {
  constructor(map, attempt, layers = new Set(["roads", "buildings"])) {
    this.map = map;
    this.attempt = attempt;
    this.shown = layers;
    const canvas = (pane) => L.canvas({ pane, padding: 0.25 });
    this.canvases = { ground: canvas("ground"), buildings: canvas("buildings"), lines: canvas("lines"), owner: canvas("owner") };
    this.fills = L.layerGroup().addTo(map);
    this.water = L.layerGroup().addTo(map);
    this.streets = L.layerGroup().addTo(map);
    this.lines = L.layerGroup().addTo(map);
    this.buildings = L.layerGroup().addTo(map);
    this.owner = L.layerGroup().addTo(map);
    this.labels = L.layerGroup().addTo(map);
    this.highlights = L.layerGroup().addTo(map);
    this.features = [];
    this.byCode = new Map();
    map.on("moveend", () => this.followView());
    map.on("zoomend", () => this.restyle());
  }

  geoJson(pane, features, style) {
    const renderer = this.canvases[pane];
    const options = { ...QUIET, pane, renderer, style, smoothFactor: 1 };
    const pointToLayer = (_, at) => L.circleMarker(at, { ...QUIET, renderer, pane, radius: 4 });
    return L.geoJSON(features, { ...options, pointToLayer });
  }

  /** Draw the grids of a plan. */
  showGrids(collection, colouring) {
    this.features = collection.features;
    this.byCode = new Map(collection.features.map((feature) => [feature.id, feature]));
    this.fills.clearLayers();
    this.cover = this.geoJson("ground", collection, fillOf(colouring));
    this.fills.addLayer(this.cover);
    if (this.gridLines) this.lines.removeLayer(this.gridLines);
    this.gridLines = this.geoJson("lines", collection, () => look.outlineStyle("grid", this.map.getZoom()));
    this.lines.addLayer(this.gridLines);
    this.followView();
  }

  colour(colouring) {
    this.cover.setStyle(fillOf(colouring));
  }

  /** Fetch the city below and between the grids. */
  askBase() {
    const roads = this.shown.has("roads") ? askLayer("streets") : null;
    return Promise.all([askLayer("barriers"), roads, askLayer("communities")]);
  }

  /** Draw the city below and between the grids. */
  showBase([barriers, streets, communities]) {
    const zoom = () => this.map.getZoom();
    for (const group of [this.water, this.streets]) group.clearLayers();
    if (this.communities) this.lines.removeLayer(this.communities);
    this.barriers = this.geoJson("ground", barriers, (f) => look.barrierStyle(f.properties.kind, zoom()));
    this.water.addLayer(this.barriers);
    if (this.shown.has("roads")) {
      this.roads = this.geoJson("ground", streets, (f) => look.streetStyle(f.properties.kind, zoom()));
      this.streets.addLayer(this.roads);
    }
    this.communities = this.geoJson("lines", communities, () => look.outlineStyle("community", zoom()));
    this.lines.addLayer(this.communities);
  }

  restyle() {
    const zoom = this.map.getZoom();
    this.roads?.setStyle((feature) => look.streetStyle(feature.properties.kind, zoom));
    this.barriers?.setStyle((feature) => look.barrierStyle(feature.properties.kind, zoom));
    this.gridLines?.setStyle(look.outlineStyle("grid", zoom));
    this.communities?.setStyle(look.outlineStyle("community", zoom));
  }

  followView() {
    this.showLabels();
    this.attempt(this.showBuildings());
  }

  /** Fetch the buildings around the view; a little more than it, so that small moves need none. */
  async showBuildings() {
    if (this.map.getZoom() < BUILDINGS_FROM || !this.shown.has("buildings")) {
      this.buildings.clearLayers();
      this.built = null;
      return;
    }
    const view = this.map.getBounds();
    if (this.built?.contains(view)) return;
    const area = view.pad(0.4);
    this.built = area;
    const features = await this.askBuildings(area);
    if (this.built !== area) return; // the view moved on while we waited
    this.buildings.clearLayers();
    this.buildings.addLayer(this.geoJson("buildings", features, () => look.BUILDING));
  }

  async askBuildings(area) {
    try {
      return await askLayer("buildings", area.toBBoxString());
    } catch (error) {
      this.built = null; // the next move asks again
      throw error;
    }
  }

  /** Write on the grids in view, where there is room and no other name: the marked one's, then the largest. */
  showLabels() {
    this.labels.clearLayers();
    if (this.map.getZoom() < LABELS_FROM) return;
    const view = this.map.getBounds();
    const weight = ({ id, properties }) => (id === this.marked ? Infinity : properties.area);
    const taken = [];
    for (const feature of [...this.features].sort((one, other) => weight(other) - weight(one))) {
      const [lon, lat] = feature.properties.label;
      if (view.contains([lat, lon]) && this.hasRoom(feature) && this.takePlace(feature, taken)) this.labels.addLayer(this.makeLabel(feature));
    }
  }

  /** Take the place of a name, unless one that is taken is in the way. */
  takePlace({ properties }, taken) {
    const [lon, lat] = properties.label;
    const { x, y } = this.map.latLngToContainerPoint([lat, lon]);
    const half = Math.max(38, 7 * shortName(properties).length);
    if (taken.some((other) => Math.abs(other.x - x) < other.half + half && Math.abs(other.y - y) < LABEL_HEIGHT)) return false;
    return taken.push({ x, y, half });
  }

  hasRoom({ bbox: [west, south, east, north] }) {
    const low = this.map.latLngToContainerPoint([south, west]);
    const high = this.map.latLngToContainerPoint([north, east]);
    return high.x - low.x >= 72 && low.y - high.y >= 40;
  }

  makeLabel({ id, properties }) {
    const text = document.createElement("div");
    const count = document.createElement("small");
    count.textContent =
      properties.households === null ? "—" : `${word("homes", properties.households)} ${percent(properties.deviation)}`;
    text.append(word("label", shortName(properties), Number(id.slice(-3))), count);
    const icon = L.divIcon({ className: "label", html: text, iconSize: [110, 32] });
    const [lon, lat] = properties.label;
    return L.marker([lat, lon], { ...QUIET, keyboard: false, icon });
  }

  /** Outline grids that somebody points out, beside the one that is shown. */
  highlight(codes) {
    const features = codes.map((code) => this.byCode.get(code)).filter(Boolean);
    this.highlights.clearLayers();
    this.highlights.addLayer(this.geoJson("owner", features, () => look.HIGHLIGHT));
  }

  /** Name the grid under the mouse, and tell `tell` its code whenever that changes. */
  nameUnderMouse(tell = () => {}) {
    const tip = L.tooltip({ className: "tip", direction: "right", offset: [14, 0], opacity: 1 });
    let last = null;
    const show = (feature, at) => {
      if (feature) tip.setLatLng(at).setContent(this.writeTip(feature)).addTo(this.map);
      else tip.remove();
      const code = feature?.id ?? null;
      if (code !== last) tell((last = code));
    };
    this.map.on("mousemove", ({ latlng }) => {
      this.pointed = latlng;
      this.pointing ??= requestAnimationFrame(() => {
        this.pointing = null;
        if (this.pointed) show(gridAt(this.features, this.pointed.lng, this.pointed.lat), this.pointed);
      });
    });
    this.map.on("mouseout", () => show((this.pointed = null), null));
  }

  writeTip({ properties }) {
    const text = document.createElement("span");
    const count = properties.households === null ? "" : ` · ${word("homes", properties.households)}`;
    text.textContent = fullName(properties) + count;
    return text;
  }

  /** Outline a grid and put a pin; null for none. */
  mark(code, place) {
    this.owner.clearLayers();
    this.marked = code;
    this.showLabels();
    const feature = this.byCode.get(code);
    if (feature) this.owner.addLayer(this.geoJson("owner", feature, () => look.OWNER));
    if (!place) return;
    const icon = L.divIcon({ className: "pin", html: PIN, iconSize: [24, 34], iconAnchor: [12, 33] });
    this.owner.addLayer(L.marker([place.lat, place.lon], { ...QUIET, keyboard: false, icon }));
  }
}
