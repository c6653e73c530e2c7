// A search box with a list below it: `/` goes there, ↑ ↓ choose, Enter takes, Esc closes.

import { make } from "./elements.js";
import { readQuery } from "./search.js";

const PAUSE = 180; // ms without typing, after which words are looked up

/**
 * The box. `find(text)` returns a promise of items ({title, detail, warning, …}); `take` is told of a query
 * that needs no list ({kind, …}) or of an item that was chosen ({kind: "item", item}); `attempt`
 * runs what may fail; `sure(items)` returns the item to take at once on Enter, if any.
 */
export class SearchBox {
  constructor({ form, field, list, find, take, attempt, sure }) {
    Object.assign(this, { field, list, find, take, attempt, sure, items: [], at: -1, asked: 0 });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.attempt(this.enter());
    });
    field.addEventListener("input", () => this.wait());
    field.addEventListener("keydown", (event) => this.press(event));
    field.addEventListener("blur", () => this.show([]));
    document.addEventListener("keydown", (event) => this.summon(event));
  }

  async enter() {
    if (this.at >= 0) return this.choose(this.items[this.at]);
    this.show([]);
    const asked = ++this.asked;
    const query = readQuery(this.field.value);
    if (query.kind !== "name") return this.take(query);
    const items = await this.find(query.name);
    if (asked !== this.asked) return; // somebody typed on
    const sure = this.sure(items);
    if (sure) return this.choose(sure);
    if (!items.length) return this.take({ kind: "unknown", name: query.name });
    this.show(items, items[0].warning ? -1 : 0); // a second Enter takes nothing that must be checked
  }

  /** Look words up once typing pauses. */
  wait() {
    clearTimeout(this.timer);
    const asked = ++this.asked;
    this.show([]);
    const query = readQuery(this.field.value);
    if (query.kind !== "name") return;
    this.timer = setTimeout(() => this.attempt(this.suggest(query.name, asked)), PAUSE);
  }

  async suggest(text, asked) {
    const items = await this.find(text);
    if (asked === this.asked && document.activeElement === this.field) this.show(items);
  }

  choose(item) {
    ++this.asked;
    clearTimeout(this.timer);
    this.show([]);
    return this.take({ kind: "item", item });
  }

  press(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.items.length) {
      event.preventDefault();
      this.mark((this.at + step + this.items.length + (this.at < 0 && step < 0)) % this.items.length);
    } else if (event.key === "Escape" && this.items.length) {
      event.stopPropagation();
      this.show([]);
    }
  }

  summon(event) {
    if (event.key !== "/" || event.ctrlKey || /INPUT|SELECT|TEXTAREA/.test(event.target.tagName)) return;
    event.preventDefault();
    this.field.focus();
    this.field.select();
  }

  /** Show items, one of them marked; none closes the list. */
  show(items, at = -1) {
    this.items = items;
    this.list.replaceChildren(...items.map((item, number) => this.makeRow(item, number)));
    this.list.hidden = !items.length;
    this.field.setAttribute("aria-expanded", String(items.length > 0));
    this.mark(at);
  }

  mark(at) {
    this.at = at;
    [...this.list.children].forEach((row, number) => row.setAttribute("aria-selected", String(number === at)));
    const row = this.list.children[at];
    if (row) this.field.setAttribute("aria-activedescendant", row.id);
    else this.field.removeAttribute("aria-activedescendant");
    row?.scrollIntoView({ block: "nearest" });
  }

  makeRow(item, number) {
    const row = make("li", "", item.title);
    row.id = `${this.list.id}_${number}`;
    row.setAttribute("role", "option");
    row.append(make("small", "", item.detail));
    if (item.warning) row.append(make("small", "warning", item.warning));
    row.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
    row.addEventListener("click", () => this.attempt(this.choose(item)));
    return row;
  }
}
