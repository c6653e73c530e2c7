// The notebook's editor: one page over one draft. The page owns the stroke; the kernel hears of it
// when it is done. A scene (this class) says what is chosen and what the hand is doing; the painter,
// the panel and the messages show it.

import { Draft } from "./draft.js";
import { make, makeButton, nameButton, suppressShortcuts } from "./elements.js";
import { BoxIndex, boxesOf, Ground } from "./geometry.js";
import { makeMap, PlanLayer, showBox } from "./layer.js";
import { Link } from "./link.js";
import { Messages } from "./messages.js";
import { Painter } from "./paint.js";
import { Panel } from "./panel.js";
import { PROBLEMS } from "./problems.js";
import { Hand } from "./tools.js";
import { sumUp, unpackCity, unpackIntegers } from "./unpack.js";
import { makeWords, percent } from "./words.js";

const FLASH_FOR = 1800; // milliseconds
const BRUSH = { least: 6, first: 16, most: 120 }; // pixels

class Editor {
  constructor(model, element) {
    this.model = model;
    this.word = makeWords(model.get("lang"));
    Object.assign(this, { tool: "select", active: null, compare: false, merging: false, allLocked: false });
    Object.assign(this, { source: null, sourcing: false, readOnly: false });
    Object.assign(this, { stroke: null, pending: null, cursor: null, brush: null, pixels: BRUSH.first });
    Object.assign(this, { preview: [], flash: [], lasso: [], stale: new Set(), draft: null, title: "" });
    this.build(element);
    this.speak();
    this.link = new Link(model, {
      city: (header, buffers) => this.takeCity(unpackCity(header, buffers)),
      state: (header, buffers, kept) => this.takeState(header, buffers, kept),
      status: (status, more) => this.panel.showStatus(status, more),
      refused: (reason, words) => this.sayRefused(reason, words),
      taken: (taken) => this.setReadOnly(taken),
    });
    model.on("change:lang", () => this.speak());
  }

  // --- the page ---------------------------------------------------------------------------------------

  build(element) {
    this.root = make("div", "gm-editor");
    this.root.style.height = `${this.model.get("height")}px`;
    suppressShortcuts(this.root);
    this.place = make("div", "gm-place");
    this.element = make("div", "gm-map");
    this.element.tabIndex = 0;
    suppressShortcuts(this.element);
    this.element.setAttribute("role", "application");
    this.loading = make("div", "gm-loading");
    this.place.append(this.element, this.loading);
    this.messages = new Messages(this.place, (...values) => this.word(...values));
    this.root.append(this.place);
    this.panel = new Panel(this.root, this.listActs());
    element.append(this.root);
    this.watch = new ResizeObserver(() => this.fit());
    this.watch.observe(this.element);
  }

  listActs() {
    const choose = (tool) => () => this.choose(tool);
    return {
      select: choose("select"), brush: choose("brush"), lasso: choose("lasso"),
      fresh: () => this.makeGrid(), undo: () => this.undo(), redo: () => this.redo(),
      compare: () => this.toggleCompare(), lockAll: () => this.lockAll(), lock: () => this.toggleLock(),
      source: () => this.startSource(), takeOver: () => this.link.takeOver(),
      merge: () => this.startMerge(), dissolve: () => this.dissolve(),
      smaller: () => this.resize(0.8), larger: () => this.resize(1.25),
      problem: (name, way) => this.goToProblem(name, way), show: (grid) => this.goTo(grid),
      help: () => this.messages.toggleHelp(), language: () => this.switchLanguage(),
    };
  }

  speak() {
    this.word = makeWords(this.model.get("lang"));
    this.root.lang = this.model.get("lang") === "zh" ? "zh-CN" : "en";
    this.element.setAttribute("aria-label", this.word("map_label"));
    this.loading.textContent = this.word("loading");
    this.panel.speak(this.word);
    this.messages.toggleHelp(false);
    if (this.pending) this.ask();
    this.nameZoom();
    this.refresh();
    if (this.layer) this.layer.drawGround();
  }

  switchLanguage() {
    this.model.set("lang", this.model.get("lang") === "zh" ? "en" : "zh");
    this.model.save_changes();
    this.link.tell(this.link.queue.length ? "saving" : this.link.revision ? "saved" : "untouched");
  }

  nameZoom() {
    this.zooms?.forEach(([button, key, text]) => nameButton(button, this.word(key), text));
  }

  /** Take the map; it is shown once the page has a size and the draft is there. */
  takeCity(city) {
    this.city = city;
    this.ground = new Ground(city);
    const houses = new BoxIndex(boxesOf(city.houses.heads, city.houses.xy));
    const lines = new BoxIndex(boxesOf(city.lines.heads, city.lines.xy));
    this.painter = new Painter(city, this.ground, houses, lines, this);
  }

  takeState(header, buffers, kept) {
    const again = this.draft !== null;
    const [before, grids] = buffers.map((buffer) => sumUp(unpackIntegers(buffer)));
    this.draft = new Draft(this.city, before, grids);
    for (const step of [...header.past, ...header.future])
      for (const grid of step.after ?? []) while (grid >= this.draft.members.length) this.draft.addGrid();
    this.draft.past = header.past;
    this.draft.future = header.future;
    this.draft.locked = new Set(header.locked);
    this.title = header.name || this.word("title");
    this.stopGestures();
    if (this.active !== null && !this.draft.members[this.active]?.size) this.active = null;
    this.source = null;
    this.painter.forget([...this.painter.shapes.keys()]);
    if (!again && header.past.length) this.messages.say(this.word("restored", header.past.length));
    this.replay(kept);
    this.fit();
    if (this.layer) this.layer.drawGround();
    this.refresh();
  }

  // Does again what the kernel never heard of.
  replay(entries) {
    for (const entry of entries) {
      if (entry.do === "undo") this.draft.undo();
      else if (entry.do === "redo") this.draft.redo();
      else this.draft.take(entry);
      this.link.queue.push(entry);
    }
    if (entries.length) this.messages.say(this.word("restored", entries.length));
    this.settle();
  }

  /** Show the map as soon as there is one and there is room for it. */
  fit() {
    if (!this.draft || !this.element.clientWidth || !this.element.clientHeight) return;
    if (this.map) {
      this.map.invalidateSize({ animate: false });
      return;
    }
    this.map = makeMap(this.element, this.ground.units.extent);
    this.showWhole();
    this.layer = new PlanLayer(this.painter).addTo(this.map);
    this.map.setMinZoom(this.map.getZoom() - 1);
    this.addZoom();
    this.hand = new Hand(this, this.root, this.element, this.map);
    this.hand.followTool();
    this.map.on("move zoom", () => this.messages.hideTip());
    this.loading.remove();
    this.panel.update(this);
    this.root.dataset.ready = "1";
  }

  addZoom() {
    const box = make("div", "gm-zoom leaflet-control");
    const acts = [["zoom_in", "+", () => this.map.zoomIn()], ["zoom_out", "−", () => this.map.zoomOut()], ["whole", "◻", () => this.showWhole()]];
    this.zooms = acts.map(([key, text, act]) => [makeButton("", act), key, text]);
    box.append(...this.zooms.map(([button]) => button));
    this.nameZoom();
    this.place.append(box);
  }

  showWhole() {
    showBox(this.map, this.ground.units.extent);
  }

  close() {
    this.link.close();
    this.watch.disconnect();
    this.hand?.close();
    this.map?.remove();
    this.root.remove();
  }

  // --- showing what changed ------------------------------------------------------------------------------

  settle() {
    for (const grid of this.draft.settle()) this.stale.add(grid);
  }

  /** Show the scene at the next frame: the grids that changed, the hand, the panel. */
  refresh() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      if (!this.draft) return;
      this.settle();
      this.allLocked = this.isAllLocked();
      this.panel.update(this);
      if (this.layer) this.redraw();
    });
  }

  redraw() {
    const changed = [...this.stale];
    this.stale.clear();
    this.painter.forget(changed);
    const units = changed.flatMap((grid) => [...this.draft.members[grid]]);
    const box = this.ground.boxOf(units);
    if (box) this.layer.drawGround(box);
    this.layer.drawHand();
  }

  // --- names of grids --------------------------------------------------------------------------------------

  codeOf(grid) {
    return this.city.codes[grid] ?? `new-${grid - this.city.codes.length + 1}`;
  }

  nameOf(grid) {
    return this.city.names[grid] ?? this.word("new_grid", grid - this.city.codes.length + 1);
  }

  /** Return the serial of a grid for a small label: 第3网格. */
  serialOf(grid) {
    const name = this.city.names[grid];
    return name?.match(/第\d+.*$/)?.[0] ?? this.nameOf(grid);
  }

  /** Return street, community and serial of a code: 003-002-001. */
  shortOf(grid) {
    return this.city.codes[grid]?.slice(6).replace(/(\d{3})(?=\d)/g, "$1-") ?? this.nameOf(grid);
  }

  // --- choosing ------------------------------------------------------------------------------------------------

  get radius() {
    return this.map ? Math.max(1, Math.round(this.pixels / 2 ** this.map.getZoom())) : 0;
  }

  choose(tool) {
    this.stopGestures();
    this.tool = tool;
    this.hand?.followTool();
    if (tool !== "select" && this.active === null) this.messages.say(this.word("pick_first"));
    this.element.focus({ preventScroll: true });
    this.refresh();
  }

  resize(factor) {
    this.pixels = Math.min(BRUSH.most, Math.max(BRUSH.least, this.pixels * factor));
    if (this.brush) this.brush.radius = this.radius;
    this.refresh();
  }

  pick(grid) {
    this.active = grid;
    this.flash = [];
    this.refresh();
  }

  pickAt([x, y]) {
    const unit = this.ground.unitAt(x, y);
    this.pick(unit < 0 ? null : this.draft.grids[unit]);
  }

  toggleCompare() {
    this.compare = !this.compare;
    this.layer.drawGround();
    this.refresh();
  }

  /** Show a grid as large as it fits, and choose it. */
  goTo(grid, flash = null) {
    const box = this.ground.boxOf(this.draft.members[grid]);
    if (!box) return;
    this.stopGestures();
    this.active = grid;
    const more = 0.35 * Math.max(box[2] - box[0], box[3] - box[1]);
    showBox(this.map, [box[0] - more, box[1] - more, box[2] + more, box[3] + more], 2);
    this.flash = flash ?? [];
    clearTimeout(this.flashing);
    this.flashing = setTimeout(() => {
      this.flash = [];
      this.refresh();
    }, FLASH_FOR);
    this.refresh();
  }

  /** Go to the next (1) or previous (-1) grid with a problem, of one kind or any. */
  goToProblem(name, way) {
    const kinds = name ? [name] : PROBLEMS;
    const found = [...new Set(kinds.flatMap((kind) => [...this.draft.byProblem[kind]]))].sort((a, b) => (a - b) * way);
    if (!found.length) {
      this.messages.say(this.word("no_problem", kinds.map((kind) => this.word(kind)).join(" / ")));
      return;
    }
    const from = this.active ?? -1;
    const next = found.find((grid) => (grid - from) * way > 0) ?? found[0];
    const pieces = this.draft.piecesOf(next);
    this.goTo(next, pieces.length > 1 ? pieces.slice(1).flat() : [...this.draft.members[next]]);
    const wrong = this.draft.problems[next].map((kind) => this.word(kind)).join("、");
    this.messages.say(`${this.nameOf(next)}：${wrong}`);
  }

  // --- what would happen ------------------------------------------------------------------------------------------

  hover(place, at) {
    if (!this.draft) return;
    if (this.stroke) this.extendStroke(place, at);
    else if (this.lasso.length) this.extendLasso(place);
    else if (this.tool === "brush" && !this.pending) this.previewBrush(place, at);
    else if (!this.pending) this.nameUnder(place, at);
    else this.messages.hideTip();
    if (this.cursor) this.refresh();
  }

  stopHover() {
    this.brush = null;
    if (!this.pending) this.preview = [];
    this.messages.hideTip();
    this.refresh();
  }

  previewBrush(place, at) {
    this.brush = { x: place[0], y: place[1], radius: this.radius };
    const units = this.ground.unitsOnWay(place, place, this.radius);
    const idle = this.active === null || this.readOnly || this.draft.locked.has(this.active);
    this.preview = idle ? [] : this.draft.filter(units, this.active, this.source).allowed;
    if (this.preview.length) this.showTip(this.preview, at);
    else this.messages.hideTip();
    this.refresh();
  }

  /** Say beside the mouse what `units` bring to the chosen grid. */
  showTip(units, at, done = false) {
    const { households, buildings } = this.city;
    const homes = units.reduce((sum, unit) => sum + households[unit], 0);
    const count = units.reduce((sum, unit) => sum + buildings[unit], 0);
    const { sum, target, exclusive } = this.foreseeActive(units, done);
    const text = exclusive ? this.word("tip_exclusive", count, homes, sum) : this.word("tip", count, homes, sum, percent(sum / target - 1));
    this.messages.showTip(text, at);
  }

  foreseeActive(units, done) {
    const { draft, active } = this;
    const added = done ? [] : units;
    const sum = draft.foresee(added, added.map(() => active)).get(active) ?? draft.sums[active].households;
    return { sum, target: draft.targetOf(active), exclusive: draft.isExclusive(active) };
  }

  nameUnder([x, y], at) {
    const unit = this.ground.unitAt(x, y);
    if (unit < 0) {
      this.messages.hideTip();
      return;
    }
    const grid = this.draft.grids[unit];
    const { households } = this.draft.sums[grid];
    const off = this.draft.isExclusive(grid) ? "" : ` ${percent(households / this.draft.targetOf(grid) - 1)}`;
    this.messages.showTip(`${this.nameOf(grid)}  ${this.word("homes", households)}${off}`, at);
  }

  // --- brush -------------------------------------------------------------------------------------------------------

  startStroke(place) {
    if (this.pending || this.isReadOnly()) return;
    if (this.active === null) this.pickAt(place);
    if (this.active === null || this.isTargetLocked()) return;
    this.stroke = { units: [], before: [], last: place, refused: { locked: 0, place: 0, source: 0 } };
    this.stroke.split = new Set(this.draft.byProblem.disconnected);
    this.extendStroke(place);
  }

  isTargetLocked() {
    const locked = this.draft.locked.has(this.active);
    if (locked) this.messages.say(this.word("target_locked", this.nameOf(this.active)), true);
    return locked;
  }

  extendStroke(place, at) {
    const { stroke, draft, active } = this;
    const way = this.ground.unitsOnWay(stroke.last, place, this.radius);
    const { allowed, refused } = draft.filter(way, active, this.source);
    stroke.last = place;
    for (const why of Object.keys(refused)) stroke.refused[why] += refused[why];
    for (const unit of allowed) {
      stroke.units.push(unit);
      stroke.before.push(draft.grids[unit]);
      draft.shift(unit, active);
    }
    this.preview = [];
    this.brush = { x: place[0], y: place[1], radius: this.radius };
    if (at && stroke.units.length) this.showTip(stroke.units, at, true);
    else this.messages.hideTip();
    this.refresh();
  }

  endStroke() {
    const { units, before, refused, split } = this.stroke;
    this.stroke = null;
    if (!units.length) {
      const why = this.whyRefused(refused);
      if (why) this.messages.say(why, true);
      this.refresh();
      return;
    }
    const step = { kind: "brush", units, before, after: units.map(() => this.active) };
    this.draft.past.push(step);
    this.draft.future = [];
    this.finish(step, split);
  }

  /** Say why nothing was moved, or null if there was nothing to move. */
  whyRefused({ locked, place, source }) {
    if (locked) return this.word("all_refused_locked");
    if (source) return this.word("all_refused_source", this.nameOf(this.source));
    return place ? this.word("all_refused_place") : null;
  }

  // --- where units come from ---------------------------------------------------------------------------------------

  /** Ask for the grid that units may come from; where there is one, let them come from all again. */
  startSource() {
    const again = this.source !== null;
    this.stopGestures();
    this.source = null;
    this.sourcing = !again;
    this.messages.say(this.word(again ? "source_all" : "pick_source"));
    this.refresh();
  }

  sourceAt([x, y]) {
    const unit = this.ground.unitAt(x, y);
    this.sourcing = false;
    const grid = unit < 0 ? null : this.draft.grids[unit];
    if (grid === null || grid === this.active) this.messages.say(this.word("source_other"), true);
    else {
      this.source = grid;
      this.messages.say(this.word("source_one", this.nameOf(grid)));
    }
    if (this.source !== null && this.tool === "select") this.choose("brush");
    this.refresh();
  }

  // --- lasso, merge, dissolve: ask first ------------------------------------------------------------------------------

  startLasso(place) {
    if (this.pending) this.cancel();
    if (this.isReadOnly() || (this.active !== null && this.isTargetLocked())) return;
    this.lasso = [place];
  }

  extendLasso(place) {
    this.lasso.push(place);
    this.messages.hideTip();
    this.refresh();
  }

  endLasso() {
    const units = this.lasso.length > 2 ? this.ground.unitsInside(this.lasso.flat()) : [];
    this.lasso = [];
    const to = this.active ?? this.draft.nextGrid();
    this.offer("lasso", units, to);
  }

  startMerge() {
    this.stopGestures();
    if (this.isReadOnly()) return;
    if (this.active === null) {
      this.messages.say(this.word("pick_first"));
      return;
    }
    if (this.isTargetLocked()) return;
    this.merging = true;
    this.messages.say(this.word("pick_merge"));
  }

  mergeAt([x, y]) {
    const unit = this.ground.unitAt(x, y);
    this.merging = false;
    if (unit >= 0) this.offer("merge", [...this.draft.members[this.draft.grids[unit]]], this.active);
  }

  /** Offer to move units into a grid, after those that may not are left out. */
  offer(kind, found, to) {
    const { allowed, refused } = this.draft.filter(found, to, kind === "lasso" ? this.source : null);
    if (!allowed.length) {
      const why = this.whyRefused(refused);
      this.messages.say(why ?? this.word("nothing_found"), why !== null);
      this.refresh();
      return;
    }
    this.propose({ kind, units: allowed, after: allowed.map(() => to), to, found });
  }

  dissolve() {
    const { active, draft } = this;
    this.stopGestures();
    if (this.isReadOnly()) return;
    if (active === null) {
      this.messages.say(this.word("pick_first"));
      return;
    }
    if (this.isTargetLocked()) return;
    const { units, after, left } = draft.dissolve(active);
    if (left) this.messages.say(this.word("dissolve_left", left), true);
    else this.propose({ kind: "dissolve", units, after, to: null });
  }

  propose(proposal) {
    this.pending = proposal;
    this.preview = proposal.units;
    this.brush = null;
    this.messages.hideTip();
    this.ask();
    this.element.focus({ preventScroll: true });
    this.refresh();
  }

  ask() {
    const { kind, units, to } = this.pending;
    this.messages.ask(this.tellProposal(), {
      confirm: () => this.confirm(),
      cancel: () => this.cancel(),
      asNew: kind === "lasso" && to < this.city.codes.length && units.length ? () => this.makeGrid() : null,
    });
  }

  // Texts, every second one bold: "if … go to", grid, ":", old → new of each grid.
  tellProposal() {
    const { draft, city } = this;
    const { kind, units, after, to } = this.pending;
    const sum = (numbers) => units.reduce((total, unit) => total + numbers[unit], 0);
    const first = kind === "dissolve"
      ? this.word("what_if_dissolve", this.nameOf(draft.grids[units[0]]))
      : this.word("what_if", sum(city.buildings), sum(city.households), this.nameOf(to));
    const outcome = [...draft.foresee(units, after)].filter(([grid]) => grid === to || draft.sums[grid].households || draft.members[grid].size);
    outcome.sort(([a], [b]) => (b === to) - (a === to) || a - b);
    const parts = [first];
    for (const [grid, homes] of outcome.slice(0, 4))
      parts.push(`${this.serialOf(grid)} ${draft.sums[grid].households}→${homes}`, "；");
    parts.pop();
    if (outcome.length > 4) parts.push(` ${this.word("others", outcome.length - 4)}`);
    return parts;
  }

  confirm() {
    const { kind, units, after, to } = this.pending;
    const split = new Set(this.draft.byProblem.disconnected);
    const step = { kind, units, before: units.map((unit) => this.draft.grids[unit]), after };
    this.pending = null;
    this.preview = [];
    this.messages.closeBar();
    if (to !== null) this.active = to;
    this.draft.take(step);
    this.finish(step, split);
    this.element.focus({ preventScroll: true });
  }

  /** Make a new grid the chosen one; it takes what is offered, if anything is. */
  makeGrid() {
    if (this.isReadOnly()) return;
    const grid = this.draft.nextGrid();
    if (this.pending?.kind === "lasso") {
      const { found } = this.pending;
      this.pending = null;
      this.offer("lasso", found, grid);
      return;
    }
    this.stopGestures();
    this.active = grid;
    if (this.tool === "select") this.choose("brush");
    this.messages.say(this.word("fresh_ready", this.nameOf(grid)));
    this.refresh();
  }

  // --- locks -------------------------------------------------------------------------------------------------------------

  isAllLocked() {
    const { members, locked } = this.draft;
    return locked.size > 0 && members.every((units, grid) => !units.size || locked.has(grid));
  }

  toggleLock() {
    if (this.active === null) this.messages.say(this.word("pick_first"));
    else if (this.draft.members[this.active].size)
      this.setLocks(this.draft.locked.has(this.active) ? "unlock" : "lock", [this.active]);
  }

  lockAll() {
    const { members, locked } = this.draft;
    const kind = this.isAllLocked() ? "unlock" : "lock";
    const grids = members.flatMap((units, grid) => (units.size && locked.has(grid) === (kind === "unlock") ? [grid] : []));
    if (grids.length) this.setLocks(kind, grids);
  }

  setLocks(kind, grids) {
    this.stopGestures();
    if (this.isReadOnly()) return;
    const step = { kind, grids };
    this.draft.take(step);
    this.finish(step, new Set());
  }

  // --- steps -----------------------------------------------------------------------------------------------------------------

  /** After a step: save it, warn of what it broke, show it. Warnings never block. */
  finish(step, split) {
    this.settle();
    this.link.record({ do: "step", ...step });
    this.warn(step, split);
    this.refresh();
  }

  warn(step, split) {
    const { draft } = this;
    const touched = [...new Set([...(step.before ?? []), ...(step.after ?? [])])];
    const broken = touched.find((grid) => draft.byProblem.disconnected.has(grid) && !split.has(grid));
    const emptied = touched.find((grid) => !draft.members[grid].size && step.kind !== "merge" && step.kind !== "dissolve");
    if (broken !== undefined)
      this.messages.say(this.word("split", this.nameOf(broken), draft.piecesOf(broken).length), true);
    else if (emptied !== undefined) this.messages.say(this.word("emptied", this.nameOf(emptied)), true);
    else this.messages.say("");
  }

  undo() {
    this.goBack("undo", "undone", "nothing_to_undo");
  }

  redo() {
    this.goBack("redo", "redone", "nothing_to_redo");
  }

  goBack(way, done, nothing) {
    this.stopGestures();
    if (this.isReadOnly()) return;
    const step = this.draft[way]();
    if (!step) {
      this.messages.say(this.word(nothing));
      return;
    }
    this.settle();
    this.link.record({ do: way });
    this.messages.say(this.word(done, this.word(`step_${step.kind}`) ?? step.kind));
    this.refresh();
  }

  /** Esc: the stroke, the lasso, what is asked, help, at last the chosen grid. */
  cancel() {
    const idle = !this.stroke && !this.lasso.length && !this.pending && !this.merging && !this.sourcing && this.messages.help.hidden;
    this.stopGestures();
    if (idle) this.active = null;
    this.refresh();
  }

  stopGestures() {
    if (this.stroke) {
      this.stroke.units.forEach((unit, i) => this.draft.shift(unit, this.stroke.before[i]));
      this.settle();
    }
    Object.assign(this, { stroke: null, pending: null, merging: false, sourcing: false, lasso: [], preview: [], brush: null });
    this.messages.closeBar();
    this.messages.hideTip();
    this.messages.toggleHelp(false);
  }

  sayRefused(reason, words) {
    if (reason === "stale") this.messages.say(this.word("reloaded"), true);
    else if (reason === "taken") this.messages.say(this.word("taken"), true);
    else this.messages.say(this.word("refused", words), true);
  }

  // --- one person at a time ---------------------------------------------------------------------------------------------------

  /** Only show the draft, as somebody else opened it, or edit it again. */
  setReadOnly(taken) {
    this.readOnly = taken;
    if (taken) this.stopGestures();
    this.root.classList.toggle("gm-taken", taken);
    this.refresh();
  }

  isReadOnly() {
    if (this.readOnly) this.messages.say(this.word("taken"), true);
    return this.readOnly;
  }
}

function render({ model, el }) {
  const editor = new Editor(model, el);
  el.editor = editor; // for tests, and for whoever looks into the page
  return () => editor.close();
}

export default { render };
