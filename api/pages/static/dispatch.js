// The dispatcher's page: whatever is pasted, one card with the grid that owns it.

import { linkTo } from "./address.js";
import { Batch } from "./batch.js";
import { dispatchText, fullName, showOwner, tellPlace } from "./card.js";
import { copyText, flash } from "./copy.js";
import { DISPATCH_WORDS } from "./dispatch_words.js";
import { byId, make, makeButton } from "./elements.js";
import { findItems, findSure } from "./find.js";
import { KeyHolder } from "./key.js";
import { Recent } from "./recent.js";
import { SearchBox } from "./search_box.js";
import { View, isNarrow } from "./view.js";
import { addWords, currentLanguage, word } from "./words.js";

const DATUM = "gridmap-datum"; // a habit, not a place: it may be kept
addWords(DISPATCH_WORDS);
const card = byId("card");
const query = byId("query");
const view = new View({ tell, room, trouble: (code) => code === "bad-key" && holder.drop() });
let told = null;
let typed = ""; // what the card answers, as it was typed

// --- the card --------------------------------------------------------------------------------

function tell(shown) {
  if (!shown) card.hidden = true;
  else showOwner(card, shown, { buttons: makeButtons(shown), onClose: () => view.close(), retry });
  if (shown && shown !== told) remember(shown);
  told = shown;
}

function makeButtons(shown) {
  const { grid_code: code } = shown.answer;
  if (!code) return [];
  const lang = currentLanguage();
  const copy = makeButton("copy", word("copy_dispatch"), (button) => copyText(button, dispatchText(shown)));
  copy.append(make("kbd", "", "Ctrl+C"));
  const share = makeButton("", word("copy_link"), (button) =>
    copyText(button, linkTo("map", { pin: shown.place, grid: code, lang })),
  );
  const notice = make("a", "button", word("notice"));
  notice.href = linkTo(`g/${code}`, { lang });
  notice.target = "_blank";
  return [copy, share, notice];
}

function retry(place) {
  byId("datum").value = place.datum;
  view.attempt(view.locate(place, { move: true }));
}

// Ctrl+C takes what is passed on, unless something else is selected.
function copyOnKey(event) {
  if (!view.shown?.answer.grid_code || document.querySelector("dialog[open]") || isSelecting()) return;
  event.clipboardData.setData("text/plain", dispatchText(view.shown));
  event.preventDefault();
  flash(card.querySelector(".copy"));
}

function isSelecting() {
  const field = document.activeElement;
  if (!/INPUT|TEXTAREA/.test(field.tagName)) return Boolean(String(getSelection()));
  const { selectionStart: from, selectionEnd: to, value } = field;
  const whole = field === query && value === typed && to - from === value.length; // as Enter leaves it
  return from !== to && !whole;
}

// --- look-ups --------------------------------------------------------------------------------

const box = new SearchBox({
  form: byId("search"),
  field: query,
  list: byId("results"),
  find: findItems,
  sure: findSure,
  take: lookUp,
  attempt: (task) => view.attempt(task),
});
const recent = new Recent({
  list: byId("lookups"),
  empty: byId("recent_none"),
  keep: byId("recent_keep"),
  clear: byId("recent_clear"),
  open: ({ code, given }) => view.attempt(given ? view.locate(given, { move: true }) : view.showGrid(code)),
});
const holder = new KeyHolder(view, () => view.shown && view.attempt(view.refresh()));
new Batch(view);

async function lookUp(asked) {
  typed = query.value;
  if (asked.kind === "item") query.value = typed = asked.item.title;
  await view.take(asked, byId("datum").value);
  query.select();
}

function remember({ answer, given }) {
  const text = typed || (given ? tellPlace(given) : answer.grid_code);
  recent.add({ text, title: answer.grid_code ? fullName(answer) : word("none"), code: answer.grid_code, given });
}

// --- the page --------------------------------------------------------------------------------

function room() {
  return isNarrow()
    ? { paddingTopLeft: [20, 110], paddingBottomRight: [20, 320] }
    : { paddingTopLeft: [470, 70], paddingBottomRight: [60, 60] };
}

function rememberDatum() {
  for (const picker of [byId("datum"), byId("batch_datum")]) {
    picker.value = localStorage.getItem(DATUM) ?? "wgs84";
    picker.addEventListener("change", () => localStorage.setItem(DATUM, picker.value));
  }
}

async function start() {
  rememberDatum();
  if (isNarrow()) for (const part of ["legend", "recent"]) byId(part).open = false;
  view.speak(currentLanguage());
  view.listen();
  view.listenLanguage();
  view.map.on("click", () => (typed = ""));
  view.ground.nameUnderMouse();
  document.addEventListener("copy", copyOnKey);
  query.focus();
  await view.loadPlan(() => view.fitAll());
  document.documentElement.dataset.ready = "1";
}

view.attempt(start());
