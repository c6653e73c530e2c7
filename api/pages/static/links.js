// Positions in addresses that map services publish for sharing, with the datum that each implies.
//
//   uri.amap.com/marker?position=LON,LAT                GCJ-02, or coordinate=wgs84
//   api.map.baidu.com/marker?location=LAT,LON           BD-09, or coord_type=gcj02 | wgs84
//   apis.map.qq.com/uri/v1/marker?marker=coord:LAT,LON  GCJ-02, or coord_type=1 (GPS)
//   geo:LAT,LON                                         WGS-84 (RFC 5870)
//   …#…&pin=LON,LAT                                     ours: WGS-84, or crs=
//   …?lat=LAT&lon=LON                                   no datum: that of the list counts
//
// Nothing is fetched: a short address without a position stays one.

const ADDRESS = /(?:https?|iosamap|androidamap|amapuri|baidumap|bdapp|qqmap):\/\/\S+|geo:\S+/i;
const NUMBER = String.raw`[+-]?\d{1,3}(?:\.\d+)?`;
const WHOLE = new RegExp(`^${NUMBER}$`);
const PAIR = new RegExp(String.raw`^(?:[a-z]+:)?\s*(${NUMBER})\s*,\s*(${NUMBER})(?![\d.])`, "i");
const LAT = ["lat", "latitude", "mlat", "pointy", "dlat", "y", "纬度"];
const LON = ["lon", "lng", "long", "longitude", "mlon", "pointx", "dlon", "x", "经度"];

const MAKERS = [
  {
    maker: "amap",
    is: /^https?:..[^/]*\bamap\.com|^\w*amap\w*:/i,
    pairs: { position: "lon", markers: "lon", to: "lon", center: "lon", q: "lat", p: "lat" },
    datum: (said) => (said.get("coordinate") === "wgs84" || said.get("dev") === "1" ? "wgs84" : "gcj02"),
  },
  {
    maker: "baidu",
    is: /^https?:..[^/]*\bbaidu\.com|^(?:baidumap|bdapp):/i,
    pairs: { location: "lat", latlng: "lat", center: "lat", destination: "lat" },
    datum: (said) => ({ gcj02: "gcj02", wgs84: "wgs84" })[said.get("coord_type")?.toLowerCase()] ?? "bd09",
  },
  {
    maker: "tencent",
    is: /^https?:..[^/]*\bmap\.qq\.com|^qqmap:/i,
    pairs: { marker: "lat", coord: "lat", center: "lat", tocoord: "lat" },
    datum: (said) => (said.get("coord_type") === "1" ? "wgs84" : "gcj02"),
  },
];
const OURS = { maker: "gridmap", pairs: { pin: "lon" }, datum: (said) => said.get("crs") ?? "wgs84" };

/**
 * Return {kind: "place", lon, lat, datum?, maker?} for an address or parameters with a position,
 * {kind: "no_position"} for an address without one, null for what is neither.
 */
export function readLink(text) {
  const found = ADDRESS.exec(text)?.[0];
  if (!found) return readParameters(text);
  if (/^geo:/i.test(found)) return readGeo(found);
  const [host, ...rest] = found.split(/[?#]/);
  const said = new URLSearchParams(rest.join("&"));
  const made = MAKERS.find(({ is }) => is.test(host)) ?? (said.has("pin") ? OURS : null);
  const place = (made ? readPairs(said, made.pairs) : null) ?? readTwo(said);
  if (!place) return { kind: "no_position" };
  return made ? { ...place, datum: made.datum(said), maker: made.maker } : place;
}

// Parameters alone: lat=40.672&lon=122.235, as they stand in the middle of any address.
function readParameters(text) {
  return /^[?&#]?[\p{L}_]+=\S*&\S+$/u.test(text.trim()) ? readTwo(new URLSearchParams(text.trim().replace(/^[?&#]/, ""))) : null;
}

// A path that is 0,0 is for the map that opens it: the place is in q then.
function readGeo(address) {
  const [path, query = ""] = address.slice("geo:".length).split("?");
  const crs = /;crs=([^;]*)/i.exec(path)?.[1].toLowerCase() ?? "wgs84";
  const place = readPairs(new URLSearchParams(query), { q: "lat" }) ?? readPair(path, "lat");
  return place && crs === "wgs84" ? { ...place, datum: "wgs84", maker: "geo" } : { kind: "no_position" };
}

function readPairs(said, pairs) {
  for (const [name, first] of Object.entries(pairs)) {
    const place = readPair(name === "p" ? said.get(name)?.replace(/^[^,]*,/, "") : said.get(name), first);
    if (place) return place;
  }
  return null;
}

function readPair(text, first) {
  const numbers = PAIR.exec(text ?? "")?.slice(1, 3).map(Number);
  if (!numbers) return null;
  const [lon, lat] = first === "lon" ? numbers : numbers.reverse();
  return { kind: "place", lon, lat };
}

function readTwo(said) {
  const numberOf = (names) => [...said].find(([name, value]) => names.includes(name.toLowerCase()) && WHOLE.test(value))?.[1];
  const [lon, lat] = [numberOf(LON), numberOf(LAT)];
  return lon && lat ? { kind: "place", lon: Number(lon), lat: Number(lat) } : null;
}
