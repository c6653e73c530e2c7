// Looking words up: what a search box lists.

/** Return items ({title, detail, code, place?}) for words, the likeliest first. */
export async function findItems(text, features) {
  const wanted = text.toLowerCase();
  const full = ({ properties }) => `${properties.street}${properties.name}`.toLowerCase();
  const found = features.filter((feature) => full(feature).includes(wanted) || feature.id.includes(wanted));
  const rank = ({ properties }) => (properties.name.toLowerCase().startsWith(wanted) ? 0 : 1);
  found.sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1));
  return found.slice(0, 8).map(({ id, properties }) => ({ title: properties.name, detail: id, code: id }));
}
