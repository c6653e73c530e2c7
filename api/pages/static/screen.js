// The command screen (指挥调度大屏): open cases by category, stage and clock, on the map, as they happen.

import { showBars } from "./bars.js";
import { contactRows, fillCard, fullName, staffRows } from "./card.js";
import { CASE_WORDS } from "./case_words.js";
import { CaseTable, mostUrgent } from "./case_table.js";
import { ask, askGrid, askStaff } from "./client.js";
import { byId, make, makeButton, say } from "./elements.js";
import { isFiltered, readFilter, toggle, writeFilter } from "./filters.js";
import { KeyHolder } from "./key.js";
import { Kiosk } from "./kiosk.js";
import { Live } from "./live.js";
import { Page, tellProblem } from "./page.js";
import { ScreenMap } from "./screen_map.js";
import { SCREEN_WORDS } from "./screen_words.js";
import { CLOCKS, makeMark, nameCategory, tellLeft, tellMoment, tellSpan } from "./stages.js";
import { addWords, currentLanguage, word } from "./words.js";

const LISTED = 60;
const PAUSE = 250; // changes that come together are drawn together
const EVERY = 15_000; // clocks run out by themselves
addWords(CASE_WORDS);
addWords(SCREEN_WORDS);
const filter = readFilter();
const page = new Page({ spoken: speak });
const city = new ScreenMap({ attempt: (task) => page.attempt(task), choose: (row) => choose(row, { fly: false }) });
let [categories, table, live, tally, chosen, asked] = [[], null, null, null, null, 0];

// --- what is shown ---------------------------------------------------------------------------

function draw(anew = false) {
  clearTimeout(draw.timer);
  draw.timer = null;
  const begun = performance.now();
  table.wind(live.now(), live.ahead);
  tally = table.tally(filter);
  showFigures();
  for (const facet of ["category", "stage"]) showBars(byId(facet), listBars(facet), { chosen: filter[facet], press: (value) => press(facet, value) });
  showClocks();
  showUrgent();
  city.show(tally, anew);
  byId("clear").hidden = !isFiltered(filter);
  document.documentElement.dataset.drawn = String(Math.round(performance.now() - begun));
}

function drawSoon(anew) {
  if (anew) draw(true);
  else draw.timer ??= setTimeout(draw, PAUSE);
}

const nameOf = { category: (value) => nameCategory(categories, value), stage: (value) => word(`wait_${value}`) };
const listBars = (facet) => [...tally[facet]].map(([value, counts]) => [value, nameOf[facet](value), counts]);

function showFigures() {
  const { all, overdue, paused } = tally.counts;
  const running = all - paused;
  const rate = running ? `${((100 * (running - overdue)) / running).toFixed(1)}%` : "—";
  const figures = [["open_cases", all], ["on_time", rate], ["opened", live.told.opened], ["closed", live.told.closed]];
  byId("figures").replaceChildren(...figures.map(([name, value]) => makeFigure(name, value)));
}

function makeFigure(name, value) {
  const figure = make("div");
  figure.dataset.figure = name;
  figure.append(make("dd", "", value), make("dt", "", word(name)));
  return figure;
}

function showClocks() {
  const group = byId("clocks");
  if (!group.children.length) group.append(...CLOCKS.map((clock) => makeButton(`chip ${clock}`, "", () => press("clock", clock))));
  CLOCKS.forEach((clock, at) => {
    const button = group.children[at];
    button.setAttribute("aria-pressed", String(filter.clock.has(clock)));
    const label = make("span");
    label.append(makeMark(clock), word(`clock_${clock}`));
    label.firstChild.setAttribute("aria-hidden", "true");
    button.replaceChildren(make("strong", "", tally.clock.get(clock).all), label);
  });
}

function showUrgent() {
  const rows = mostUrgent(tally.rows, LISTED);
  byId("urgent_title").textContent = word("urgent", rows.length, tally.counts.all);
  const held = new Map([...byId("urgent").children].map((item) => [item.dataset.case, item]));
  const items = rows.map((row) => fillItem(held.get(String(row.case_id)) ?? makeItem(row), row));
  byId("urgent").replaceChildren(...(items.length ? items : [make("li", "none", word("no_cases"))]));
}

function makeItem({ case_id: id }) {
  const item = make("li");
  item.dataset.case = id;
  item.append(makeButton("", "", () => choose(table.rows.get(id), { fly: true })));
  return item;
}

function fillItem(item, row) {
  const grid = city.name(row.grid_code);
  const title = make("strong", "", `${nameOf.category(row.category)} · ${nameOf.stage(row.stage)}`);
  const place = make("small", "place", grid ? fullName(grid) : row.grid_code || word("no_grid"));
  const left = make("span", "left", tellLeft(row.due, live.now()));
  item.firstChild.replaceChildren(makeMark(row.clock), title, left, place, make("small", "number", `#${row.case_id}`));
  item.firstChild.className = row.clock;
  item.firstChild.setAttribute("aria-current", String(row.case_id === chosen?.case_id));
  return item;
}

// --- one case --------------------------------------------------------------------------------

async function showCase(row, { fly }) {
  const turn = ++asked;
  chosen = row;
  city.ring(row);
  showUrgent();
  byId("card").hidden = true;
  if (!row) return;
  if (fly) city.fly(row);
  const [{ case: told }, people] = await Promise.all([ask(`internal/cases/${row.case_id}`), askPeople(row.grid_code)]);
  if (turn === asked) fillCase(told, people);
}

const choose = (row, options) => page.attempt(showCase(row ?? null, options));

function fillCase(told, people) {
  const due = told.next_due && Date.parse(told.next_due);
  const left = make("span", "", due ? `${tellMoment(due)} · ${tellLeft(due, live.now())}` : word("clock_paused"));
  const grid = city.name(told.grid_code);
  fillCard(byId("card"), {
    title: `${nameOf.category(told.category)} · ${nameOf.stage(told.stage)}`,
    rows: [
      [word("case"), `#${told.case_id}`, "code"],
      [word("breach"), left],
      [word("belongs"), grid ? fullName(grid) : word("no_grid")],
      [word("code"), told.grid_code, "code"],
      ...people,
      [word("department"), told.department],
      [word("address"), told.address],
      [word("what"), told.description],
    ],
    onClose: () => choose(null, {}),
  });
  byId("card").dataset.case = told.case_id;
}

// As far as the key allows; else what is posted in public.
async function askPeople(code) {
  if (!code) return [];
  try {
    return staffRows(await askStaff(code));
  } catch (problem) {
    if (problem.code !== "not-allowed") throw problem;
    return contactRows({ grid_code: code }, (await askGrid(code)).contact);
  }
}

// --- filters, language, time -----------------------------------------------------------------

function press(facet, value) {
  toggle(filter, facet, value);
  writeFilter(filter);
  draw(true);
}

function clear() {
  for (const facet of Object.values(filter)) facet.clear();
  writeFilter(filter);
  draw(true);
}

function speak() {
  city.speak();
  if (tally) draw();
  tick();
}

function tick() {
  byId("clock").textContent = new Date(live?.now() ?? Date.now()).toLocaleString(currentLanguage() === "zh" ? "zh-CN" : "en-GB", { hour12: false });
  if (!live?.of) return;
  const silent = live.silence();
  byId("data_at").textContent = new Date(live.of).toLocaleString(currentLanguage() === "zh" ? "zh-CN" : "en-GB", { hour12: false });
  byId("data_time").classList.toggle("stale", silent > 0);
  byId("stale").hidden = !silent;
  if (silent) byId("stale").textContent = word("stale", tellSpan(silent));
}

// --- the page --------------------------------------------------------------------------------

function showFull() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen();
}

async function open() {
  live?.stop();
  say("");
  categories = await ask("categories");
  table = new CaseTable(categories);
  live = new Live({ table, changed: drawSoon, failed: (problem) => problem.code && problem.code !== "no-answer" && say(tellProblem(problem)) });
  await live.start();
  tick();
  document.documentElement.dataset.live = "1";
}

async function start() {
  page.speak(currentLanguage());
  byId("clear").addEventListener("click", clear);
  byId("full").addEventListener("click", showFull);
  document.addEventListener("keydown", (event) => event.key === "Escape" && chosen && choose(null, {}));
  setInterval(tick, 1000);
  setInterval(() => tally && draw(), EVERY);
  await city.load();
  city.speak();
  const holder = new KeyHolder(page, () => page.attempt(open()));
  new Kiosk({ button: byId("kiosk"), list: () => (tally ? mostUrgent(tally.rows, LISTED) : []), show: showNext });
  if (holder.held) await open();
  else holder.dialog.showModal();
}

function showNext(row) {
  if (!row) city.showAll();
  return choose(row, { fly: true });
}

page.attempt(start().finally(() => (document.documentElement.dataset.ready = "1")));
