// Many look-ups at once: rows pasted from Excel, answered, and copied back.

import { DATUM_NAMES, fullName, tellGiven } from "./card.js";
import { Problem, askGrid, askOwners } from "./client.js";
import { copyText } from "./copy.js";
import { byId, make } from "./elements.js";
import { findItems, findMeant } from "./find.js";
import { NO_PLACE } from "./search.js";
import { findColumns, readQueries, readRows, writeCsv, writeTsv } from "./sheet.js";
import { inTurns } from "./turns.js";
import { word } from "./words.js";

const MOST_ROWS = 10_000;
const MOST_SHOWN = 200;
const MOST_CANDIDATES = 3;
const LONG = 24; // characters that a cell shows in one line

export class Batch {
  constructor(view) {
    Object.assign(this, { view, rows: [], columns: null, table: null, asked: 0, dialog: byId("batch_dialog") });
    byId("batch").addEventListener("click", () => this.dialog.showModal());
    byId("batch_close").addEventListener("click", () => this.dialog.close());
    byId("batch_rows").addEventListener("input", () => this.read());
    for (const name of ["lon", "lat", "text"])
      byId(`batch_${name}`).addEventListener("change", () => this.choose(name));
    byId("batch_form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.run().catch((error) => this.fail(error));
    });
    byId("batch_copy").addEventListener("click", (event) => copyText(event.currentTarget, writeTsv(this.table)));
    byId("batch_save").addEventListener("click", () => saveFile(word("batch_file"), writeCsv(this.table)));
  }

  /** Look at what was pasted and offer its columns. */
  read() {
    this.rows = readRows(byId("batch_rows").value);
    this.columns = findColumns(this.rows, this.view.plan.bbox ?? undefined);
    const width = Math.max(0, ...this.rows.map((row) => row.length));
    const names = Array.from({ length: width }, (_, at) => (this.columns.header && this.rows[0][at]) || word("batch_column", at + 1));
    for (const name of ["lon", "lat", "text"]) {
      const options = [[-1, word("batch_no_column")], ...names.entries()].map(([at, text]) => new Option(text, at));
      byId(`batch_${name}`).replaceChildren(...options);
      byId(`batch_${name}`).value = this.columns[name];
    }
    this.say(this.rows.length ? word("batch_read", this.body().length) : "");
  }

  body() {
    return this.columns?.header ? this.rows.slice(1) : this.rows;
  }

  /** Take a column that somebody chose. */
  choose(name) {
    this.columns[name] = Number(byId(`batch_${name}`).value);
  }

  async run() {
    const rows = this.body();
    if (!rows.length) return this.say(word("batch_empty"));
    if (rows.length > MOST_ROWS) return this.say(word("batch_many", rows.length, MOST_ROWS));
    const asked = ++this.asked;
    this.say(word("batch_busy", rows.length));
    const answers = await answerAll(readQueries(rows, this.columns), byId("batch_datum").value);
    const people = byId("batch_people").checked ? await this.askPeople(answers) : null;
    if (asked !== this.asked) return;
    this.show(rows, answers, people);
  }

  async askPeople(answers) {
    const codes = [...new Set(answers.map(({ grid_code: code }) => code).filter(Boolean))];
    const people = await inTurns(codes, (code) => this.view.askPeople(code));
    return new Map(codes.map((code, at) => [code, people[at].staff?.worker ?? asWorker(people[at].contact)]));
  }

  show(rows, answers, people) {
    const width = Math.max(...rows.map((row) => row.length));
    const given = Array.from({ length: width }, (_, at) => (this.columns.header && this.rows[0][at]) || word("batch_column", at + 1));
    const header = [...given, ...word("batch_columns"), ...(people ? [word("worker"), word("phone")] : [])];
    const body = rows.map((row, at) => [
      ...given.map((_, column) => row[column] ?? ""),
      ...tellAnswer(answers[at], this.view.ground.byCode),
      ...(people ? tellWorker(people.get(answers[at].grid_code)) : []),
    ]);
    this.table = [header, ...body];
    byId("batch_table").replaceChildren(makeTable(this.table.slice(0, MOST_SHOWN + 1), answers));
    byId("batch_out").hidden = false;
    const count = (...kinds) => answers.filter(({ match }) => kinds.includes(match)).length;
    const found = answers.filter(({ grid_code: code }) => code).length;
    const [near, unsure, bad] = [count("border"), count("unsure"), count(...NO_PLACE)];
    this.say(word("batch_done", { rows: rows.length, found, near, unsure, bad, shown: Math.min(rows.length, MOST_SHOWN) }));
  }

  say(text) {
    byId("batch_message").textContent = text;
  }

  fail(error) {
    if (!(error instanceof Problem)) throw error;
    this.say(error.code === "no-answer" ? word("failed") : error.message);
  }
}

// --- the answers -----------------------------------------------------------------------------

/** Answer every query, in order; places in one request for each datum, words one by one. */
async function answerAll(queries, datum) {
  const datums = [...new Set(queries.filter(({ kind }) => kind === "place").map((query) => query.datum ?? datum))];
  const owners = new Map();
  for (const one of datums) {
    const asked = queries.filter((query) => query.kind === "place" && (query.datum ?? datum) === one);
    const answers = await askOwners(asked.map(({ lon, lat }) => [lon, lat]), one);
    for (const [at, query] of asked.entries()) owners.set(query, { ...answers[at], given: query.maker && query });
  }
  return inTurns(queries, (query) => owners.get(query) ?? answerWords(query));
}

/** Answer words; what may be meant otherwise gets no grid, but what somebody can choose from. */
async function answerWords({ kind, code, name }) {
  if (kind === "code") return answerCode(code);
  if (kind !== "name") return { match: kind };
  const items = await findItems(name);
  const item = findMeant(items);
  if (!items.length) return { match: "unknown" };
  if (!item) return { match: "unsure", candidates: items.slice(0, MOST_CANDIDATES) };
  if (item.wide) return { match: "wide", found: item.title };
  const [owner] = item.code ? [await answerCode(item.code)] : await askOwners([[item.place.lon, item.place.lat]], "wgs84");
  return { ...owner, found: item.title };
}

async function answerCode(code) {
  try {
    const { id, properties } = await askGrid(code);
    return { grid_code: id, ...properties, match: "grid" };
  } catch (problem) {
    if (problem.code === "no-answer") throw problem;
    return { match: "unknown" };
  }
}

const asWorker = (contact) => contact && { name: contact.worker, phone: contact.office_phone };
const tellWorker = (worker) => [worker?.name ?? "", worker?.phone ?? ""];

function tellAnswer(answer, byCode) {
  const metres = (value) => (value === undefined || value === null ? "" : value.toFixed(1));
  return [
    answer.grid_code ?? "",
    answer.grid_code ? fullName(answer) : "",
    answer.community ?? "",
    word(`match_${answer.match}`),
    tellNote(answer),
    metres(answer.border_m),
    byCode.get(answer.runner_up)?.properties.name ?? answer.runner_up ?? "",
  ];
}

function tellNote({ found, given, candidates, distance_m, match, suspect }) {
  if (found) return word("batch_found", found);
  if (candidates) return tellCandidates(candidates);
  if (NO_PLACE.includes(match)) return word(match);
  if (given && match !== "none") return tellGiven(given, given.maker);
  if (match === "nearest") return word("nearest", distance_m.toFixed(1));
  if (match !== "none") return "";
  if (suspect in DATUM_NAMES) return word("datum_hint", DATUM_NAMES[suspect]);
  return word({ swapped: "swapped_hint", impossible: "bad_place" }[suspect] ?? "outside_hint");
}

function tellCandidates(items) {
  const titles = word("batch_candidates", items.map(({ title }) => title));
  return [items[0].warning, titles].filter(Boolean).join("\u2003");
}

function makeTable([header, ...body], answers) {
  const table = make("table");
  const head = make("tr");
  head.append(...header.map((text) => make("th", "", text)));
  table.append(make("thead"), make("tbody"));
  table.tHead.append(head);
  for (const [at, row] of body.entries()) {
    const line = make("tr");
    line.dataset.match = answers[at].match;
    line.append(...row.map((text) => make("td", text.length > LONG ? "long" : "", text)));
    table.tBodies[0].append(line);
  }
  return table;
}

function saveFile(name, text) {
  const link = make("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
