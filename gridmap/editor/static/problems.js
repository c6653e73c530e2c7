// What is wrong with a grid: the same definition as gridmap.editor.problems, grid by grid, so
// that a stroke costs what it touches. A grid in pieces that is too large counts as both.

export const PROBLEMS = ["disconnected", "over", "under", "empty"];

/** Return the fewest and most whole households of a balanced grid, as gridmap.rules.band_ends. */
export function bandOf(target, tolerance) {
  const slack = 1e-12 * target;
  return [
    Math.ceil(target * (1 - tolerance) - slack),
    Math.floor(target * (1 + tolerance) + slack),
  ];
}

/** Return which of PROBLEMS a grid has. */
export function listProblems({ exclusive, households, pieces }, [low, high]) {
  const found = [];
  if (pieces > 1) found.push("disconnected");
  if (!exclusive && households > high) found.push("over");
  if (!exclusive && households < low) found.push(households > 0 ? "under" : "empty");
  return found;
}

/** Return the class of a grid by its households; far is beyond two tolerances. */
export function sizeClass(households, target, tolerance) {
  const [low, high] = bandOf(target, tolerance);
  if (households < low) return households < 2 * low - target ? "far_below" : "below";
  if (households > high) return households > 2 * high - target ? "far_above" : "above";
  return "band";
}

/** The usable pairs: units that a grid may be joined through. */
export class Neighbours {
  constructor([from, to], count) {
    const firsts = new Uint32Array(count + 1);
    for (const ends of [from, to]) for (const unit of ends) firsts[unit + 1]++;
    for (let unit = 0; unit < count; unit++) firsts[unit + 1] += firsts[unit];
    const filled = firsts.slice();
    this.firsts = firsts;
    this.units = new Uint32Array(firsts[count]);
    for (let i = 0; i < from.length; i++) {
      this.units[filled[from[i]]++] = to[i];
      this.units[filled[to[i]]++] = from[i];
    }
    this.mark = new Uint32Array(count);
    this.marks = 0;
  }

  /** Return the neighbours of a unit. */
  of(unit) {
    return this.units.subarray(this.firsts[unit], this.firsts[unit + 1]);
  }

  /** Return the pieces of a grid, each a list of its units, the largest first. */
  pieces(members, grids) {
    const mark = ++this.marks;
    const found = [];
    for (const first of members) {
      if (this.mark[first] === mark) continue;
      const piece = [first];
      this.mark[first] = mark;
      for (const unit of piece)
        for (const other of this.of(unit))
          if (grids[other] === grids[first] && this.mark[other] !== mark) {
            this.mark[other] = mark;
            piece.push(other);
          }
      found.push(piece);
    }
    return found.sort((a, b) => b.length - a.length);
  }
}
