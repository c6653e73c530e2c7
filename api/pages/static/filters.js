// What a screen is filtered by is its address: to share what you see, copy it.

import { FACETS } from "./case_table.js";

/** Return {category, stage, clock}: sets of what is chosen, empty for all. */
export function readFilter() {
  const said = new URLSearchParams(location.search);
  return Object.fromEntries(FACETS.map((facet) => [facet, new Set(said.getAll(facet))]));
}

export function writeFilter(filter) {
  const address = new URL(location.href);
  for (const facet of FACETS) {
    address.searchParams.delete(facet);
    for (const value of filter[facet]) address.searchParams.append(facet, value);
  }
  history.replaceState(null, "", address);
}

export const isFiltered = (filter) => FACETS.some((facet) => filter[facet].size);

export function toggle(filter, facet, value) {
  if (!filter[facet].delete(value)) filter[facet].add(value);
}
