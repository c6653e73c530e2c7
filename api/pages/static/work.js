// The grid worker's page: his cases, nearest breach first, and the next step of each in one tap.

import { CASE_WORDS } from "./case_words.js";
import { fillSheet, tellEntry } from "./case_sheet.js";
import { fullName } from "./card.js";
import { ask, askGrid, Problem } from "./client.js";
import { byId, make, makeButton, say } from "./elements.js";
import { drop, keep, recall } from "./kept.js";
import { KeyHolder } from "./key.js";
import { Outbox } from "./outbox.js";
import { Page } from "./page.js";
import { clockOf, DUTIES, makeMark, nameCategory, tellLeft } from "./stages.js";
import { addWords, currentLanguage, word } from "./words.js";
import { WORK_WORDS } from "./work_words.js";

const LIST = "work";
const WORKER = "gridmap-worker";
const EVERY = 60_000;
const HANDS = ["inspect", "resolve", "answer"]; // accepting is for others
addWords(CASE_WORDS);
addWords(WORK_WORDS);
const page = new Page({ spoken: show });
const outbox = new Outbox({ told: arrived, changed: show });
let [list, dossier, lost, sheetOf] = [null, null, false, ""];
let own = null; // whose cases the key is for; "" for anybody's
let toast = null;

// --- the list --------------------------------------------------------------------------------

const workerId = () => sessionStorage.getItem(WORKER) ?? "";
const now = () => Date.now() + (list?.lag ?? 0);

/** Fetch the list; without a line the last one stays. */
async function refresh() {
  if (!holder.held) return show();
  try {
    await askWhose();
    if (!workerId()) return show();
    const worker = encodeURIComponent(workerId());
    const [told, categories, departments] = await Promise.all([ask(`internal/workers/${worker}/cases`), ask("categories"), ask("internal/departments")]);
    list = { ...told, categories, departments, grids: await nameGrids(told.cases), worker: workerId(), lag: Date.parse(told.now) - Date.now() };
    outbox.lag = list.lag;
    lost = false;
    await keep(LIST, list);
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.code !== "no-answer") throw problem;
    lost = true;
  }
  show();
}

/** Return code -> name of the grids of cases; one that is no more keeps its code. */
async function nameGrids(cases) {
  const codes = [...new Set(cases.map((told) => told.grid_code).filter(Boolean))];
  const name = (code) => list?.grids?.[code] ?? askGrid(code).then(({ properties }) => fullName(properties), () => code);
  return Object.fromEntries(await Promise.all(codes.map(async (code) => [code, await name(code)])));
}

const nameGrid = ({ grid_code: code }) => list?.grids?.[code] ?? code;

/** Ask once whose cases the key is for: a worker's own key knows his number. */
async function askWhose() {
  own ??= (await ask("internal/key")).worker_id;
  if (own && own !== workerId()) useWorker(own);
  showWho();
}

function useWorker(number) {
  sessionStorage.setItem(WORKER, number);
  byId("worker_id").value = number;
  list = null;
}

const showWho = () => (byId("who").hidden = Boolean(own || (holder.held && wanted())));

function show() {
  const waiting = outbox.waiting().length;
  byId("line").className = lost || outbox.lost ? "lost" : "";
  if (lost || outbox.lost) byId("line").textContent = word("line_lost", waiting);
  else if (waiting) byId("line").textContent = word("line_waiting", waiting);
  else byId("line").textContent = list ? word("line_good", list.total, list.cases.length) : word("no_worker");
  showList();
  if (wanted()) fill(wanted());
  showToast();
}

function showList() {
  if (!list) return byId("cases").replaceChildren();
  const items = list.cases.map(makeItem);
  byId("cases").replaceChildren(...(items.length ? items : [make("li", "none", word("none_left"))]));
}

function makeItem(told) {
  const due = told.next_due ? Date.parse(told.next_due) : null;
  const clock = clockOf(due, now(), list.soon * 3_600_000);
  const item = make("li", clock);
  item.dataset.case = told.case_id;
  const head = make("p", "head");
  head.append(makeMark(clock), make("strong", "", nameCategory(list.categories, told.category)), make("span", "left", tellLeft(due, now())));
  const where = make("p", "where", [told.address, nameGrid(told)].filter(Boolean).join(" · "));
  item.append(head, make("p", "words", told.description), where, ...makeNext(told, true));
  return item;
}

/** Return the next step as a button, and what waits or failed of a case. */
function makeNext(told, short) {
  const pending = outbox.of(told.case_id);
  const row = make("div", "next");
  const duty = told.standing === "open" ? nextDuty(told, pending) : null;
  if (duty && HANDS.includes(duty)) row.append(makeButton("main", word(`do_${duty}`), () => act(told, { action: duty })));
  else if (duty) row.append(make("span", "small", word("wait_accept")));
  if (short) row.append(makeButton("", word("more"), () => (location.hash = `case=${told.case_id}`)));
  return [row, ...pending.map(makePending)];
}

// What waits to be sent counts as done here: the next tap is for what follows it.
function nextDuty({ stage }, pending) {
  const duties = Object.values(DUTIES);
  const done = pending.filter(({ action, conflict, refused }) => duties.includes(action) && !conflict && !refused).length;
  return duties[duties.indexOf(DUTIES[stage]) + done] ?? null;
}

function makePending(entry) {
  const name = word(`action_${entry.action}`);
  if (entry.conflict) return makeStuck(entry, word("conflict", name, entry.theirs ?? word(`stage_${entry.conflict.stage}`)), true);
  if (entry.refused) return makeStuck(entry, word("refused", name, entry.refused), false);
  return make("p", "pending", word("queued", name));
}

function makeStuck(entry, text, again) {
  const box = make("div", "stuck");
  const buttons = make("div", "pair");
  buttons.append(makeButton("", word("forget"), () => page.attempt(forget(entry))));
  if (again) buttons.append(makeButton("", word("repeat"), () => page.attempt(outbox.repeat(entry))));
  box.setAttribute("role", "alert");
  box.append(make("p", "", text), buttons);
  if (again && !entry.theirs) page.attempt(findTheirs(entry));
  return box;
}

/** Find out who was quicker, and say so. */
async function findTheirs(entry) {
  entry.theirs = "…";
  const { log } = await ask(`internal/cases/${entry.case_id}`);
  entry.theirs = log.filter(({ version }) => version > entry.version).map(tellEntry).join("、");
  show();
}

async function forget(entry) {
  await outbox.remove(entry);
  await refresh();
}

// --- steps -----------------------------------------------------------------------------------

/** Take a step: it waits a moment in which it can be taken back. */
async function act(told, step) {
  const { case_id, version } = told;
  const entry = await outbox.add({ case_id, version: settle(case_id, version), worker_id: workerId(), ...step });
  toast = entry;
  show();
  if (step.action === "note" || step.action === "photo" || step.action === "whistle") page.attempt(showSheet());
}

// A case may have moved on in the list while this page's card of it did not.
const settle = (id, version) => Math.max(version, list?.cases.find((one) => one.case_id === id)?.version ?? 0);

function showToast() {
  clearTimeout(showToast.timer);
  const left = toast && outbox.entries.includes(toast) ? Math.ceil((toast.from - Date.now()) / 1000) : 0;
  byId("toast").hidden = left <= 0;
  if (left <= 0) return;
  const undo = makeButton("", word("undo"), () => page.attempt(outbox.remove(toast)));
  const text = word("will_send", word(`action_${toast.action}`), toast.case_id, left);
  if (byId("toast").children.length) byId("toast").firstChild.textContent = text;
  else byId("toast").append(make("span", "", text), undo);
  byId("toast").lastChild.textContent = word("undo");
  showToast.timer = setTimeout(showToast, 500);
}

/** Take in what the service says of a case after a step. */
function arrived(entry, answer) {
  if (!list) return;
  list.cases = list.cases.map((told) => (told.case_id === entry.case_id && answer.version ? { ...told, ...answer } : told));
  page.attempt(refresh().then(showSheet));
}

// --- one case --------------------------------------------------------------------------------

const wanted = () => Number(new URLSearchParams(location.hash.slice(1)).get("case")) || null;

async function showSheet() {
  const id = holder.held ? wanted() : null;
  for (const part of ["cases", "line"]) byId(part).hidden = Boolean(id);
  showWho();
  byId("case").hidden = !id;
  if (!id) return;
  dossier = dossier?.case.case_id === id ? dossier : null;
  fill(id);
  try {
    dossier = await ask(`internal/cases/${id}`);
  } catch (problem) {
    if (problem.code !== "no-answer") throw problem;
  }
  if (wanted() === id && dossier) fill(id);
}

function fill(id) {
  const told = dossier?.case ?? list?.cases.find((one) => one.case_id === id);
  if (!told) return byId("case").replaceChildren();
  const shape = JSON.stringify([told, dossier?.log.length, currentLanguage(), outbox.of(id).map(({ key, conflict, refused, theirs }) => [key, Boolean(conflict), refused, theirs])]);
  if (shape === sheetOf) return; // nothing is new: what somebody is typing stays
  sheetOf = shape;
  fillSheet(byId("case"), {
    told,
    dossier,
    grid: nameGrid(told),
    categories: list?.categories ?? [],
    departments: list?.departments ?? [],
    now: now(),
    act: (step) => page.attempt(act(told, step)),
    attempt: (task) => page.attempt(task),
    back: () => (location.hash = ""),
    next: makeNext(told, false),
  });
}

// --- the page --------------------------------------------------------------------------------

const holder = new KeyHolder(page, () => page.attempt(changeKey()));

async function changeKey() {
  say("");
  own = null;
  showWho();
  if (!holder.held) {
    list = dossier = null;
    await drop(LIST);
    await outbox.clear();
    location.hash = "";
  }
  await outbox.flush();
  await refresh();
}

async function start() {
  page.speak(currentLanguage());
  byId("worker_id").value = workerId();
  byId("who").addEventListener("submit", (event) => {
    event.preventDefault();
    useWorker(byId("worker_id").value.trim());
    page.attempt(refresh());
  });
  addEventListener("hashchange", () => {
    sheetOf = "";
    page.attempt(showSheet());
  });
  addEventListener("online", () => page.attempt(refresh()));
  document.addEventListener("visibilitychange", () => document.hidden || page.attempt(refresh()));
  setInterval(() => page.attempt(refresh()), EVERY);
  if (!holder.held) {
    await drop(LIST);
    return holder.dialog.showModal();
  }
  const kept = await recall(LIST);
  if (kept?.worker === workerId()) list = kept;
  await outbox.load();
  await refresh();
  await showSheet();
}

page.attempt(start().finally(() => (document.documentElement.dataset.ready = "1")));
