// The last look-ups. They are places of citizens: kept in the page's memory only, and on disk only
// while whoever sits here has ticked so.

import { make, makeButton } from "./elements.js";

const MOST = 10;
const KEY = "gridmap-lookups";

export class Recent {
  /** `open(entry)` shows one again; an entry is {text, title, code?, given?}. */
  constructor({ list, empty, keep, clear, open }) {
    Object.assign(this, { list, empty, keep, open });
    const kept = localStorage.getItem(KEY);
    this.entries = kept ? JSON.parse(kept) : [];
    keep.checked = kept !== null;
    keep.addEventListener("change", () => this.store());
    clear.addEventListener("click", () => {
      this.entries = [];
      this.store();
    });
    this.store();
  }

  add(entry) {
    const others = this.entries.filter(({ text, title }) => text !== entry.text || title !== entry.title);
    this.entries = [entry, ...others].slice(0, MOST);
    this.store();
  }

  store() {
    if (this.keep.checked) localStorage.setItem(KEY, JSON.stringify(this.entries));
    else localStorage.removeItem(KEY);
    this.list.replaceChildren(...this.entries.map((entry) => this.makeRow(entry)));
    this.empty.hidden = this.entries.length > 0;
  }

  makeRow(entry) {
    const row = make("li");
    const button = makeButton("", "", () => this.open(entry));
    button.append(make("strong", "", entry.title), make("small", "", entry.text));
    row.append(button);
    return row;
  }
}
