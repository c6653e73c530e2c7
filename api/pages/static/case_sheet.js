// One case on a grid worker's phone: what and where it is, what was done, and what can be done.

import { makeRows, tellPlace } from "./card.js";
import { askResponse } from "./client.js";
import { copyText } from "./copy.js";
import { make, makeButton, say } from "./elements.js";
import { readPicture, shrink } from "./photo.js";
import { showPicker } from "./picker.js";
import { nameCategory, tellLeft, tellMoment } from "./stages.js";
import { word } from "./words.js";

/**
 * Fill an element with a case. `dossier` is everything that the service tells, null without a line;
 * `act(step)` takes a step, `attempt` runs what may fail, `back` leaves.
 */
export function fillSheet(sheet, { told, dossier, grid, categories, departments, now, act, attempt, back, next }) {
  const head = make("div", "head");
  head.append(makeButton("", `← ${word("back")}`, back), make("h2", "", `${nameCategory(categories, told.category)} · #${told.case_id}`));
  const parts = [head, makeFacts(told, grid, now), ...next, makePlace(told, attempt), makePhotos(told, dossier, { act, attempt }), makeNote(told, act)];
  if (told.standing === "open") parts.push(makeWhistle(departments, told, act));
  parts.push(...makeHistory(dossier));
  sheet.replaceChildren(...parts);
  sheet.dataset.case = told.case_id;
}

function makeFacts(told, grid, now) {
  const due = told.next_due ? Date.parse(told.next_due) : null;
  const words = make("p", "words", told.description);
  const box = make("section");
  box.append(
    words,
    makeRows([
      [word("breach"), due ? `${tellMoment(due)} · ${tellLeft(due, now)}` : word(`standing_${told.standing}`) ?? ""],
      [word("belongs"), grid],
      [word("address"), told.address],
      [word("responsible"), told.department],
      [word("reported"), tellMoment(told.reported_at)],
      ["", told.flag],
    ]),
  );
  return box;
}

function makePlace(told, attempt) {
  const box = make("section");
  if (told.lon === null) return box;
  const at = { lon: told.lon, lat: told.lat };
  const picker = make("div", "picker");
  picker.hidden = true;
  const buttons = make("div", "three");
  const go = make("a", "button", word("go_there"));
  go.href = `geo:${at.lat},${at.lon}?q=${at.lat},${at.lon}`; // the phone's own map, which takes WGS-84
  buttons.append(
    makeButton("", word("see_map"), () => (picker.hidden ? attempt(showPicker(picker, { at, attempt })) : (picker.hidden = true))),
    go,
    makeButton("", word("copy_place"), (button) => copyText(button, tellPlace(at))),
  );
  box.append(buttons, picker);
  return box;
}

function makePhotos(told, dossier, { act, attempt }) {
  const box = make("section");
  const shown = make("div", "photos");
  const field = make("input", "unseen");
  Object.assign(field, { type: "file", accept: "image/*", id: "work_photo" });
  field.setAttribute("capture", "environment");
  field.setAttribute("aria-label", word("photo_take"));
  field.addEventListener("change", () => attempt(addPhoto(field, told, act)));
  const label = make("label", "button", word("photo_take"));
  label.htmlFor = field.id;
  const buttons = make("div", "pair");
  buttons.append(label, field);
  const photos = dossier?.photos ?? [];
  if (photos.length) buttons.append(makeButton("", word("photos_show", photos.length), () => attempt(showPhotos(shown, told.case_id, photos))));
  box.append(buttons, shown);
  return box;
}

async function addPhoto(field, told, act) {
  const photo = field.files[0] && (await shrink(field.files[0]));
  field.value = "";
  if (photo) await act({ action: "photo", photo });
  else say(word("photo_bad"));
}

async function showPhotos(shown, id, photos) {
  const files = await Promise.all(photos.map(({ number }) => askResponse(`cases/${id}/photos/${number}`)));
  const pictures = await Promise.all(files.map(async (file) => readPicture(await file.blob())));
  shown.replaceChildren(...pictures.map((src, at) => Object.assign(make("img"), { src, alt: word("photo_label", at + 1) })));
}

function makeNote(told, act) {
  const box = make("section");
  const [label, note] = makeField("note", word("note_label"), word("note_placeholder"));
  const save = () => (note.value.trim() ? act({ action: "note", note: note.value.trim() }) : note.focus());
  box.append(label, note, makeButton("wide", word("note_save"), save));
  return box;
}

function makeWhistle(departments, told, act) {
  const box = make("details", "whistle");
  box.append(make("summary", "", word("whistle_label")));
  const choices = make("div", "choices");
  for (const name of departments) {
    const button = makeButton("", name, () => button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true")));
    button.setAttribute("aria-pressed", "false");
    choices.append(button);
  }
  const [label, why] = makeField("why", word("whistle_why"), "");
  const send = () => {
    const chosen = [...choices.querySelectorAll("[aria-pressed='true']")].map((button) => button.textContent);
    if (chosen.length) act({ action: "whistle", departments: chosen, note: why.value.trim() });
  };
  box.append(choices, label, why, makeButton("main wide", word("whistle_send"), send));
  return box;
}

function makeField(id, text, hint) {
  const [label, field] = [make("label", "", text), make("textarea")];
  Object.assign(field, { id, rows: 2, maxLength: 2000, placeholder: hint });
  label.htmlFor = id;
  return [label, field];
}

function makeHistory(dossier) {
  if (!dossier) return [make("p", "small", word("no_log"))];
  const log = make("ol", "log");
  log.append(...dossier.log.toReversed().map(makeEntry));
  const calls = make("ul", "log");
  calls.append(...dossier.whistles.map(makeCall));
  const titled = (title, list) => (list.children.length ? [make("h3", "", word(title)), list] : []);
  return [...titled("whistles_title", calls), ...titled("log_title", log)];
}

export const tellEntry = ({ action, role, actor, at }) => `${word(`role_${role}`)} ${actor} ${word(`action_${action}`) ?? action} ${tellMoment(at)}`.replace("  ", " ");

function makeEntry(entry) {
  const row = make("li", "", tellEntry(entry));
  if (entry.note) row.append(make("p", "", entry.note));
  return row;
}

function makeCall({ department, post, liaison, phone, state, answer }) {
  const row = make("li", "", [department, post, liaison, word(`state_${state}`)].filter(Boolean).join(" · "));
  if (phone) row.append(" ", Object.assign(make("a", "", phone), { href: `tel:${phone.replace(/[^\d+]/g, "")}` }));
  if (answer) row.append(make("p", "", answer));
  return row;
}
