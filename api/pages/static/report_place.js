// Where it is: the browser's position, a place on the map, or an address; the grid is told back.

import { askOwner } from "./client.js";
import { DATUM_NAMES, fullName, tellPlace } from "./card.js";
import { byId } from "./elements.js";
import { findItems, findSure } from "./find.js";
import { showPicker } from "./picker.js";
import { NO_PLACE, readQuery } from "./search.js";
import { SearchBox } from "./search_box.js";
import { word } from "./words.js";

const PATIENCE = { enableHighAccuracy: true, timeout: 15_000, maximumAge: 30_000 };
const ROUGH = 50; // metres

/** The place; `set(place)` is told of one: {lon, lat, datum, address}. */
export class PlaceField {
  constructor({ page, set }) {
    Object.assign(this, { page, set, asked: 0, note: "" });
    byId("here").addEventListener("click", () => this.askBrowser());
    byId("pick").addEventListener("click", () => page.attempt(this.pick()));
    byId("query").addEventListener("input", () => this.offerDatum());
    this.listenSearch();
  }

  listenSearch() {
    const box = new SearchBox({
      form: byId("search"),
      field: byId("query"),
      list: byId("results"),
      find: findItems,
      sure: findSure,
      take: (query) => this.take(query),
      attempt: (task) => this.page.attempt(task),
    });
    const enter = () => this.page.attempt(box.enter());
    byId("find").addEventListener("click", enter);
    byId("query").addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // it searches, and does not send the report
      enter();
    });
  }

  // The datum matters only to who types a position.
  offerDatum() {
    const { kind, datum } = readQuery(byId("query").value);
    byId("datum").hidden = kind !== "place" || Boolean(datum);
  }

  take({ kind, item, lon, lat, datum, name, code }) {
    if (kind === "item" && item.wide) return this.pick(item.place, item.title);
    if (kind === "item") return this.put({ ...item.place, datum: "wgs84", address: item.title });
    if (kind === "place") return this.put({ lon, lat, datum: datum ?? byId("datum").value, address: "" });
    if (kind !== "nothing") byId("place").textContent = word(NO_PLACE.includes(kind) ? kind : "no_name", name ?? code);
  }

  askBrowser() {
    if (!window.isSecureContext || !navigator.geolocation) return this.tell(word("here_insecure"));
    this.tell(word("locating"));
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => this.page.attempt(this.putHere(coords)),
      () => this.tell(word("here_denied")),
      PATIENCE,
    );
  }

  // What browsers give is WGS-84, whatever map the phone shows.
  putHere({ longitude, latitude, accuracy }) {
    const note = accuracy > ROUGH ? word("here_rough", Math.round(accuracy)) : "";
    return this.put({ lon: Number(longitude.toFixed(7)), lat: Number(latitude.toFixed(7)), datum: "wgs84", address: "" }, note);
  }

  pick(at = this.place, address = "") {
    const take = (place) => this.page.attempt(this.put({ ...place, address }));
    return showPicker(byId("picker"), { at: at?.lon === undefined ? null : at, take, attempt: (task) => this.page.attempt(task) });
  }

  async put(place, note = "") {
    this.set(place);
    await this.show(place, note);
  }

  /** Show a place, and which grid it lies in once the service has said so. */
  async show(place, note = "") {
    this.place = place;
    byId("picker").hidden = true;
    const asked = ++this.asked;
    if (!place) return this.tell(word("place_none"));
    this.tell(`${word("place_said")} · ${this.name(place)}`);
    const answer = await askOwner({ lon: place.lon, lat: place.lat, datum: place.datum });
    if (asked !== this.asked) return;
    const found = answer.grid_code ? word("place_in", fullName(answer)) : word("place_outside");
    this.tell([found, this.name(place), note].filter(Boolean).join(" · "));
    byId("place").dataset.grid = answer.grid_code ?? "";
  }

  name(place) {
    return place.address || `${tellPlace(place)} ${DATUM_NAMES[place.datum]}`;
  }

  tell(text) {
    delete byId("place").dataset.grid;
    byId("place").textContent = text;
  }
}
