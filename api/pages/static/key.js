// A key: asked for in a dialog, kept for this tab until it is closed, sent as a header.

import { byId } from "./elements.js";

const KEY = "gridmap-key";

/** Manage the key of a view; `told` is called when there is another or none. */
export class KeyHolder {
  constructor(view, told) {
    Object.assign(this, { view, told, dialog: byId("key_dialog") });
    byId("key").addEventListener("click", () => this.dialog.showModal());
    byId("key_form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.view.attempt(this.take(byId("key_text").value.trim()));
    });
    byId("key_forget").addEventListener("click", () => this.drop());
    byId("key_close").addEventListener("click", () => this.dialog.close());
    this.use(sessionStorage.getItem(KEY) ?? "");
  }

  /** Take a key if the service knows it. */
  async take(text) {
    const good = await this.view.tryKey(text);
    byId("key_wrong").hidden = good;
    if (!good) return;
    sessionStorage.setItem(KEY, text);
    this.use(text);
    this.dialog.close();
    this.told();
  }

  /** Forget the key; what only its holder may see goes from the page. */
  drop() {
    sessionStorage.removeItem(KEY);
    this.use("");
    this.dialog.close();
    this.told();
  }

  use(text) {
    this.held = Boolean(text);
    this.view.useKey(text);
    byId("key_text").value = "";
    byId("key").setAttribute("aria-pressed", String(Boolean(text)));
    byId("key_forget").hidden = !text;
  }
}
