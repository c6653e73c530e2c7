// How many cases a grid has, in five shades.

const COLOURS = { none: "#131c2a", few: "#1b3353", some: "#24507f", many: "#3373b0", most: "#5aa0e0" };
const NAMES = ["few", "some", "many", "most"];

/** Return where shades begin, so that each has about a quarter of the grids that have cases. */
export function findSteps(counts) {
  const sorted = [...counts].sort((one, other) => one - other);
  const at = (share) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  const steps = [1];
  for (const share of [0.4, 0.7, 0.93]) steps.push(Math.max(steps.at(-1) + 1, at(share)));
  return steps;
}

/** Return how grids are filled ({kindOf, colours}), by the counts of their codes. */
export function makeShading(features, counts, steps) {
  const codes = new Map(features.map(({ id, properties }) => [properties, id]));
  const kindOf = (properties) => {
    const count = counts.get(codes.get(properties)) ?? 0;
    return count ? NAMES[steps.findLastIndex((step) => count >= step)] : "none";
  };
  return { kindOf, colours: COLOURS };
}

/** Return the rows of the legend: [colour, text]. */
export function listShades(steps) {
  const texts = steps.map((step, at) => (at === steps.length - 1 ? `≥${step}` : step === steps[at + 1] - 1 ? `${step}` : `${step}–${steps[at + 1] - 1}`));
  return [[COLOURS.none, "0"], ...texts.map((text, at) => [COLOURS[NAMES[at]], text])];
}
