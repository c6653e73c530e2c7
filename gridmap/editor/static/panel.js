// The panel: save state, tools, the chosen grid against its band, what is wrong, what changed.

import { make, makeButton, makeLock, nameButton, write } from "./elements.js";
import { COLOURS } from "./paint.js";
import { PROBLEMS } from "./problems.js";
import { percent } from "./words.js";

const MOST_ROWS = 40;
const SIZES = ["far_below", "below", "band", "above", "far_above"];
const TOOLS = [
  ["select", "V"], ["brush", "B"], ["lasso", "L"], ["fresh", "N"],
  ["undo", "Ctrl+Z"], ["redo", "Ctrl+Shift+Z"], ["compare", "C"], ["lockAll", ""],
];

export class Panel {
  /** `act` holds what the buttons do, by name. */
  constructor(parent, act) {
    this.act = act;
    this.root = make("aside", "gm-panel");
    this.root.append(this.makeHead(), this.makeTaken(), this.makeTools(), this.makeCard(), this.makeProblems(), this.makeChanges());
    this.root.append(this.makeFoot());
    parent.append(this.root);
  }

  makeHead() {
    const head = make("header");
    this.title = make("h1");
    this.status = make("span", "gm-status");
    this.status.setAttribute("role", "status");
    this.language = makeButton("gm-small", this.act.language);
    this.help = makeButton("gm-small", this.act.help);
    head.append(this.title, this.status, this.language, this.help);
    return head;
  }

  makeTaken() {
    this.taken = make("section", "gm-notice");
    this.takenText = make("p");
    this.takeOver = makeButton("", this.act.takeOver);
    this.taken.append(this.takenText, this.takeOver);
    this.taken.hidden = true;
    return this.taken;
  }

  makeTools() {
    const tools = make("div", "gm-tools");
    this.buttons = {};
    for (const [name] of TOOLS) {
      this.buttons[name] = makeButton("", this.act[name]);
      this.buttons[name].dataset.tool = name;
      tools.append(this.buttons[name]);
    }
    this.sizer = make("div", "gm-sizer");
    this.radius = make("span");
    this.smaller = makeButton("gm-small", this.act.smaller);
    this.larger = makeButton("gm-small", this.act.larger);
    this.sizer.append(this.radius, this.smaller, this.larger);
    this.sourceRow = make("div", "gm-source");
    this.sourceText = make("span");
    this.sourceButton = makeButton("gm-small", this.act.source);
    this.sourceRow.append(this.sourceText, this.sourceButton);
    const all = make("div");
    all.append(tools, this.sizer, this.sourceRow);
    return all;
  }

  makeCard() {
    const card = make("section", "gm-card");
    this.name = make("h2");
    this.code = make("div", "gm-code");
    this.homes = make("strong");
    this.off = make("span", "gm-off");
    this.band = make("span", "gm-band");
    this.facts = make("div", "gm-facts");
    this.hint = make("p", "gm-hint");
    const sum = make("div", "gm-sum");
    sum.append(this.homes, this.off, this.band);
    this.acts = make("div", "gm-acts");
    this.lock = makeButton("", this.act.lock);
    this.merge = makeButton("", this.act.merge);
    this.dissolve = makeButton("", this.act.dissolve);
    this.acts.append(this.lock, this.merge, this.dissolve);
    card.append(this.name, this.code, sum, this.makeGauge(), this.facts, this.hint, this.acts);
    this.card = card;
    return card;
  }

  makeGauge() {
    this.gauge = make("div", "gm-gauge");
    this.gauge.setAttribute("role", "img");
    [this.range, this.fill, this.was] = ["gm-range", "gm-fill", "gm-was"].map((name) => make("i", name));
    this.gauge.append(this.range, this.fill, this.was);
    return this.gauge;
  }

  makeProblems() {
    const part = make("section", "gm-problems");
    this.problemsTitle = make("h3");
    const row = make("div", "gm-counters");
    this.counters = {};
    for (const name of PROBLEMS) {
      const box = make("div", "gm-counter");
      box.dataset.problem = name;
      const next = makeButton("gm-next", () => this.act.problem(name, 1));
      const previous = makeButton("gm-previous gm-small", () => this.act.problem(name, -1));
      const [count, label] = [make("b"), make("span")];
      next.append(count, label);
      box.append(next, previous);
      row.append(box);
      this.counters[name] = { box, count, label, next, previous };
    }
    part.append(this.problemsTitle, row);
    return part;
  }

  makeChanges() {
    const part = make("section", "gm-changes");
    this.changesTitle = make("h3");
    this.table = make("div", "gm-table");
    this.rest = make("p", "gm-rest");
    part.append(this.changesTitle, this.table, this.rest);
    this.rows = [];
    return part;
  }

  makeFoot() {
    const box = make("div", "gm-foot");
    const legend = make("div", "gm-legend");
    [this.low, this.high] = [make("span"), make("span")];
    const swatches = SIZES.map((size) => {
      const swatch = make("i");
      swatch.style.background = COLOURS[size];
      return swatch;
    });
    legend.append(this.low, ...swatches, this.high);
    this.foot = make("footer");
    box.append(legend, this.foot);
    return box;
  }

  // --- texts that depend on the language ----------------------------------------------------------

  speak(word) {
    this.word = word;
    this.root.setAttribute("aria-label", word("panel_label"));
    nameButton(this.language, word("language_label"), word("language"));
    nameButton(this.help, word("help"), "?", "?");
    for (const [name, key] of TOOLS)
      if (name === "undo" || name === "redo") nameButton(this.buttons[name], word(name), `${name === "undo" ? "↶" : "↷"} ${word(name)}`, key);
      else if (name !== "lockAll") nameButton(this.buttons[name], word(`${name}_label`) ?? word(name), word(name), key);
    nameButton(this.smaller, word("smaller"), "−", "[");
    nameButton(this.larger, word("larger"), "+", "]");
    nameButton(this.merge, word("merge_label"), word("merge"), "M");
    nameButton(this.dissolve, word("dissolve_label"), word("dissolve"), "X");
    write(this.takenText, word("taken"));
    nameButton(this.takeOver, word("take_over"));
    write(this.problemsTitle, word("problems"));
    write(this.low, word("legend_low"));
    write(this.high, word("legend_high"));
    for (const name of PROBLEMS) {
      const { label, next, previous } = this.counters[name];
      write(label, word(name));
      nameButton(next, word("next_problem", word(name)), null);
      nameButton(previous, word("previous_problem", word(name)), "‹");
    }
  }

  // --- what changes ---------------------------------------------------------------------------------

  showStatus(status, { made, count }) {
    const { word } = this;
    const time = made ? new Date(made).toTimeString().slice(0, 8) : "";
    const texts = { untouched: word("fresh_draft"), saved: word("saved", time), saving: word("saving"), taken: word("read_only") };
    write(this.status, texts[status] ?? word("unsaved", count));
    this.status.dataset.status = status;
  }

  /** Show a scene: see editor.js. */
  update(scene) {
    write(this.title, scene.title);
    this.showTools(scene);
    this.showCard(scene);
    this.showProblems(scene);
    this.showChanges(scene);
    const { all, base, balanced } = scene.draft.countGrids();
    const share = base ? `${((100 * balanced) / base).toFixed(1)}%` : "–";
    write(this.foot, this.word("totals", all, share, scene.draft.moved));
  }

  showTools(scene) {
    const { tool, compare, draft, radius, allLocked, readOnly } = scene;
    this.taken.hidden = !readOnly;
    for (const [name] of TOOLS) {
      const pressed = name === tool || (name === "compare" && compare);
      if (["select", "brush", "lasso", "compare"].includes(name)) this.buttons[name].setAttribute("aria-pressed", pressed);
    }
    for (const name of ["brush", "lasso", "fresh", "lockAll"]) this.buttons[name].disabled = readOnly;
    this.buttons.undo.disabled = readOnly || !draft.past.length;
    this.buttons.redo.disabled = readOnly || !draft.future.length;
    const key = allLocked ? "unlock_all" : "lock_all";
    nameButton(this.buttons.lockAll, this.word(`${key}_label`), this.word(key));
    this.sizer.hidden = tool !== "brush";
    write(this.radius, this.word("radius", radius));
    this.showSource(scene);
  }

  showSource(scene) {
    const { tool, source, sourcing } = scene;
    this.sourceRow.hidden = tool !== "brush" && tool !== "lasso";
    write(this.sourceText, source === null ? this.word("from_all") : this.word("from_one", scene.serialOf(source)));
    const key = source === null ? "choose_source" : "drop_source";
    nameButton(this.sourceButton, this.word(`${key}_label`), this.word(key), "S");
    this.sourceButton.setAttribute("aria-pressed", source !== null || sourcing);
    this.sourceButton.disabled = scene.readOnly;
  }

  showCard(scene) {
    const { draft, active } = scene;
    const { word } = this;
    const chosen = active !== null;
    this.card.classList.toggle("gm-none", !chosen);
    write(this.hint, chosen ? "" : word("no_grid_hint"));
    write(this.name, chosen ? scene.nameOf(active) : word("no_grid"));
    for (const part of [this.code, this.homes.parentElement, this.gauge, this.facts, this.acts]) part.hidden = !chosen;
    if (!chosen) return;
    const grid = draft.describe(active);
    const [low, high] = draft.bandOf(active);
    write(this.code, scene.codeOf(active));
    write(this.homes, word("homes", grid.households));
    write(this.off, grid.exclusive ? "" : percent(grid.deviation));
    this.off.classList.toggle("gm-bad", !grid.exclusive && (grid.households < low || grid.households > high));
    write(this.band, grid.exclusive ? word("no_band") : word("band", Math.round(grid.target), low, high));
    this.showGauge(grid, low, high);
    const locked = draft.locked.has(active);
    const pieces = grid.pieces > 1 ? word("in_pieces", grid.pieces) : word("connected");
    write(this.facts, [word("buildings", grid.buildings), pieces, ...(locked ? [word("locked")] : [])].join(" · "));
    this.facts.classList.toggle("gm-bad", grid.pieces > 1);
    this.showLock(locked, scene.readOnly);
  }

  showGauge({ households, start, target, exclusive }, low, high) {
    const full = Math.max(2 * target, households, start);
    const at = (value) => `${(100 * value) / full}%`;
    this.gauge.hidden = exclusive;
    this.gauge.setAttribute("aria-label", this.word("gauge", households, low, high));
    this.range.style.left = at(low);
    this.range.style.width = at(high - low);
    this.fill.style.width = at(households);
    this.fill.className = `gm-fill${households < low || households > high ? " gm-bad" : ""}`;
    this.was.style.left = at(start);
  }

  showLock(locked, readOnly) {
    if (this.lock.dataset.locked !== String(locked) || this.lock.dataset.text !== this.word("lock")) {
      nameButton(this.lock, this.word(locked ? "unlock" : "lock"), null, "K");
      this.lock.replaceChildren(makeLock(locked), this.word(locked ? "unlock" : "lock"));
      this.lock.dataset.locked = locked;
      this.lock.dataset.text = this.word("lock");
    }
    this.lock.setAttribute("aria-pressed", locked);
    this.lock.disabled = readOnly;
    this.merge.disabled = this.dissolve.disabled = locked || readOnly;
  }

  showProblems({ draft }) {
    for (const name of PROBLEMS) {
      const { box, count, next, previous } = this.counters[name];
      const size = draft.byProblem[name].size;
      write(count, String(size));
      box.classList.toggle("gm-zero", size === 0);
      next.disabled = previous.disabled = size === 0;
    }
  }

  showChanges(scene) {
    const { draft, active } = scene;
    const { word } = this;
    const changed = [...draft.changed].sort((a, b) => (b === active) - (a === active) || a - b);
    write(this.changesTitle, word("changes", changed.length));
    const shown = changed.slice(0, MOST_ROWS);
    while (this.rows.length < shown.length) this.addRow();
    this.rows.forEach((row, i) => {
      row.button.hidden = i >= shown.length;
      if (i < shown.length) this.showRow(row, shown[i], scene);
    });
    const rest = changed.length - shown.length;
    write(this.rest, changed.length ? (rest ? word("more", rest) : "") : word("no_changes"));
  }

  addRow() {
    const row = { grid: -1, button: makeButton("gm-row", () => this.act.show(row.grid)) };
    for (const name of ["name", "from", "to", "off", "mark"]) row.button.append((row[name] = make("span", `gm-${name}`)));
    this.rows.push(row);
    this.table.append(row.button);
  }

  showRow(row, grid, scene) {
    const { draft } = scene;
    const { word } = this;
    const { households, start, startUnits, units, deviation, exclusive } = draft.describe(grid);
    const problems = draft.problems[grid];
    const sizeWrong = problems.some((name) => name !== "disconnected");
    row.grid = grid;
    row.button.dataset.grid = scene.codeOf(grid);
    write(row.name, scene.shortOf(grid));
    row.name.title = scene.nameOf(grid);
    write(row.from, startUnits ? `${start}→` : "→");
    write(row.to, units ? String(households) : "0");
    write(row.off, units && !exclusive ? percent(deviation) : "");
    row.off.classList.toggle("gm-bad", sizeWrong);
    const mark = units ? (problems.length ? "!" : startUnits ? "✓" : word("created")) : word("retired");
    write(row.mark, mark);
    row.mark.classList.toggle("gm-bad", problems.length > 0 || !units);
    row.mark.setAttribute("aria-label", problems.length ? problems.map((name) => word(name)).join(", ") : word("good"));
  }
}
