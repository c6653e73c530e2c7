// The map page, /map, and the same as part of another page, /embed: search or click, and see which
// grid owns the place.

import { readAddress, readOptions, writeAddress } from "./address.js";
import { DATUM_NAMES, dispatchText, showOwner } from "./card.js";
import { usePlan } from "./client.js";
import { copyText } from "./copy.js";
import { byId, makeButton } from "./elements.js";
import { Frame } from "./frame.js";
import { findItems, findSure } from "./find.js";
import { SearchBox } from "./search_box.js";
import { View, isNarrow } from "./view.js";
import { currentLanguage, word } from "./words.js";

const options = readOptions();
const card = byId("card");
const view = new View({ tell, trouble: (code) => frame.send("error", { code }), room, ...options });
const frame = new Frame(options.parent, {
  focus: ({ grid }) => view.attempt(view.takeCode(String(grid))),
  locate: ({ lon, lat, datum = "wgs84" }) => view.attempt(view.locate({ lon, lat, datum }, { move: true })),
  highlight: ({ grids }) => view.ground.highlight([].concat(grids ?? []).map(String)),
  color: ({ value }) => (["balance", "street", "none"].includes(value) ? view.recolour(value) : frame.send("error", { code: "bad-color" })),
  state: () => frame.send("state", describeState()),
});
let told = null;

// --- the card --------------------------------------------------------------------------------

function tell(shown) {
  if (!shown) card.hidden = true;
  else showOwner(card, shown, { buttons: makeButtons(shown), onClose: () => view.close(), retry });
  keepAddress();
  if (shown && shown !== told) report(shown);
  told = shown;
}

function retry(place) {
  byId("datum").value = place.datum;
  view.attempt(view.locate(place, { move: true }));
}

function makeButtons(shown) {
  const { grid_code: code } = shown.answer;
  const copy = (name, write) => makeButton("", word(name), (button) => copyText(button, write()));
  const share = copy("copy_link", () => location.href);
  if (!code) return [share];
  return [copy("copy_dispatch", () => dispatchText(shown)), share, copy("copy_embed", () => writeSnippet(code))];
}

/** Return what somebody puts into a page of their own, with its origin in place of ours. */
function writeSnippet(code) {
  const address = new URL("embed", location.href);
  address.hash = "";
  address.search = `?grid=${code}&ui=min${currentLanguage() === "en" ? "&lang=en" : ""}&parent=`;
  return `<iframe src="${address}${word("your_origin")}" width="100%" height="480" style="border:0" title="${word("title")}" allow="clipboard-write"></iframe>`;
}

// --- what the framing page is told -----------------------------------------------------------

function report({ answer, place }) {
  if (!answer.grid_code) return frame.send("miss", { point: place });
  frame.send("select", { grid: describeGrid(answer), point: place, match: answer.match });
}

function describeGrid({ grid_code: code, name, community, street, households }) {
  return { code, name, community, street, households };
}

function describeState() {
  const { answer, place } = view.shown ?? {};
  return {
    view: view.view(),
    grid: answer?.grid_code ? describeGrid(answer) : null,
    point: place ?? null,
    color: view.color,
    plan: view.plan.name,
  };
}

// --- search and address ----------------------------------------------------------------------

const box = new SearchBox({
  form: byId("search"),
  field: byId("query"),
  list: byId("results"),
  find: findItems,
  sure: findSure,
  take: (query) => view.take(query, byId("datum").value),
  attempt: (task) => view.attempt(task),
});

// Where the card and the search box leave room for a grid.
function room() {
  if (options.ui === "none") return { paddingTopLeft: [30, 30], paddingBottomRight: [30, 30] };
  if (!isNarrow()) return { paddingTopLeft: [440, 40], paddingBottomRight: [60, 60] };
  // In a low frame the card takes half of it, and the grid may lie behind the search box.
  const bottom = Math.min(260, 0.52 * innerHeight + 30);
  const top = Math.min(options.ui === "min" ? 20 : 130, innerHeight - bottom - 120);
  return { paddingTopLeft: [20, Math.max(20, top)], paddingBottomRight: [20, bottom] };
}

function keepAddress() {
  const { answer, place, given } = view.shown ?? {};
  writeAddress({ view: view.view(), pin: place ?? given, grid: answer?.grid_code, lang: currentLanguage() });
}

function moveTo({ zoom, lat, lon }) {
  view.map.setView([lat, lon], zoom, { animate: false });
}

async function restore({ view: at, pin, grid, q }) {
  if (at) moveTo(at);
  if (pin) await showPin(pin, { move: !at });
  else if (grid && !at) await view.takeCode(grid);
  else if (grid && view.ground.byCode.has(grid)) await view.showGrid(grid, { move: false });
  else if (q) {
    byId("query").value = q;
    await box.enter();
  }
}

/** Show a pin of the address; say what is wrong with one that is no place, or in no known datum. */
async function showPin({ kind, lon, lat, datum }, options) {
  const known = datum in DATUM_NAMES;
  if (kind === "place" && known) return view.locate({ lon, lat, datum }, options);
  view.refuse(kind === "place" ? word("bad_crs", datum) : word("bad_place"));
  frame.send("error", { code: kind === "place" ? "bad-crs" : "bad-pin" });
}

async function start() {
  const address = readAddress();
  if (isNarrow() || document.body.clientHeight < 560) byId("legend").open = false;
  view.speak(currentLanguage());
  view.listen();
  view.listenLanguage(keepAddress);
  view.ground.nameUnderMouse((code) => frame.send("hover", { code }));
  if (window.parent !== window) view.leaveWheel();
  if (options.plan) await usePlan(options.plan);
  await view.loadPlan(() => (address.view ? moveTo(address.view) : view.fitAll()));
  await restore(address);
  keepAddress();
  view.map.on("moveend", keepAddress);
  addEventListener("hashchange", () => view.attempt(restore(readAddress())));
  document.documentElement.dataset.ready = "1";
  frame.open(describeState());
}

view.attempt(start());
