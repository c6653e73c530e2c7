// The draft: which grid each unit is in, what that makes of the grids, and every step back.
// Changes cost what they touch; nothing here knows the page.

import { bandOf, listProblems, Neighbours, PROBLEMS } from "./problems.js";

const LOCKS = ["lock", "unlock"];

/** Grids by number: those of the plan, then new ones. */
export class Draft {
  constructor(city, before, grids) {
    this.city = city;
    this.before = before;
    this.grids = before.slice();
    this.units = before.length;
    this.neighbours = new Neighbours(city.pairs, this.units);
    this.members = [];
    this.sums = []; // per grid: households, buildings, load, targets of its units, units away from before
    this.problems = [];
    this.byProblem = Object.fromEntries(PROBLEMS.map((name) => [name, new Set()]));
    this.changed = new Set();
    this.moved = 0;
    this.balanced = 0;
    this.dirty = new Set();
    this.locked = new Set();
    this.past = [];
    this.future = [];
    this.places = this.findPlaces();
    city.codes.forEach(() => this.addGrid());
    for (let unit = 0; unit < this.units; unit++) this.enter(unit, before[unit]);
    for (let unit = 0; unit < this.units; unit++) if (grids[unit] !== before[unit]) this.shift(unit, grids[unit]);
    for (let grid = 0; grid < this.members.length; grid++) this.dirty.add(grid);
    this.settle();
  }

  // A grid lies in one community, and in an exclusive zone as a whole or not at all.
  findPlaces() {
    const { community, zone } = this.city;
    return zone ? Float64Array.from(community, (number, unit) => number * 1e6 + zone[unit] + 1) : community;
  }

  addGrid() {
    this.members.push(new Set());
    this.sums.push({ households: 0, buildings: 0, load: 0, targets: 0, away: 0, start: 0, startUnits: 0 });
    this.problems.push([]);
    return this.members.length - 1;
  }

  enter(unit, grid) {
    const sums = this.sums[grid];
    this.members[grid].add(unit);
    sums.households += this.city.households[unit];
    sums.buildings += this.city.buildings[unit];
    sums.load += this.city.load ? this.city.load[unit] : 0;
    sums.targets += this.city.targets ? this.city.targets[unit] : 0;
    sums.start += this.city.households[unit];
    sums.startUnits += 1;
  }

  /** Put one unit into a grid; `settle` has to follow. */
  shift(unit, grid) {
    while (grid >= this.members.length) this.addGrid();
    const from = this.grids[unit];
    if (from === grid) return;
    const home = this.before[unit];
    this.members[from].delete(unit);
    this.members[grid].add(unit);
    for (const [place, sign] of [[from, -1], [grid, 1]]) {
      const sums = this.sums[place];
      sums.households += sign * this.city.households[unit];
      sums.buildings += sign * this.city.buildings[unit];
      if (this.city.load) sums.load += sign * this.city.load[unit];
      if (this.city.targets) sums.targets += sign * this.city.targets[unit];
      // A unit that leaves home is missed there; one that goes on elsewhere is strange there.
      sums.away += place === home ? -sign : sign;
      this.dirty.add(place);
      if (sums.away > 0) this.changed.add(place);
      else this.changed.delete(place);
    }
    this.moved += grid === home ? -1 : from === home ? 1 : 0;
    this.grids[unit] = grid;
  }

  /** Judge the grids that changed; return them. */
  settle() {
    const settled = [...this.dirty];
    this.dirty.clear();
    for (const grid of settled) {
      for (const name of this.problems[grid]) this.byProblem[name].delete(grid);
      this.problems[grid] = this.members[grid].size ? listProblems(this.describe(grid), this.bandOf(grid)) : [];
      for (const name of this.problems[grid]) this.byProblem[name].add(grid);
    }
    return settled;
  }

  // --- what a grid is ----------------------------------------------------------------------------

  /** Return the target of a grid: what its units, each with a target of its own, ask for together. */
  targetOf(grid) {
    const { load, targets, target, grain } = this.city;
    if (!load) return target;
    const sums = this.sums[grid];
    if (sums.load > 0) return (sums.households * grain) / sums.load;
    return this.members[grid].size ? sums.targets / this.members[grid].size : target;
  }

  bandOf(grid) {
    return bandOf(this.targetOf(grid), this.city.tolerance);
  }

  /** A grid is exclusive as long as all its units lie in one exclusive zone. */
  isExclusive(grid) {
    if (!this.city.zone) return false;
    const [first] = this.members[grid];
    return first !== undefined && this.city.zone[first] >= 0;
  }

  piecesOf(grid) {
    return this.neighbours.pieces(this.members[grid], this.grids);
  }

  describe(grid) {
    const { households, buildings, start, startUnits } = this.sums[grid];
    const target = this.targetOf(grid);
    return {
      households,
      buildings,
      start,
      startUnits,
      target,
      units: this.members[grid].size,
      exclusive: this.isExclusive(grid),
      deviation: this.isExclusive(grid) ? 0 : households / target - 1,
      pieces: this.piecesOf(grid).length,
    };
  }

  /** Return the place that a grid's units have to be in; null while it has none. */
  placeOf(grid) {
    const [first] = this.members[grid] ?? [];
    return first === undefined ? null : this.places[first];
  }

  /** Count the grids that have units, those inside their band, and all that have a band to keep. */
  countGrids() {
    let [all, base, balanced] = [0, 0, 0];
    for (let grid = 0; grid < this.members.length; grid++) {
      if (!this.members[grid].size) continue;
      all += 1;
      if (this.isExclusive(grid)) continue;
      base += 1;
      balanced += !this.problems[grid].some((name) => name !== "disconnected");
    }
    return { all, base, balanced };
  }

  totalHouseholds() {
    return this.sums.reduce((total, { households }) => total + households, 0);
  }

  // --- what may be done --------------------------------------------------------------------------

  /** Return those of `units` that may move into a grid, and why others may not.
   *
   * With a `source` only the units of that grid may.
   */
  filter(units, grid, source = null) {
    let place = this.placeOf(grid);
    const [allowed, refused] = [[], { locked: 0, place: 0, source: 0 }];
    for (const unit of units) {
      if (this.grids[unit] === grid) continue;
      if (source !== null && this.grids[unit] !== source) refused.source += 1;
      else if (this.locked.has(this.grids[unit])) refused.locked += 1;
      else if (place !== null && this.places[unit] !== place) refused.place += 1;
      else {
        place = this.places[unit];
        allowed.push(unit);
      }
    }
    return { allowed, refused };
  }

  /** Return the number of a new grid: one without units where there is one, else the next. */
  nextGrid() {
    for (let grid = this.city.codes.length; grid < this.members.length; grid++)
      if (!this.members[grid].size) return grid;
    return this.addGrid();
  }

  /** Return what becomes of grids if units go to others: grid -> households. */
  foresee(units, after) {
    const outcome = new Map();
    const add = (grid, homes) => outcome.set(grid, (outcome.get(grid) ?? this.sums[grid].households) + homes);
    units.forEach((unit, i) => {
      if (this.grids[unit] === after[i]) return;
      add(after[i], this.city.households[unit]);
      add(this.grids[unit], -this.city.households[unit]);
    });
    return outcome;
  }

  /** Divide a grid among its neighbours: return units and their grids, and how many find none.
   *
   * The unit goes first that leaves its new grid the least full; a grid that is locked takes none.
   */
  dissolve(grid) {
    const rest = new Set(this.members[grid]);
    const homes = new Map();
    const grids = new Map();
    const [units, after] = [[], []];
    while (rest.size) {
      const best = this.chooseDissolved(rest, grid, homes, grids);
      if (!best) break;
      rest.delete(best.unit);
      grids.set(best.unit, best.to);
      homes.set(best.to, best.homes);
      units.push(best.unit);
      after.push(best.to);
    }
    return { units, after, left: rest.size };
  }

  chooseDissolved(rest, grid, homes, grids) {
    let best = null;
    for (const unit of rest)
      for (const other of this.neighbours.of(unit)) {
        const to = grids.get(other) ?? this.grids[other];
        if (to === grid || this.locked.has(to)) continue;
        const sum = (homes.get(to) ?? this.sums[to].households) + this.city.households[unit];
        const full = sum / this.targetOf(to);
        if (!best || full < best.full || (full === best.full && unit < best.unit)) best = { unit, to, homes: sum, full };
      }
    return best;
  }

  // --- steps -------------------------------------------------------------------------------------

  /** Do a step ({kind, units, before, after} or {kind: "lock" | "unlock", grids}) and remember it. */
  take(step) {
    this.apply(step);
    this.past.push(step);
    this.future = [];
  }

  apply(step) {
    if (LOCKS.includes(step.kind)) this.setLocks(step.grids, step.kind === "lock");
    else step.units.forEach((unit, i) => this.shift(unit, step.after[i]));
  }

  revert(step) {
    if (LOCKS.includes(step.kind)) this.setLocks(step.grids, step.kind !== "lock");
    else step.units.forEach((unit, i) => this.shift(unit, step.before[i]));
  }

  setLocks(grids, locked) {
    for (const grid of grids) {
      if (locked) this.locked.add(grid);
      else this.locked.delete(grid);
      this.dirty.add(grid);
    }
  }

  /** Undo the last step and return it, or undefined. */
  undo() {
    const step = this.past.pop();
    if (!step) return undefined;
    this.revert(step);
    this.future.push(step);
    return step;
  }

  redo() {
    const step = this.future.pop();
    if (!step) return undefined;
    this.apply(step);
    this.past.push(step);
    return step;
  }
}
