// The other end of encoding.py: streams of varints become arrays, steps become metres.

/** Read whole numbers: 7 bits a byte, the sign in the lowest bit. */
export function unpackIntegers(view) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  let count = 0;
  for (const byte of bytes) count += byte < 128;
  const numbers = new Int32Array(count);
  let at = 0;
  let folded = 0;
  let shift = 0;
  for (const byte of bytes) {
    folded |= (byte & 127) << shift;
    shift += 7;
    if (byte > 127) continue;
    numbers[at++] = (folded >>> 1) ^ -(folded & 1);
    folded = shift = 0;
  }
  return numbers;
}

/** Turn differences into values, in place. */
export function sumUp(numbers) {
  for (let i = 1; i < numbers.length; i++) numbers[i] += numbers[i - 1];
  return numbers;
}

/** Return where runs of so many begin, and where the last one ends. */
export function headsOf(counts) {
  const heads = new Uint32Array(counts.length + 1);
  for (let i = 0; i < counts.length; i++) heads[i + 1] = heads[i] + counts[i];
  return heads;
}

function walk(steps, size) {
  const xy = new Float64Array(steps.length);
  let x = 0;
  let y = 0;
  for (let i = 0; i < steps.length; i += 2) {
    xy[i] = (x += steps[i]) * size;
    xy[i + 1] = (y += steps[i + 1]) * size;
  }
  return xy;
}

/** Return the map: the header's texts, numbers per unit, borders, buildings and lines in metres. */
export function unpackCity(header, buffers) {
  const streams = {};
  header.streams.forEach((name, i) => (streams[name] = unpackIntegers(buffers[i])));
  const { arc_left, arc_right, pair_a, pair_b, load, targets, zone } = streams;
  sumUp(arc_left);
  sumUp(pair_a);
  return {
    ...header,
    households: streams.households,
    buildings: streams.buildings,
    community: sumUp(streams.community),
    zone: zone.length ? sumUp(zone) : null,
    load: load.length ? load : null,
    targets: targets.length ? Float64Array.from(targets, (target) => target / 1000) : null,
    left: arc_left,
    right: arc_right.map((away, i) => arc_left[i] + away),
    heads: headsOf(streams.arc_points),
    xy: walk(streams.arc_steps, header.step),
    pairs: [pair_a, pair_b.map((away, i) => pair_a[i] + away)],
    houses: { heads: headsOf(streams.building_points), xy: walk(streams.building_steps, header.step) },
    spots: walk(streams.spot_steps, header.step),
    lines: {
      kind: streams.line_kind,
      area: streams.line_area,
      heads: headsOf(streams.line_points),
      xy: walk(streams.line_steps, header.step),
    },
  };
}
