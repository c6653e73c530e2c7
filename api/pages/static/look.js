// How things are drawn. Blue is below the band, orange and red above it: told apart by everyone
// who does not see red and green alike.

export const COLOURS = {
  far_below: "#6ba3cb",
  below: "#bcdcea",
  band: "#f2f3ec",
  above: "#fbd0a6",
  far_above: "#e0705f",
  hidden: "#d6d6d6",
};
const OUTLINE = "#55534d";

/** Return the limits between classes: two tolerances and one below the target, one and two above. */
export function classLimits({ target, band: [low, high] }) {
  return { farLow: Math.max(0, 2 * low - target), low, high, farHigh: 2 * high - target };
}

/** Return the class of a grid by its households; a balanced grid is within both ends of the band. */
export function classOf(households, limits) {
  if (households === null) return "hidden";
  if (households < limits.farLow) return "far_below";
  if (households < limits.low) return "below";
  if (households <= limits.high) return "band";
  return households <= limits.farHigh ? "above" : "far_above";
}

// Pale and distinct, for kinds that have no order.
const TINTS = ["#cfe3d4", "#f3dcc2", "#d5dcef", "#efd3dd", "#e9e6b8", "#c9e6ea", "#e2d4ec", "#dcdcdc", "#f6c9b9", "#bcd3b0", "#b9c6e6", "#d8c3a5"];

/** Return how grids are filled: {kindOf(properties), colours {kind: colour}}. */
export function makeColouring(name, features, plan) {
  if (name === "none") return { kindOf: () => "band", colours: { band: COLOURS.band } };
  if (name === "street") return colourStreets(features);
  const limits = classLimits(plan);
  return { kindOf: ({ households }) => classOf(households, limits), colours: COLOURS };
}

// Where no community says its street office, communities are told apart instead.
function colourStreets(features) {
  const part = features.some(({ properties }) => properties.street) ? "street" : "community";
  const kinds = [...new Set(features.map(({ properties }) => properties[part]))].sort();
  const colours = Object.fromEntries(kinds.map((kind, at) => [kind, TINTS[at % TINTS.length]]));
  return { kindOf: (properties) => properties[part], colours };
}

export const fillStyle = (colour) => ({ stroke: false, fillColor: colour, fillOpacity: 1 });
export const BUILDING = { stroke: false, fillColor: "#9a9486", fillOpacity: 0.8 };
export const OWNER = { color: "#0b57d0", weight: 5, fillColor: "#0b57d0", fillOpacity: 0.15 };
export const HIGHLIGHT = { color: "#8a5a00", weight: 3, dashArray: "8 5", fillColor: "#ffb300", fillOpacity: 0.25 };

/** Return the style of an outline; thinner from afar, where a city has thousands. */
export function outlineStyle(kind, zoom) {
  if (kind === "community")
    return { color: "#7a2d86", weight: zoom < 14 ? 1.2 : 2, opacity: 0.9, fill: false };
  return { color: OUTLINE, weight: zoom < 14 ? 0.4 : 1, opacity: zoom < 14 ? 0.7 : 1, fill: false };
}

/** Return the style of a river or railway; null for what is not drawn at this zoom. */
export function barrierStyle(kind, zoom) {
  if (kind === "river")
    return { color: "#2f9fb3", weight: zoom < 15 ? 4 : 9, fillColor: "#7fc6d2", fillOpacity: 1 };
  return { color: "#4a4a4a", weight: zoom < 15 ? 1.5 : 2.5, dashArray: zoom < 15 ? "6 4" : "10 6" };
}

/** Return the style of a street: white on the pale grids; small ones appear as you come near. */
export function streetStyle(kind, zoom) {
  const widths = { main_road: [2, 3, 5, 8, 12], street: [0, 1, 2.5, 5, 8], path: [0, 0, 0, 1, 2] };
  const step = zoom < 13 ? 0 : zoom < 15 ? 1 : zoom < 16 ? 2 : zoom < 18 ? 3 : 4;
  const weight = (widths[kind] || widths.street)[step];
  return { color: "#ffffff", weight, stroke: weight > 0, opacity: 1 };
}
