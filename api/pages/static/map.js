// The map page: search or click, and see which grid owns the place.

import { readAddress, writeAddress } from "./address.js";
import { showCard } from "./card.js";
import { Problem, askGrid, askGrids, askOwner, askPlan } from "./client.js";
import { Ground, makeMap } from "./ground.js";
import { COLOURS, classLimits } from "./look.js";
import { findByName, readQuery } from "./search.js";
import { currentLanguage, otherLanguage, setLanguage, word } from "./words.js";

const L = window.L;
const MOST_RESULTS = 8;
const byId = (id) => document.getElementById(id);
const card = byId("card");
const map = makeMap(byId("map"));
const ground = new Ground(map, attempt);
const state = { plan: null, shown: null, asked: 0, zoom: null };

// --- the plan and its legend -----------------------------------------------------------------

async function loadPlan() {
  const [plan, grids] = await Promise.all([askPlan(), askGrids()]);
  state.plan = plan;
  ground.showGrids(grids, classLimits(plan));
  showPlan();
}

function showPlan() {
  if (!state.plan) return;
  const { name, valid_from: from, grids, hidden_grids: hidden } = state.plan;
  byId("legend_title").textContent = word("legend", state.plan.target);
  byId("plan").textContent = word("in_plan", name, from, grids);
  const { farLow, low, high, farHigh } = classLimits(state.plan);
  const rows = [
    ["far_above", word("class_above", farHigh)],
    ["above", word("class_range", high + 1, farHigh)],
    ["band", word("class_range", low, high)],
    ["below", word("class_range", farLow, low - 1)],
    ["far_below", word("class_far_below", farLow)],
  ];
  if (hidden) rows.push(["hidden", word("class_hidden")]);
  const lines = ["community", "rail", "water"].map((line) => makeKey(`line ${line}`, word(`line_${line}`)));
  byId("classes").replaceChildren(...rows.map(([kind, text]) => makeKey("area", text, COLOURS[kind])), ...lines);
}

function makeKey(className, text, colour) {
  const row = document.createElement("li");
  const sample = document.createElement("span");
  sample.className = className;
  if (colour) sample.style.background = colour;
  row.append(sample, text);
  return row;
}

// --- one place, one card ---------------------------------------------------------------------

/** Ask who owns a place and show it. `place` is WGS-84 when it comes from the map. */
async function locate(place) {
  const asked = ++state.asked;
  const answer = await askOwner(place);
  if (asked !== state.asked) return; // somebody asked again meanwhile
  if (answer.plan !== state.plan.name) {
    await loadPlan(); // another plan was published
    await ground.showBase();
  }
  const pin = place.datum === "wgs84" ? place : null;
  show({ answer, place: pin, given: place });
}

function show(shown) {
  const properties = ground.byCode.get(shown.answer.grid_code)?.properties;
  state.shown = shown;
  ground.mark(shown.answer.grid_code, shown.place);
  showCard(card, { ...shown, properties }, closeCard);
  say("");
  keepAddress();
}

function showGrid(feature, move = true) {
  ++state.asked;
  const { name, community, street, households } = feature.properties;
  const answer = { grid_code: feature.id, name, community, street, households, match: "grid" };
  show({ answer, place: null });
  if (move) fit(feature.bbox);
}

function closeCard() {
  ++state.asked;
  state.shown = null;
  card.hidden = true;
  ground.mark(null, null);
  keepAddress();
  map.getContainer().focus({ preventScroll: true });
}

function fit([west, south, east, north]) {
  const narrow = matchMedia("(max-width: 640px)").matches;
  const padding = narrow
    ? { paddingTopLeft: [20, 130], paddingBottomRight: [20, 260] }
    : { paddingTopLeft: [440, 40], paddingBottomRight: [60, 60] };
  map.fitBounds([[south, west], [north, east]], { ...padding, maxZoom: 17, animate: false });
}

function centreOn(place) {
  map.setView([place.lat, place.lon], Math.max(map.getZoom(), 17), { animate: false });
}

// --- search ----------------------------------------------------------------------------------

async function search(text) {
  say("");
  listResults([]);
  const query = readQuery(text);
  if (query.kind === "code") return searchCode(query.code);
  if (query.kind === "place") return searchPlace(query);
  if (query.kind === "bad_place") return say(word("bad_place"));
  if (query.kind === "name") return searchName(query.name);
}

async function searchCode(code) {
  const known = ground.byCode.get(code);
  if (known) return showGrid(known);
  try {
    showGrid(await askGrid(code));
  } catch (problem) {
    if (!["unknown-grid", "retired-grid", "bad-code"].includes(problem.code)) throw problem;
    const retired = problem.code === "retired-grid";
    say(retired ? word("retired_grid", code, problem.successors.join("、")) : word("unknown_grid", code));
  }
}

async function searchPlace({ lon, lat }) {
  const datum = byId("datum").value;
  await locate({ lon, lat, datum });
  if (state.shown?.place) return centreOn(state.shown.place);
  const feature = ground.byCode.get(state.shown?.answer.grid_code);
  if (feature) fit(feature.bbox);
}

function searchName(name) {
  const found = findByName(ground.features, name);
  if (!found.length) return say(word("no_name", name));
  if (found.length === 1) return showGrid(found[0]);
  listResults(found);
}

function listResults(found) {
  const rows = found.slice(0, MOST_RESULTS).map((feature) => {
    const row = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = feature.properties.name;
    const code = document.createElement("small");
    code.textContent = feature.id;
    button.append(code);
    button.addEventListener("click", () => {
      listResults([]);
      showGrid(feature);
    });
    row.append(button);
    return row;
  });
  if (found.length > MOST_RESULTS) {
    const more = document.createElement("li");
    more.className = "more";
    more.textContent = word("many", found.length);
    rows.push(more);
  }
  byId("results").replaceChildren(...rows);
  byId("results").hidden = !rows.length;
}

function say(text) {
  byId("message").textContent = text;
  byId("message").hidden = !text;
}

// --- the address and the language ------------------------------------------------------------

function keepAddress() {
  const { lat, lng: lon } = map.getCenter();
  writeAddress({
    view: { zoom: map.getZoom(), lat, lon },
    pin: state.shown?.place,
    grid: state.shown?.answer.grid_code,
    lang: currentLanguage(),
  });
}

function speak(language) {
  setLanguage(language);
  const button = byId("language");
  button.textContent = word("language");
  button.setAttribute("aria-label", word("language_label"));
  button.lang = otherLanguage() === "zh" ? "zh-CN" : "en";
  state.zoom?.remove();
  const titles = { zoomInTitle: word("zoom_in"), zoomOutTitle: word("zoom_out") };
  state.zoom = L.control.zoom({ position: "bottomright", ...titles }).addTo(map);
  showPlan();
  ground.showLabels();
  if (state.shown) show(state.shown);
}

// --- what people do --------------------------------------------------------------------------

/** Run what may fail, and say so when it does. */
function attempt(task) {
  task.catch((error) => {
    if (!(error instanceof Problem)) throw error;
    say(error.code === "no-plan-in-force" ? word("no_plan") : word("failed"));
  });
}

function locateAt({ lat, lng }) {
  const { lat: north, lng: east } = L.latLng(lat, lng).wrap();
  attempt(locate({ lon: Number(east.toFixed(7)), lat: Number(north.toFixed(7)), datum: "wgs84" }));
}

function listen() {
  map.on("click", (event) => locateAt(event.latlng));
  map.on("moveend", keepAddress);
  map.getContainer().addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target === map.getContainer()) locateAt(map.getCenter());
  });
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(search(byId("query").value));
  });
  byId("language").addEventListener("click", () => {
    speak(otherLanguage());
    keepAddress();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !byId("results").hidden) listResults([]);
    else if (event.key === "Escape" && state.shown) closeCard();
    else if (event.key === "/" && !/INPUT|SELECT|TEXTAREA/.test(event.target.tagName)) {
      event.preventDefault();
      byId("query").focus();
    }
  });
  // The cross and the outline are for the keyboard; Leaflet gives the map focus on a click too.
  const byKeyboard = (yes) => document.body.classList.toggle("by-keyboard", yes);
  document.addEventListener("keydown", () => byKeyboard(true), true);
  document.addEventListener("pointerdown", () => byKeyboard(false), true);
  // The footer says what the map may be used for: on a phone the card stays above it.
  const lift = () => document.body.style.setProperty("--mark-height", `${byId("mark").offsetHeight}px`);
  new ResizeObserver(lift).observe(byId("mark"));
  addEventListener("hashchange", () => attempt(restore(readAddress())));
}

async function restore({ view, pin, grid }) {
  if (view) map.setView([view.lat, view.lon], view.zoom, { animate: false });
  if (pin) {
    await locate({ ...pin, datum: "wgs84" });
    if (!view) centreOn(pin);
  } else if (ground.byCode.has(grid)) showGrid(ground.byCode.get(grid), !view);
}

async function start() {
  const address = readAddress();
  if (matchMedia("(max-width: 640px)").matches) byId("legend").open = false;
  speak(currentLanguage());
  listen();
  await loadPlan();
  if (!address.view && state.plan.bbox) {
    const [west, south, east, north] = state.plan.bbox;
    map.fitBounds([[south, west], [north, east]], { animate: false });
  }
  await restore(address);
  keepAddress();
  await ground.showBase();
  document.documentElement.dataset.ready = "1";
}

attempt(start());
