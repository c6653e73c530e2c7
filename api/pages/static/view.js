// A map of the plan in force with one owner shown on it, and what every page does around that.

import { Problem, askGrid, askGrids, askOwner, askPlan, askStaff, knowsKey, useKey } from "./client.js";
import { byId, say } from "./elements.js";
import { Ground, makeMap } from "./ground.js";
import { showLegend } from "./legend.js";
import { makeColouring } from "./look.js";
import { gridsWithin } from "./nearby.js";
import { NO_PLACE } from "./search.js";
import { currentLanguage, otherLanguage, setLanguage, word } from "./words.js";

const L = window.L;
const NEAREST_ZOOM = 17;
export const isNarrow = () => matchMedia("(max-width: 640px)").matches;

/**
 * The map and its state. `tell(shown)` is called whenever what is shown changes: an owner
 * ({answer, place?, given?, maker?, properties?, contact?, staff?, others}) or null; `trouble(code)` whenever
 * something failed, after it was said.
 */
export class View {
  constructor({ tell, trouble = () => {}, color = "balance", layers, room }) {
    Object.assign(this, { tell, trouble, color, room, plan: null, shown: null, asked: 0, keyed: false });
    this.map = makeMap(byId("map"));
    this.ground = new Ground(this.map, (task) => this.attempt(task), layers);
  }

  /** Run what may fail, and say so when it does. */
  attempt(task) {
    task.catch((error) => {
      if (!(error instanceof Problem)) throw error;
      const texts = { "no-plan-in-force": word("no_plan"), "unknown-plan": word("unknown_plan", error.message), "bad-key": word("bad_key") };
      say(texts[error.code] ?? word("failed"));
      this.trouble(error.code);
    });
  }

  /** Ask as whoever holds a key from now on: cards then tell who serves a grid. */
  useKey(key) {
    useKey(key);
    this.keyed = Boolean(key);
  }

  /** Tell whether the service knows a key; the one in use stays. */
  tryKey(key) {
    return knowsKey(key);
  }

  /** Fetch and draw the plan in force; `look` moves the map first, so that it is drawn once. */
  async loadPlan(look = () => {}) {
    const [asked, base] = [askGrids(), this.ground.askBase()];
    this.plan = await askPlan();
    look();
    const grids = await asked;
    this.colouring = makeColouring(this.color, grids.features, this.plan);
    this.ground.showGrids(grids, this.colouring);
    this.showPlan();
    this.ground.showBase(await base);
  }

  showPlan() {
    if (!this.colouring) return; // nothing is drawn yet
    byId("plan").textContent = word("in_plan", this.plan.name, this.plan.valid_from, this.plan.grids);
    showLegend(this.color, this.plan, this.colouring);
  }

  recolour(color) {
    this.color = color;
    this.colouring = makeColouring(color, this.ground.features, this.plan);
    this.ground.colour(this.colouring);
    this.showPlan();
  }

  /** Show the whole plan. */
  fitAll() {
    const [west, south, east, north] = this.plan.bbox ?? [];
    if (this.plan.bbox) this.map.fitBounds([[south, west], [north, east]], { animate: false });
  }

  /** Ask who owns a place ({lon, lat, datum}) and show it; `maker` of the link that it is from. */
  async locate(place, { move = false, maker } = {}) {
    const asked = ++this.asked;
    const answer = await askOwner(place);
    if (asked !== this.asked) return; // somebody asked again meanwhile
    if (answer.plan !== this.plan.name) {
      await this.loadPlan(); // another plan was published
    }
    const pin = answer.place ?? null;
    const shown = { answer, place: pin, given: place, maker, others: this.findOthers(answer, pin) };
    if (await this.show(shown, asked)) if (move && pin) this.centreOn(pin);
  }

  /** Show a grid by its code; move there unless told not to. */
  async showGrid(code, { move = true } = {}) {
    const asked = ++this.asked;
    const feature = this.ground.byCode.get(code) ?? (await askGrid(code));
    if (asked !== this.asked) return;
    const { name, community, street, households } = feature.properties;
    const answer = { grid_code: feature.id, name, community, street, households, match: "grid" };
    if (move) this.fit(feature.bbox);
    await this.show({ answer, place: null, others: [] }, asked);
  }

  /** The grids across a border that is near: the one that the service names, then others in reach. */
  findOthers(answer, place) {
    const first = answer.runner_up && this.ground.byCode.get(answer.runner_up.code);
    const near = answer.match === "border" && place ? gridsWithin(this.ground.features, place, this.plan.near_border) : [];
    const codes = new Set([first, ...near].filter(Boolean).map(({ id }) => id));
    codes.delete(answer.grid_code);
    return [...codes].map((code) => ({ code, ...this.ground.byCode.get(code).properties }));
  }

  /** Show an owner once it is known who serves the grid; return whether it is still wanted. */
  async show(shown, asked) {
    const code = shown.answer.grid_code;
    this.ground.mark(code, shown.place);
    const people = code ? await this.askPeople(code) : {};
    if (asked !== this.asked) return false;
    this.shown = { ...shown, ...people, properties: this.ground.byCode.get(code)?.properties };
    say("");
    this.tell(this.shown);
    return true;
  }

  /** Ask who serves a grid: as far as the key allows, and what is posted in public. */
  async askPeople(code) {
    let denied;
    try {
      if (this.keyed) return { staff: await askStaff(code) };
    } catch (problem) {
      if (!["not-allowed", "other-district"].includes(problem.code)) throw problem;
      denied = problem.code;
    }
    return { contact: (await askGrid(code)).contact ?? null, denied };
  }

  /** Show again what is shown, as whoever has the key now. */
  async refresh() {
    const { answer, place, given, maker, others } = this.shown;
    await this.show({ answer, place, given, maker, others }, ++this.asked);
  }

  close() {
    this.clear();
    this.map.getContainer().focus({ preventScroll: true });
  }

  /** Show no owner any more, nor one that is still asked for. */
  clear() {
    ++this.asked;
    this.shown = null;
    this.ground.mark(null, null);
    this.tell(null);
  }

  /** Say why there is no answer; the one before it must not be taken for it. */
  refuse(text) {
    this.clear();
    say(text);
  }

  fit([west, south, east, north]) {
    this.map.fitBounds([[south, west], [north, east]], { ...this.room(), maxZoom: NEAREST_ZOOM, animate: false });
  }

  /** Show a place in the middle of what panel and card leave free. */
  centreOn({ lon, lat }) {
    const zoom = Math.max(this.map.getZoom(), NEAREST_ZOOM);
    const { paddingTopLeft: [left, top], paddingBottomRight: [right, bottom] } = this.room();
    const middle = this.map.project([lat, lon], zoom).subtract([(left - right) / 2, (top - bottom) / 2]);
    this.map.setView(this.map.unproject(middle, zoom), zoom, { animate: false });
  }

  /** Take what a search box found. */
  async take(query, datum = "wgs84") {
    say("");
    if (query.kind === "place") return this.locate({ lon: query.lon, lat: query.lat, datum: query.datum ?? datum }, { move: true, maker: query.maker });
    if (NO_PLACE.includes(query.kind)) return this.refuse(word(query.kind));
    if (query.kind === "unknown") return this.refuse(word("no_name", query.name));
    if (query.kind === "code") return this.takeCode(query.code);
    if (query.kind === "item") return this.takeItem(query.item);
  }

  takeItem({ code, place, wide, title }) {
    if (code) return this.showGrid(code);
    if (!wide) return this.locate({ ...place, datum: "wgs84" }, { move: true });
    this.centreOn(place);
    this.refuse(word("wide", title));
  }

  async takeCode(code) {
    try {
      await this.showGrid(code);
    } catch (problem) {
      if (!["unknown-grid", "retired-grid", "bad-code"].includes(problem.code)) throw problem;
      const retired = problem.code === "retired-grid";
      this.refuse(retired ? word("retired_grid", code, problem.successors.join("、")) : word("unknown_grid", code));
      this.trouble(problem.code);
    }
  }

  /** Locate what is clicked, or with Enter the middle of the map. */
  listen() {
    this.map.on("click", (event) => this.locateAt(event.latlng));
    const frame = this.map.getContainer();
    frame.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target === frame) this.locateAt(this.map.getCenter());
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.shown && !document.querySelector("dialog[open]")) this.close();
    });
    // The cross and the outline are for the keyboard; Leaflet gives the map focus on a click too.
    const byKeyboard = (yes) => document.body.classList.toggle("by-keyboard", yes);
    document.addEventListener("keydown", () => byKeyboard(true), true);
    document.addEventListener("pointerdown", () => byKeyboard(false), true);
    // The footer says what the map may be used for: on a phone the card stays above it.
    const lift = () => document.body.style.setProperty("--mark-height", `${byId("mark").offsetHeight}px`);
    new ResizeObserver(lift).observe(byId("mark"));
  }

  /** In a frame the wheel scrolls the page around; it zooms while Ctrl is held or the map has focus. */
  leaveWheel() {
    const { scrollWheelZoom } = this.map;
    const frame = this.map.getContainer();
    const hint = byId("wheel");
    scrollWheelZoom.disable();
    const choose = (event) => {
      const ours = event.ctrlKey || document.activeElement === frame;
      if (ours) scrollWheelZoom.enable();
      else scrollWheelZoom.disable();
      hint.hidden = ours;
      clearTimeout(this.hinting);
      this.hinting = setTimeout(() => (hint.hidden = true), 1500);
    };
    frame.addEventListener("wheel", choose, { capture: true, passive: false }); // before the page scrolls
  }

  locateAt({ lat, lng }) {
    const { lat: north, lng: east } = L.latLng(lat, lng).wrap();
    this.attempt(this.locate({ lon: Number(east.toFixed(7)), lat: Number(north.toFixed(7)), datum: "wgs84" }));
  }

  /** Speak a language, on the map too; the button offers the other. */
  speak(language) {
    setLanguage(language);
    this.zoom?.remove();
    const titles = { zoomInTitle: word("zoom_in"), zoomOutTitle: word("zoom_out") };
    this.zoom = L.control.zoom({ position: "bottomright", ...titles }).addTo(this.map);
    this.showPlan();
    this.ground.showLabels();
    if (this.shown) this.tell(this.shown);
  }

  /** Let the button change the language; `after` keeps what else depends on it. */
  listenLanguage(after = () => {}) {
    byId("language").addEventListener("click", () => {
      this.speak(otherLanguage());
      after(currentLanguage());
    });
  }

  /** Return where the map is. */
  view() {
    const { lat, lng: lon } = this.map.getCenter();
    return { zoom: this.map.getZoom(), lat, lon };
  }
}
