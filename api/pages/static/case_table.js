// The open cases of a screen, and their tally by category, stage, clock and grid.

import { clockOf, CLOCKS, hoursOf, shareLeft, STAGES } from "./stages.js";

const RUNNING = new Set(["open", "suspended"]);
export const FACETS = ["category", "stage", "clock"];
const noCounts = () => ({ all: 0, ...Object.fromEntries(CLOCKS.map((clock) => [clock, 0])) });

/** The cases by number; `hours` says how long each stage of a category may take. */
export class CaseTable {
  constructor(categories) {
    this.hours = new Map(categories.map((category) => [category.name, hoursOf(category)]));
    this.rows = new Map();
  }

  /** Take a whole screen. */
  load({ columns, cases }) {
    this.columns = columns;
    this.rows = new Map(cases.map((row) => this.read(row)).map((row) => [row.case_id, row]));
  }

  /** Take one change: the case as it stands now. */
  change({ standing, row }) {
    const told = this.read(row);
    if (RUNNING.has(standing)) this.rows.set(told.case_id, told);
    else this.rows.delete(told.case_id);
  }

  read(values) {
    const row = {};
    for (let at = 0; at < this.columns.length; at += 1) row[this.columns[at]] = values[at];
    return row;
  }

  /** Write into every case its clock and the share of its time that is left. */
  wind(now, ahead) {
    for (const row of this.rows.values()) {
      row.clock = clockOf(row.due, now, ahead);
      row.share = row.due === null ? Infinity : shareLeft(row.due, now, this.hours.get(row.category)?.[row.stage] ?? 24);
    }
  }

  /**
   * Tally the cases that a filter lets through ({category, stage, clock}: sets, empty for all):
   * {rows, counts, grids, category, stage, clock}. A facet's own bars are counted by the other
   * facets, so that what is not chosen stays to be chosen.
   */
  tally(filter) {
    const told = { rows: [], counts: noCounts(), grids: new Map(), category: new Map(), stage: new Map(), clock: new Map() };
    for (const name of this.hours.keys()) told.category.set(name, noCounts());
    for (const name of STAGES.slice(0, -1)) told.stage.set(name, noCounts());
    for (const name of CLOCKS) told.clock.set(name, noCounts());
    for (const row of this.rows.values()) count(told, row, filter);
    return told;
  }
}

function count(told, row, filter) {
  const outside = FACETS.filter((facet) => filter[facet].size && !filter[facet].has(row[facet]));
  if (outside.length > 1) return;
  for (const facet of FACETS) {
    if (outside.length && outside[0] !== facet) continue;
    const counts = told[facet].get(row[facet]) ?? noCounts();
    add(counts, row.clock);
    told[facet].set(row[facet], counts);
  }
  if (outside.length) return;
  told.rows.push(row);
  add(told.counts, row.clock);
  if (row.grid_code) told.grids.set(row.grid_code, (told.grids.get(row.grid_code) ?? 0) + 1);
}

function add(counts, clock) {
  counts.all += 1;
  counts[clock] += 1;
}

/** Return the rows with the smallest share of their time left. */
export function mostUrgent(rows, most) {
  return rows
    .filter(({ due }) => due !== null)
    .sort((one, other) => one.share - other.share || one.case_id - other.case_id)
    .slice(0, most);
}
