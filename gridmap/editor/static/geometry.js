// Where units are: found by place, by brush and by lasso. Everything is in metres, y to the north.

const CELL = 80; // metres of a cell of the index: a few units each

/** Boxes by place. `boxes` holds left, low, right, high of each in turn. */
export class BoxIndex {
  constructor(boxes) {
    this.boxes = boxes;
    this.count = boxes.length / 4;
    this.seen = new Uint32Array(this.count);
    this.asked = 0;
    this.measure();
    this.fill();
  }

  measure() {
    let [left, low, right, high] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < this.boxes.length; i += 4) {
      left = Math.min(left, this.boxes[i]);
      low = Math.min(low, this.boxes[i + 1]);
      right = Math.max(right, this.boxes[i + 2]);
      high = Math.max(high, this.boxes[i + 3]);
    }
    this.extent = this.count ? [left, low, right, high] : [0, 0, 1, 1];
    this.cell = Math.max(CELL, (this.extent[2] - this.extent[0]) / 500, (this.extent[3] - this.extent[1]) / 500);
    this.columns = Math.floor((this.extent[2] - this.extent[0]) / this.cell) + 1;
    this.rows = Math.floor((this.extent[3] - this.extent[1]) / this.cell) + 1;
  }

  // Calls back for every cell that a box meets; boxes outside of the extent meet its rim.
  eachCell(left, low, right, high, act) {
    const clamp = (value, most) => Math.min(Math.max(Math.floor(value / this.cell), 0), most - 1);
    const [x0, y0] = this.extent;
    const last = clamp(right - x0, this.columns);
    const top = clamp(high - y0, this.rows);
    for (let row = clamp(low - y0, this.rows); row <= top; row++)
      for (let column = clamp(left - x0, this.columns); column <= last; column++) act(row * this.columns + column);
  }

  fill() {
    const { boxes } = this;
    const sizes = new Uint32Array(this.columns * this.rows + 1);
    const each = (i, act) => this.eachCell(boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3], act);
    for (let i = 0; i < this.count; i++) each(i, (cell) => sizes[cell + 1]++);
    for (let cell = 0; cell < sizes.length - 1; cell++) sizes[cell + 1] += sizes[cell];
    this.heads = sizes;
    this.items = new Uint32Array(sizes[sizes.length - 1]);
    const filled = sizes.slice();
    for (let i = 0; i < this.count; i++) each(i, (cell) => (this.items[filled[cell]++] = i));
  }

  /** Return the numbers of the boxes that meet a box, each once, in order of their numbers. */
  find(left, low, right, high) {
    const found = [];
    const { boxes, seen } = this;
    const asked = ++this.asked;
    this.eachCell(left, low, right, high, (cell) => {
      for (let at = this.heads[cell]; at < this.heads[cell + 1]; at++) {
        const i = this.items[at];
        if (seen[i] === asked) continue;
        seen[i] = asked;
        const b = 4 * i;
        if (boxes[b] <= right && boxes[b + 2] >= left && boxes[b + 1] <= high && boxes[b + 3] >= low) found.push(i);
      }
    });
    return found.sort((a, b) => a - b);
  }
}

/** Return the boxes around runs of points. */
export function boxesOf(heads, xy) {
  const boxes = new Float64Array(4 * (heads.length - 1));
  for (let i = 0; i < heads.length - 1; i++) {
    let [left, low, right, high] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let p = 2 * heads[i]; p < 2 * heads[i + 1]; p += 2) {
      if (xy[p] < left) left = xy[p];
      if (xy[p] > right) right = xy[p];
      if (xy[p + 1] < low) low = xy[p + 1];
      if (xy[p + 1] > high) high = xy[p + 1];
    }
    boxes.set([left, low, right, high], 4 * i);
  }
  return boxes;
}

/** Tell whether a place lies in a polygon, given as x and y in turn. */
export function isInside(polygon, x, y) {
  let inside = false;
  for (let i = 0, j = polygon.length - 2; i < polygon.length; j = i, i += 2) {
    const [ax, ay, bx, by] = [polygon[i], polygon[i + 1], polygon[j], polygon[j + 1]];
    if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) inside = !inside;
  }
  return inside;
}

/** Return the distance from a place to a segment. */
export function distanceTo(ax, ay, bx, by, x, y) {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const share = length ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length)) : 0;
  return Math.hypot(x - ax - share * dx, y - ay - share * dy);
}

/** The units, made of borders that each two of them share. */
export class Ground {
  constructor({ left, right, heads, xy, households }) {
    Object.assign(this, { left, right, heads, xy });
    this.count = households.length;
    this.arcBoxes = boxesOf(heads, xy);
    this.arcs = new BoxIndex(this.arcBoxes);
    this.listArcs();
    this.chainRings();
    this.measureUnits();
    this.units = new BoxIndex(this.boxes);
  }

  // The borders of a unit are arcs[at] where the unit is on the left, else ~arcs[at].
  listArcs() {
    const { left, right, count } = this;
    const firsts = new Uint32Array(count + 1);
    for (let arc = 0; arc < left.length; arc++) {
      firsts[left[arc] + 1]++;
      if (right[arc] >= 0) firsts[right[arc] + 1]++;
    }
    for (let unit = 0; unit < count; unit++) firsts[unit + 1] += firsts[unit];
    const filled = firsts.slice();
    const refs = new Int32Array(firsts[count]);
    for (let arc = 0; arc < left.length; arc++) {
      refs[filled[left[arc]]++] = arc;
      if (right[arc] >= 0) refs[filled[right[arc]]++] = ~arc;
    }
    Object.assign(this, { firsts, refs });
  }

  /** Return the number of the first (or last) value of an arc's first point, looking along it. */
  endOf(ref, last) {
    const arc = ref < 0 ? ~ref : ref;
    return 2 * (ref < 0 !== last ? this.heads[arc + 1] - 1 : this.heads[arc]);
  }

  // Puts the borders of every unit into the order in which they follow one another.
  chainRings() {
    const { refs, firsts, xy } = this;
    this.closes = new Uint8Array(refs.length); // 1 where a ring ends
    for (let unit = 0; unit < this.count; unit++) {
      const end = firsts[unit + 1];
      let start = firsts[unit];
      for (let at = start; at < end; at++) {
        const here = this.endOf(refs[at], true);
        const begin = this.endOf(refs[start], false);
        const next = xy[here] === xy[begin] && xy[here + 1] === xy[begin + 1] ? -1 : this.findNext(at + 1, end, here);
        if (next < 0) {
          this.closes[at] = 1;
          start = at + 1;
        } else [refs[at + 1], refs[next]] = [refs[next], refs[at + 1]];
      }
    }
  }

  findNext(from, end, here) {
    for (let at = from; at < end; at++) {
      const begin = this.endOf(this.refs[at], false);
      if (this.xy[begin] === this.xy[here] && this.xy[begin + 1] === this.xy[here + 1]) return at;
    }
    return -1;
  }

  measureUnits() {
    const { count, arcBoxes } = this;
    this.boxes = new Float64Array(4 * count);
    this.centres = new Float64Array(2 * count);
    for (let unit = 0; unit < count; unit++) {
      const box = [Infinity, Infinity, -Infinity, -Infinity];
      for (let at = this.firsts[unit]; at < this.firsts[unit + 1]; at++) {
        const b = 4 * (this.refs[at] < 0 ? ~this.refs[at] : this.refs[at]);
        box[0] = Math.min(box[0], arcBoxes[b]);
        box[1] = Math.min(box[1], arcBoxes[b + 1]);
        box[2] = Math.max(box[2], arcBoxes[b + 2]);
        box[3] = Math.max(box[3], arcBoxes[b + 3]);
      }
      this.boxes.set(box, 4 * unit);
      this.centres.set(this.findCentre(unit, box), 2 * unit);
    }
  }

  findCentre(unit, [left, low, right, high]) {
    let [area, x, y] = [0, 0, 0];
    this.eachSegment(unit, (ax, ay, bx, by) => {
      const cross = (ax - left) * (by - low) - (bx - left) * (ay - low);
      area += cross;
      x += (ax + bx - 2 * left) * cross;
      y += (ay + by - 2 * low) * cross;
    });
    return area ? [left + x / (3 * area), low + y / (3 * area)] : [(left + right) / 2, (low + high) / 2];
  }

  // Calls back for each piece of border, the unit to its left.
  eachSegment(unit, act) {
    const { xy } = this;
    for (let at = this.firsts[unit]; at < this.firsts[unit + 1]; at++) {
      const ref = this.refs[at];
      const step = ref < 0 ? -2 : 2;
      const last = this.endOf(ref, true);
      for (let p = this.endOf(ref, false); p !== last; p += step) act(xy[p], xy[p + 1], xy[p + step], xy[p + step + 1]);
    }
  }

  /** Add the outline of a unit to a path. */
  trace(unit, path) {
    const { xy } = this;
    let begin = true;
    for (let at = this.firsts[unit]; at < this.firsts[unit + 1]; at++) {
      const ref = this.refs[at];
      const step = ref < 0 ? -2 : 2;
      const last = this.endOf(ref, true);
      let p = this.endOf(ref, false);
      if (begin) path.moveTo(xy[p], xy[p + 1]);
      while (p !== last) {
        p += step;
        path.lineTo(xy[p], xy[p + 1]);
      }
      begin = this.closes[at] === 1;
      if (begin) path.closePath();
    }
  }

  /** Add a border to a path. */
  traceArc(arc, path) {
    const { xy } = this;
    let p = 2 * this.heads[arc];
    path.moveTo(xy[p], xy[p + 1]);
    for (p += 2; p < 2 * this.heads[arc + 1]; p += 2) path.lineTo(xy[p], xy[p + 1]);
  }

  holds(unit, x, y) {
    let inside = false;
    this.eachSegment(unit, (ax, ay, bx, by) => {
      if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) inside = !inside;
    });
    return inside;
  }

  /** Return the unit at a place, or -1. */
  unitAt(x, y) {
    for (const unit of this.units.find(x, y, x, y)) if (this.holds(unit, x, y)) return unit;
    return -1;
  }

  /** Return the units that a round brush touches on its way: under its middle, or with theirs in it. */
  unitsOnWay([ax, ay], [bx, by], radius) {
    const found = new Set();
    const near = this.units.find(
      Math.min(ax, bx) - radius, Math.min(ay, by) - radius, Math.max(ax, bx) + radius, Math.max(ay, by) + radius,
    );
    for (const unit of near)
      if (distanceTo(ax, ay, bx, by, this.centres[2 * unit], this.centres[2 * unit + 1]) <= radius) found.add(unit);
    const steps = Math.max(1, Math.ceil(Math.hypot(bx - ax, by - ay) / 4));
    for (let step = 0; step <= steps; step++) {
      const unit = this.unitAt(ax + ((bx - ax) * step) / steps, ay + ((by - ay) * step) / steps);
      if (unit >= 0) found.add(unit);
    }
    return [...found];
  }

  /** Return the units whose middle lies in a polygon. */
  unitsInside(polygon) {
    const [left, low, right, high] = boxesOf([0, polygon.length / 2], polygon);
    const near = this.units.find(left, low, right, high);
    return near.filter((unit) => isInside(polygon, this.centres[2 * unit], this.centres[2 * unit + 1]));
  }

  /** Return the box around units, or null for none. */
  boxOf(units) {
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (const unit of units) {
      box[0] = Math.min(box[0], this.boxes[4 * unit]);
      box[1] = Math.min(box[1], this.boxes[4 * unit + 1]);
      box[2] = Math.max(box[2], this.boxes[4 * unit + 2]);
      box[3] = Math.max(box[3], this.boxes[4 * unit + 3]);
    }
    return box[0] <= box[2] ? box : null;
  }
}
