// Which grid is under the mouse, and which lie across a border that is near. For pointing and for
// naming only: who owns a place is the service's answer.

const METRES = 111320; // to a degree of latitude

/** Return the grid whose shape holds a place, or undefined. */
export function gridAt(features, lon, lat) {
  return features.find(({ bbox: [west, south, east, north], geometry }) => {
    if (lon < west || lon > east || lat < south || lat > north) return false;
    return ringsOf(geometry).reduce((odd, ring) => odd !== crossesOdd(ring, lon, lat), false);
  });
}

/** Return the grids within some metres of a place, the nearest first. */
export function gridsWithin(features, { lon, lat }, metres) {
  const across = METRES * Math.cos((lat * Math.PI) / 180);
  const [dx, dy] = [metres / across, metres / METRES];
  return features
    .filter(({ bbox: [west, south, east, north] }) => lon >= west - dx && lon <= east + dx && lat >= south - dy && lat <= north + dy)
    .map((feature) => ({ feature, far: distanceTo(feature.geometry, lon, lat, across) }))
    .filter(({ far }) => far <= metres)
    .sort((one, other) => one.far - other.far)
    .map(({ feature }) => feature);
}

function ringsOf({ type, coordinates }) {
  return type === "MultiPolygon" ? coordinates.flat() : coordinates;
}

function crossesOdd(ring, x, y) {
  let odd = false;
  for (let at = 1; at < ring.length; at += 1) {
    const [[x1, y1], [x2, y2]] = [ring[at - 1], ring[at]];
    if (y1 > y !== y2 > y && x < x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)) odd = !odd;
  }
  return odd;
}

function distanceTo(geometry, lon, lat, across) {
  let best = Infinity;
  for (const ring of ringsOf(geometry)) {
    const local = ring.map(([x, y]) => [(x - lon) * across, (y - lat) * METRES]);
    for (let at = 1; at < local.length; at += 1) best = Math.min(best, distanceToEdge(local[at - 1], local[at]));
  }
  return best;
}

// From the origin to a straight edge.
function distanceToEdge([x1, y1], [x2, y2]) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const along = Math.max(0, Math.min(1, -(x1 * dx + y1 * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x1 + along * dx, y1 + along * dy);
}
