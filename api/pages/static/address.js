// The page's state is its address: to share what you see, copy the address.
//   ?lang=en            language          #16/40.67200/122.23500    zoom/latitude/longitude
//   &pin=122.2,40.6     a place (WGS-84)  &grid=210802003002001     a grid
// What follows # is never sent to the server.

function readView(text) {
  const [zoom, lat, lon] = text.split("/").map(Number);
  const good = [zoom, lat, lon].every(Number.isFinite) && Math.abs(lat) <= 90 && Math.abs(lon) <= 180;
  return good ? { zoom, lat, lon } : null;
}

function readPin(text) {
  const [lon, lat] = (text || "").split(",").map((part) => (part.trim() ? Number(part) : NaN));
  return Number.isFinite(lon) && Number.isFinite(lat) ? { lon, lat } : null;
}

/** Return what the address says: view, pin and grid, each null where it says nothing. */
export function readAddress() {
  const [view, ...rest] = location.hash.slice(1).split("&");
  const parameters = new URLSearchParams(rest.join("&"));
  return { view: readView(view), pin: readPin(parameters.get("pin")), grid: parameters.get("grid") };
}

/** Write the state into the address without a new entry in the browser's history. */
export function writeAddress({ view, pin, grid, lang }) {
  let hash = `#${view.zoom}/${view.lat.toFixed(5)}/${view.lon.toFixed(5)}`;
  if (pin) hash += `&pin=${pin.lon.toFixed(7)},${pin.lat.toFixed(7)}`;
  else if (grid) hash += `&grid=${encodeURIComponent(grid)}`;
  const query = new URLSearchParams(location.search);
  if (lang === "zh") query.delete("lang");
  else query.set("lang", lang);
  const search = query.toString();
  history.replaceState(null, "", `${location.pathname}${search ? `?${search}` : ""}${hash}`);
}
