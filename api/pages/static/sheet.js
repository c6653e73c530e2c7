// Tables as people copy them out of Excel, and back into it.

import { readQuery } from "./search.js";

const LON = /^(经度|lon|lng|long|longitude|x)\s*([(（].*)?$/i;
const LAT = /^(纬度|lat|latitude|y)\s*([(（].*)?$/i;
const ADDRESS = /地址|位置|地点|楼|小区|address|place|编码|code/i;

/** Return the rows of cells of a text: by tabs as Excel copies, or by commas; "…" may hold both. */
export function readRows(text) {
  const separator = text.includes("\t") ? "\t" : ",";
  const rows = [[]];
  let cell = "";
  let quoted = false;
  const end = () => {
    rows.at(-1).push(cell.trim());
    cell = "";
  };
  for (let at = 0; at < text.length; at += 1) {
    const mark = text[at];
    if (quoted && mark === '"' && text[at + 1] === '"') cell += text[(at += 1)];
    else if (mark === '"' && (quoted || !cell)) quoted = !quoted;
    else if (quoted || !`${separator}\r\n`.includes(mark)) cell += mark;
    else if (mark === separator) end();
    else if (mark === "\n") {
      end();
      rows.push([]);
    }
  }
  end();
  return rows.filter((row) => row.some(Boolean));
}

/**
 * Tell what is in the columns: {header, lon, lat, text}, columns by number; -1 for none. Where no
 * header says so, the pair of numbers that lies in the box (west, south, east, north) is a place.
 * Beside places, a column of addresses is for the rows that have none.
 */
export function findColumns(rows, box) {
  const first = rows[0] ?? [];
  const [lon, lat] = [LON, LAT].map((name) => first.findIndex((cell) => name.test(cell)));
  if (lon >= 0 && lat >= 0) return { header: true, lon, lat, text: first.findIndex((cell) => ADDRESS.test(cell)) };
  const header = first.length > 0 && !first.some(isNumber) && rows.length > 1 && (rows[1].some(isNumber) || first.some((cell) => ADDRESS.test(cell)));
  const body = header ? rows.slice(1) : rows;
  const pair = findPair(body, first.length, box);
  const named = header ? first.findIndex((cell) => ADDRESS.test(cell)) : -1;
  if (pair) return { header, lon: pair[0], lat: pair[1], text: named };
  return { header, lon: -1, lat: -1, text: named >= 0 ? named : findWords(body, first.length) };
}

const isNumber = (cell) => cell !== "" && Number.isFinite(Number(cell));
const columns = (width) => Array.from({ length: width }, (_, at) => at);

function findPair(rows, width, [west, south, east, north] = [-180, -90, 180, 90]) {
  const numbers = columns(width).filter((at) => rows.some((row) => isNumber(row[at] ?? "") && row[at].includes(".")));
  const inside = ([lon, lat]) =>
    rows.filter((row) => Number(row[lon]) >= west - 0.1 && Number(row[lon]) <= east + 0.1 && Number(row[lat]) >= south - 0.1 && Number(row[lat]) <= north + 0.1).length;
  const pairs = numbers.flatMap((one) => numbers.filter((other) => other !== one).map((other) => [one, other]));
  const best = pairs.reduce((kept, pair) => (!kept || inside(pair) > inside(kept) ? pair : kept), null);
  return best;
}

// The column with the longest words, on average.
function findWords(rows, width) {
  const lengths = columns(width).map((at) => rows.reduce((sum, row) => sum + (row[at] ?? "").length, 0));
  return lengths.indexOf(Math.max(...lengths));
}

/**
 * Return what each row asks, as `readQuery` does. A row without a place is asked by its address; one
 * with half a place, or with what is none, is a bad place: nobody is sent by a guess.
 */
export function readQueries(rows, { lon, lat, text }) {
  const read = (row, at) => row[at] ?? "";
  return rows.map((row) => readPair(read(row, lon), read(row, lat)) ?? readQuery(read(row, text)));
}

function readPair(lon, lat) {
  if (!lon && !lat) return null;
  if (isNumber(lon) && isNumber(lat)) return { kind: "place", lon: Number(lon), lat: Number(lat) };
  const query = lon && lat ? readQuery(`${lon},${lat}`) : {}; // degrees and minutes, perhaps
  return query.kind === "place" ? query : { kind: "bad_place" };
}

/** Write rows for pasting into Excel: long codes stay text there instead of becoming 2.1E+14. */
export function writeTsv(rows) {
  const cell = (text) => (/^\d{12,}$/.test(text) ? `="${text}"` : /[\t\n"]/.test(text) ? quote(text) : disarm(text));
  return rows.map((row) => row.map((text) => cell(String(text))).join("\t")).join("\r\n");
}

/** Write rows as a CSV that Excel in Chinese opens right: UTF-8 with a BOM. */
export function writeCsv(rows) {
  const cell = (text) => (/[,\r\n"]/.test(text) ? quote(disarm(text)) : disarm(text));
  return `\ufeff${rows.map((row) => row.map((text) => cell(String(text))).join(",")).join("\r\n")}\r\n`;
}

const quote = (text) => `"${text.replaceAll('"', '""')}"`;

// A cell that begins like a formula would be run; a negative number is none.
const disarm = (text) => (/^[=+@\t\r-]/.test(text) && !isNumber(text) ? `'${text}` : text);
