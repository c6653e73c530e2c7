// What somebody typed: a code, a place, or part of a name.

const NUMBER = "[+-]?\\d{1,3}(?:\\.\\d+)?";
const PLACE = new RegExp(`^\\(?\\s*(${NUMBER})\\s*°?\\s*[,，;；\\s]\\s*(${NUMBER})\\s*°?\\s*\\)?$`);

/** Return {kind: "code" | "place" | "bad_place" | "name" | "nothing", …}. */
export function readQuery(text) {
  const query = text.trim();
  if (!query) return { kind: "nothing" };
  if (/^\d{12,20}$/.test(query)) return { kind: "code", code: query };
  const place = PLACE.exec(query);
  if (place) return readPlace(Number(place[1]), Number(place[2]));
  return /^[\d\s.,，;；+-]+$/.test(query) ? { kind: "bad_place" } : { kind: "name", name: query };
}

function readPlace(lon, lat) {
  const good = Math.abs(lon) <= 180 && Math.abs(lat) <= 180;
  return good ? { kind: "place", lon, lat } : { kind: "bad_place" };
}

/** Return the grids whose name or code holds the text, those that begin with it first. */
export function findByName(features, name) {
  const wanted = name.toLowerCase();
  const full = (feature) => `${feature.properties.street}${feature.properties.name}`.toLowerCase();
  const found = features.filter((feature) => full(feature).includes(wanted) || feature.id.includes(wanted));
  const rank = (feature) => (feature.properties.name.toLowerCase().startsWith(wanted) ? 0 : 1);
  return found.sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1));
}
