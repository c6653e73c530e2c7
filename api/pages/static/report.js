// The citizen's page: photo, place, category, a few words, sent; then the receipt. What was entered
// is kept in this browser until it has arrived, so neither a reload nor a lost line loses it.

import { CASE_WORDS } from "./case_words.js";
import { ask, Problem, write } from "./client.js";
import { byId, make, makeButton, say } from "./elements.js";
import { drop, isKept, keep, makeOnce, recall } from "./kept.js";
import { Page } from "./page.js";
import { readPicture, shrink } from "./photo.js";
import { linkToReceipt, readToken, showReceipt } from "./receipt.js";
import { PlaceField } from "./report_place.js";
import { REPORT_WORDS } from "./report_words.js";
import { nameCategory } from "./stages.js";
import { addWords, currentLanguage, word } from "./words.js";

const DRAFT = "report";
const MOST_PHOTOS = 4;
const PAUSE = 400;
const FIELDS = ["words", "name", "phone"];
addWords(CASE_WORDS);
addWords(REPORT_WORDS);
const page = new Page({ spoken: speak });
const place = new PlaceField({ page, set: (found) => change({ place: found }) });
const empty = () => ({ once: makeOnce(), place: null, category: "", words: "", name: "", phone: "", photos: [], sent: null, wanted: false });
let [draft, categories, sending, arrived, shrinking] = [empty(), [], false, null, null];

// --- the draft -------------------------------------------------------------------------------

/** Take a change and keep it; another place or category may be another case's too. */
function change(values) {
  Object.assign(draft, values, { wanted: false });
  if (!draft.sent) draft.once = makeOnce(); // another content is another request
  store();
  if ("place" in values || "category" in values) page.attempt(showSimilar());
}

async function store() {
  await keep(DRAFT, draft);
  byId("state").textContent = word(isKept() ? "kept" : "not_kept");
}

function fill() {
  for (const name of FIELDS) byId(name).value = draft[name];
  byId("contact").open = Boolean(draft.name || draft.phone);
  showCategories();
  page.attempt(showPhotos());
  page.attempt(place.show(draft.place));
}

function listen() {
  for (const name of FIELDS) {
    byId(name).addEventListener("input", () => {
      draft[name] = byId(name).value;
      clearTimeout(listen.timer);
      listen.timer = setTimeout(() => change({}), PAUSE);
    });
  }
  byId("photo").addEventListener("change", () => (shrinking = page.attempt(addPhotos())));
  byId("form").addEventListener("submit", (event) => {
    event.preventDefault();
    page.attempt(send());
  });
  addEventListener("online", () => draft.wanted && page.attempt(send()));
  addEventListener("hashchange", () => page.attempt(open()));
}

// --- photos, categories, duplicates ----------------------------------------------------------

async function addPhotos() {
  const photos = await Promise.all([...byId("photo").files].map(shrink));
  byId("photo").value = "";
  say(photos.includes(null) ? word("photo_bad") : "");
  const good = photos.filter(Boolean).map((blob) => ({ blob, once: makeOnce() }));
  change({ photos: [...draft.photos, ...good].slice(0, MOST_PHOTOS) });
  await showPhotos();
}

async function showPhotos() {
  const pictures = await Promise.all(draft.photos.map(({ blob }) => readPicture(blob)));
  byId("photos").replaceChildren(...pictures.map((address, at) => makePhoto(address, at)));
}

function makePhoto(address, at) {
  const figure = make("figure");
  const picture = make("img");
  Object.assign(picture, { src: address, alt: word("photo_label", at + 1) });
  const away = makeButton("away", "×", () => {
    change({ photos: draft.photos.filter((_, other) => other !== at) });
    page.attempt(showPhotos());
  });
  away.setAttribute("aria-label", word("photo_drop"));
  figure.append(picture, away);
  return figure;
}

function showCategories() {
  byId("categories").replaceChildren(
    ...categories.map(({ name }) => {
      const button = makeButton("", nameCategory(categories, name), () => {
        change({ category: name });
        showCategories();
      });
      button.dataset.category = name;
      button.setAttribute("aria-pressed", String(name === draft.category));
      return button;
    }),
  );
}

async function showSimilar() {
  const box = byId("similar");
  box.hidden = true;
  if (!draft.place || !draft.category) return;
  const { place: there, category } = draft;
  const { cases } = await write("cases/similar", makeReport());
  if (!cases.length || there !== draft.place || category !== draft.category) return;
  const list = make("ul");
  list.append(...cases.slice(0, 3).map(({ metres, hours, stage }) => make("li", "", word("similar_row", metres, hours, word(`stage_${stage}`)))));
  box.replaceChildren(make("strong", "", word("similar_title", cases.length)), list, make("p", "", word("similar_ask")));
  box.hidden = false;
}

// --- sending ---------------------------------------------------------------------------------

function makeReport() {
  const { lon, lat, datum, address } = draft.place;
  const reporter = { name: draft.name.trim(), phone: draft.phone.trim() };
  return { category: draft.category, location: { lon, lat, datum, address }, description: draft.words.trim(), reporter };
}

/** Send what is kept: the case, then its photos; what has arrived is not sent again. */
async function send() {
  if (sending) return;
  if (!draft.place) return say(word("need_place"));
  if (!draft.category) return say(word("need_category"));
  setSending(true);
  await shrinking; // somebody who is quick has sent before the photo was scaled down
  draft.wanted = true;
  await store();
  try {
    await sendAll();
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.code !== "no-answer") throw problem;
    say(word("wait_line"));
  } finally {
    setSending(false);
  }
}

async function sendAll() {
  say("");
  byId("state").textContent = word("sending");
  if (!draft.sent) {
    const { case_id: id, receipt } = await write("cases", makeReport(), draft.once);
    draft.sent = { id, receipt, photos: draft.photos.length };
    await store();
  }
  const { id, receipt, photos } = draft.sent;
  while (draft.photos.length) {
    byId("state").textContent = word("sending_photo", photos - draft.photos.length + 1, photos);
    await sendPhoto(id, receipt, draft.photos[0]);
    draft.photos.shift();
    await store();
  }
  await drop(DRAFT);
  draft = empty();
  arrived = receipt;
  fill();
  location.href = linkToReceipt(receipt); // the rest of the address stays: the page is not loaded anew
}

const sendPhoto = (id, receipt, { blob, once }) => write(`cases/${id}/photos`, blob, once, { "X-Receipt": receipt });

function setSending(now) {
  sending = now;
  byId("send").disabled = now;
  byId("send").textContent = word(now ? "sending" : draft.wanted ? "retry" : "send");
}

// --- the page --------------------------------------------------------------------------------

/** Show the receipt that the address names, or the form. */
async function open() {
  const token = readToken();
  byId("form").hidden = Boolean(token);
  byId("receipt").hidden = true;
  say("");
  if (!token) return;
  scrollTo(0, 0);
  try {
    await showReceipt(token, { categories, page, fresh: token === arrived });
  } catch (problem) {
    if (problem.code !== "no-such-case") throw problem;
    say(word("receipt_none"));
  }
}

function speak() {
  if (!open.ready) return;
  fill();
  page.attempt(open());
}

async function start() {
  page.speak(currentLanguage());
  draft = { ...empty(), ...(await recall(DRAFT)) };
  listen();
  categories = await loadCategories();
  fill();
  open.ready = true;
  await open();
  if (draft.wanted && !readToken()) page.attempt(send());
}

// Kept from the last visit, so that the page opens without a line too.
async function loadCategories() {
  try {
    const found = await ask("categories");
    await keep("categories", found);
    return found;
  } catch (problem) {
    const kept = await recall("categories");
    if (!kept) throw problem;
    return kept;
  }
}

page.attempt(start().finally(() => (document.documentElement.dataset.ready = "1")));
