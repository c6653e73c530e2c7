// Rotation for a screen that nobody sits at: the whole city, then one urgent case after another.

const EACH = 12_000;
const REST = 60_000; // after somebody touched it
const MOST = 6;

export class Kiosk {
  /** `list()` gives the urgent cases; `show(row)` shows one, null the whole city. */
  constructor({ button, list, show }) {
    Object.assign(this, { button, list, show, at: 0, touched: 0 });
    button.addEventListener("click", () => this.turn(!this.on));
    for (const name of ["pointerdown", "keydown", "wheel"])
      document.addEventListener(name, (event) => event.isTrusted && (this.touched = Date.now()), { passive: true });
    this.turn(new URLSearchParams(location.search).has("kiosk"));
  }

  turn(on) {
    this.on = on;
    this.touched = 0;
    this.button.setAttribute("aria-pressed", String(on));
    const address = new URL(location.href);
    if (on) address.searchParams.set("kiosk", "1");
    else address.searchParams.delete("kiosk");
    history.replaceState(null, "", address);
    clearInterval(this.timer);
    if (on) this.timer = setInterval(() => this.next(), EACH);
  }

  next() {
    if (Date.now() - this.touched < REST) return;
    const rows = this.list().slice(0, MOST);
    this.at = (this.at + 1) % (rows.length + 1);
    this.show(this.at ? rows[this.at - 1] : null);
  }
}
