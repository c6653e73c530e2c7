// What is drawn, on two canvases: the plan below, what the hand is doing above. Coordinates are
// metres; a view says how many pixels one is and where. Shapes are filled in small lots: software
// renderers slow down with the square of what is in one path.

import { sizeClass } from "./problems.js";
import { percent } from "./words.js";

/** Fills by class of size, from far too few households to far too many. */
export const COLOURS = {
  far_below: "#6ba3cb",
  below: "#bcdcea",
  band: "#f1f2ea",
  above: "#fbd0a6",
  far_above: "#e0705f",
  exclusive: "#e4dcef",
};
const PAPER = "#fbfaf6";
const [UNIT, BORDER, COMMUNITY, ACTIVE] = ["#b9b6aa", "#4d4b45", "#7a2d86", "#000000"];
const [HOUSE, WATER, RAIL, BLUE, PINK] = ["#9a9486", "#8ecad4", "#5a5a5a", "#1257c4", "#c2187a"];
const LOT = 64; // shapes in one path
const WIDTHS = { main_road: [14, 1.6], street: [8, 0.6], path: [3, 0.3], railway: [5, 1.2], river: [18, 2] };
const FROM = { unit: 0.28, house: 0.22, label: 0.09, street: 0.12, path: 0.6 }; // pixels a metre
const FONT = '"Noto Sans SC","Noto Sans CJK SC","PingFang SC","Microsoft YaHei","Source Han Sans SC",sans-serif';

/** The pictures of one plan. `scene` is asked for what changes: draft, active, compare … */
export class Painter {
  constructor(city, ground, houses, lines, scene) {
    Object.assign(this, { city, ground, houses, lines, scene });
    this.shapes = new Map(); // grid -> its shape, until it changes
    this.places = new Map(); // grid -> where its label stands
    this.hatch = null;
  }

  /** Forget what was kept of grids that changed. */
  forget(grids) {
    for (const grid of grids) {
      this.shapes.delete(grid);
      this.places.delete(grid);
    }
  }

  /** Return the shape of a grid, in lots. */
  shapesOf(grid) {
    let shapes = this.shapes.get(grid);
    if (!shapes) {
      shapes = [];
      let drawn = 0;
      for (const unit of this.scene.draft.members[grid]) {
        if (drawn++ % LOT === 0) shapes.push(new Path2D());
        this.ground.trace(unit, shapes[shapes.length - 1]);
      }
      this.shapes.set(grid, shapes);
    }
    return shapes;
  }

  // --- the plan ----------------------------------------------------------------------------------

  /** Draw the plan where `view.box` (metres) is. */
  drawPlan(ctx, view) {
    const { scene, ground } = this;
    ctx.fillStyle = PAPER;
    ctx.fillRect(view.box[0], view.box[1], view.box[2] - view.box[0], view.box[3] - view.box[1]);
    const units = ground.units.find(...view.box);
    const arcs = ground.arcs.find(...view.box);
    const grids = new Set();
    for (const unit of units) grids.add(scene.draft.grids[unit]);
    ctx.lineJoin = ctx.lineCap = "round";
    this.fillGrids(ctx, grids);
    if (scene.compare) this.tintChanged(ctx, units);
    if (view.scale >= FROM.unit) this.drawBorders(ctx, view, arcs, "unit");
    this.drawLines(ctx, view);
    if (view.scale >= FROM.house) this.drawHouses(ctx, view);
    this.hatchLocked(ctx, view, grids);
    this.drawBorders(ctx, view, arcs, "grid");
    if (scene.compare) this.drawBorders(ctx, view, arcs, "before");
    this.drawBorders(ctx, view, arcs, "community");
  }

  colourOf(grid) {
    const { draft } = this.scene;
    if (draft.isExclusive(grid)) return COLOURS.exclusive;
    return COLOURS[sizeClass(draft.sums[grid].households, draft.targetOf(grid), this.city.tolerance)];
  }

  fillGrids(ctx, grids) {
    for (const grid of grids) {
      ctx.fillStyle = this.colourOf(grid);
      for (const shape of this.shapesOf(grid)) ctx.fill(shape);
    }
  }

  fillUnits(ctx, units) {
    for (let from = 0; from < units.length; from += LOT) {
      ctx.beginPath();
      for (const unit of units.slice(from, from + LOT)) this.ground.trace(unit, ctx);
      ctx.fill();
    }
  }

  tintChanged(ctx, units) {
    const { draft } = this.scene;
    ctx.fillStyle = "rgba(194, 24, 122, 0.35)";
    this.fillUnits(ctx, units.filter((unit) => draft.grids[unit] !== draft.before[unit]));
  }

  hatchLocked(ctx, view, grids) {
    const { locked } = this.scene.draft;
    if (!locked.size) return;
    const pattern = ctx.createPattern((this.hatch ??= makeHatch()), "repeat");
    pattern.setTransform(new DOMMatrix().scale(1 / view.scale)); // stripes of the screen, not of the city
    ctx.fillStyle = pattern;
    for (const grid of grids)
      if (locked.has(grid)) for (const shape of this.shapesOf(grid)) ctx.fill(shape);
  }

  // Kinds of border: "unit" inside of grids, "grid" between them, "before" where they were,
  // "community" between communities and around the city.
  drawBorders(ctx, view, arcs, kind) {
    const { left, right } = this.ground;
    const { community } = this.city;
    const { grids, before } = this.scene.draft;
    const styles = {
      unit: [UNIT, 0.6],
      grid: [BORDER, Math.min(1.5, Math.max(0.6, 6 * view.scale))],
      before: [PINK, 2],
      community: [COMMUNITY, view.scale < FROM.label ? 1.2 : 2.2],
    };
    const tests = {
      unit: (a, b) => b >= 0 && grids[a] === grids[b],
      grid: (a, b) => b >= 0 && grids[a] !== grids[b] && community[a] === community[b],
      before: (a, b) => b >= 0 && before[a] !== before[b] && grids[a] === grids[b],
      community: (a, b) => b < 0 || community[a] !== community[b],
    };
    const wanted = tests[kind];
    ctx.strokeStyle = styles[kind][0];
    ctx.lineWidth = styles[kind][1] / view.scale;
    ctx.setLineDash(kind === "before" ? [6 / view.scale, 4 / view.scale] : []);
    this.strokeArcs(ctx, arcs.filter((arc) => wanted(left[arc], right[arc])));
    ctx.setLineDash([]);
  }

  strokeArcs(ctx, arcs) {
    for (let from = 0; from < arcs.length; from += LOT) {
      ctx.beginPath();
      for (let i = from; i < Math.min(from + LOT, arcs.length); i++) this.ground.traceArc(arcs[i], ctx);
      ctx.stroke();
    }
  }

  drawLines(ctx, view) {
    const { kind, area, heads, xy } = this.city.lines;
    const found = this.lines.find(...view.box);
    for (const name of ["river", "path", "street", "main_road", "railway"]) {
      if (view.scale < (FROM[name] ?? 0)) continue;
      const [metres, least] = WIDTHS[name];
      ctx.lineWidth = Math.max(metres, least / view.scale);
      ctx.strokeStyle = { river: WATER, railway: RAIL }[name] ?? "#ffffff";
      ctx.fillStyle = WATER;
      if (name === "railway") ctx.setLineDash([18, 10]);
      for (const line of found.filter((line) => this.city.kinds[kind[line]] === name)) {
        ctx.beginPath();
        traceRun(ctx, heads, xy, line);
        if (area[line]) ctx.fill();
        else ctx.stroke();
      }
      ctx.setLineDash([]);
    }
  }

  drawHouses(ctx, view) {
    const { heads, xy } = this.city.houses;
    const found = this.houses.find(...view.box);
    ctx.fillStyle = HOUSE;
    for (let from = 0; from < found.length; from += LOT) {
      ctx.beginPath();
      for (const house of found.slice(from, from + LOT)) traceRun(ctx, heads, xy, house);
      ctx.fill();
    }
    const [left, low, right, high] = view.box;
    const { spots } = this.city;
    for (let i = 0; i < spots.length; i += 2)
      if (spots[i] >= left && spots[i] <= right && spots[i + 1] >= low && spots[i + 1] <= high)
        ctx.fillRect(spots[i] - 3, spots[i + 1] - 3, 6, 6);
  }

  // --- labels ------------------------------------------------------------------------------------

  /** Return where the label of a grid stands: the unit nearest to its middle, and its box. */
  placeOf(grid) {
    let place = this.places.get(grid);
    if (!place) {
      place = this.findPlace(grid);
      this.places.set(grid, place);
    }
    return place;
  }

  findPlace(grid) {
    const { centres } = this.ground;
    const members = [...this.scene.draft.members[grid]];
    const mean = [0, 1].map((axis) => members.reduce((sum, unit) => sum + centres[2 * unit + axis], 0) / members.length);
    let [best, least] = [members[0], Infinity];
    for (const unit of members) {
      const off = Math.hypot(centres[2 * unit] - mean[0], centres[2 * unit + 1] - mean[1]);
      if (off < least) [best, least] = [unit, off];
    }
    return { x: centres[2 * best], y: centres[2 * best + 1], box: this.ground.boxOf(members) };
  }

  /** Write on the grids in view, those where there is room, none over another. */
  writeLabels(ctx, view) {
    if (view.scale < FROM.label) return;
    const { draft } = this.scene;
    const grids = [...new Set(this.ground.units.find(...view.box).map((unit) => draft.grids[unit]))];
    const taken = [];
    ctx.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
    ctx.textAlign = "center";
    ctx.lineWidth = 3;
    ctx.lineJoin = "round";
    ctx.strokeStyle = "rgba(255, 255, 255, 0.9)";
    ctx.fillStyle = "#1b1b1b";
    for (const grid of grids.sort((a, b) => (b === this.scene.active) - (a === this.scene.active) || a - b)) {
      const label = this.layLabel(grid, view);
      if (!label || taken.some((other) => overlap(label, other))) continue;
      taken.push(label);
      writeText(ctx, `600 12px ${FONT}`, label.name, label.x, label.y - 3);
      writeText(ctx, `12px ${FONT}`, label.homes, label.x, label.y + 12);
    }
  }

  /** Return the texts of a label and its box on the screen, or null where the grid is too small. */
  layLabel(grid, view) {
    const { draft } = this.scene;
    const { x, y, box } = this.placeOf(grid);
    const [wide, high] = [(box[2] - box[0]) * view.scale, (box[3] - box[1]) * view.scale];
    if (wide < 54 || high < 34) return null;
    const { households } = draft.sums[grid];
    const off = draft.isExclusive(grid) || wide < 96 ? "" : ` ${percent(households / draft.targetOf(grid) - 1)}`;
    const name = wide < 150 ? this.scene.serialOf(grid) : this.scene.nameOf(grid);
    const homes = this.scene.word("homes", households) + off;
    const half = Math.max(widthOf(name), widthOf(homes)) / 2;
    return { name, homes, x: view.left + x * view.scale, y: view.top - y * view.scale, half };
  }

  // --- what the hand is doing ---------------------------------------------------------------------

  /** Draw the chosen grid, the units that would move, brush, lasso, cursor and what flashes. */
  drawHand(ctx, view) {
    const { scene } = this;
    ctx.lineJoin = "round";
    if (scene.flash.length) {
      ctx.fillStyle = "rgba(255, 196, 0, 0.75)";
      this.fillUnits(ctx, scene.flash);
      this.outline(ctx, view, scene.flash, "#b3261e", 3);
    }
    if (scene.preview.length) {
      ctx.fillStyle = "rgba(18, 87, 196, 0.38)";
      this.fillUnits(ctx, scene.preview);
      this.outline(ctx, view, scene.preview, BLUE, 1.6);
    }
    if (scene.source !== null) this.outlineSource(ctx, view, [...scene.draft.members[scene.source]]);
    if (scene.active !== null) this.outline(ctx, view, [...scene.draft.members[scene.active]], ACTIVE, 3.2);
    if (scene.brush) this.drawBrush(ctx, view, scene.brush);
    if (scene.lasso.length) this.drawLasso(ctx, view, scene.lasso);
    if (scene.cursor) this.drawCursor(ctx, view, scene.cursor);
  }

  outlineSource(ctx, view, units) {
    ctx.setLineDash([9 / view.scale, 6 / view.scale]);
    this.outline(ctx, view, units, BLUE, 3);
    ctx.setLineDash([]);
  }

  /** Draw the border around units, not those between them. */
  outline(ctx, view, units, colour, width) {
    const { left, right, refs, firsts } = this.ground;
    const inside = new Set(units);
    const arcs = [];
    for (const unit of units)
      for (let at = firsts[unit]; at < firsts[unit + 1]; at++) {
        const arc = refs[at] < 0 ? ~refs[at] : refs[at];
        if (!inside.has(left[arc] === unit ? right[arc] : left[arc])) arcs.push(arc);
      }
    ctx.strokeStyle = colour;
    ctx.lineWidth = width / view.scale;
    this.strokeArcs(ctx, arcs);
  }

  drawBrush(ctx, view, { x, y, radius }) {
    ctx.beginPath();
    ctx.arc(x, y, radius, 0, 2 * Math.PI);
    ctx.fillStyle = "rgba(18, 87, 196, 0.10)";
    ctx.fill();
    ctx.strokeStyle = BLUE;
    ctx.lineWidth = 1.5 / view.scale;
    ctx.stroke();
  }

  drawLasso(ctx, view, points) {
    ctx.beginPath();
    points.forEach(([x, y], i) => (i ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
    ctx.closePath();
    ctx.fillStyle = "rgba(18, 87, 196, 0.12)";
    ctx.fill();
    ctx.strokeStyle = BLUE;
    ctx.lineWidth = 2 / view.scale;
    ctx.stroke();
  }

  drawCursor(ctx, view, [x, y]) {
    const arm = 12 / view.scale;
    for (const [colour, width] of [["#ffffff", 4], ["#000000", 1.6]]) {
      ctx.beginPath();
      ctx.moveTo(x - arm, y);
      ctx.lineTo(x + arm, y);
      ctx.moveTo(x, y - arm);
      ctx.lineTo(x, y + arm);
      ctx.strokeStyle = colour;
      ctx.lineWidth = width / view.scale;
      ctx.stroke();
    }
  }
}

function traceRun(path, heads, xy, run) {
  for (let p = heads[run]; p < heads[run + 1]; p++)
    if (p === heads[run]) path.moveTo(xy[2 * p], xy[2 * p + 1]);
    else path.lineTo(xy[2 * p], xy[2 * p + 1]);
}

function writeText(ctx, font, text, x, y) {
  ctx.font = font;
  ctx.strokeText(text, x, y);
  ctx.fillText(text, x, y);
}

// A Chinese character is as wide as the font is high, a letter about half of it.
function widthOf(text) {
  let width = 0;
  for (const letter of text) width += letter > "\u2e80" ? 12 : 7;
  return width;
}

function overlap(one, other) {
  return Math.abs(one.x - other.x) < one.half + other.half + 4 && Math.abs(one.y - other.y) < 32;
}

// Diagonal stripes; drawn, because a glyph or an emoji may be missing.
function makeHatch() {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const ctx = tile.getContext("2d");
  ctx.strokeStyle = "rgba(60, 60, 60, 0.45)";
  ctx.lineWidth = 1.2;
  ctx.beginPath();
  for (const shift of [-8, 0, 8]) {
    ctx.moveTo(shift, 8);
    ctx.lineTo(shift + 8, 0);
  }
  ctx.stroke();
  return tile;
}
