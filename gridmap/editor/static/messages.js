// What the map says on top of itself: the tip beside the mouse, toasts, the what-if bar and help.

import { make, makeButton, nameButton, write } from "./elements.js";

const TOAST_FOR = 6000; // milliseconds

export class Messages {
  constructor(parent, word) {
    this.word = word;
    this.tip = make("div", "gm-tip");
    this.toast = make("div", "gm-toast");
    this.toast.setAttribute("role", "status");
    this.toast.setAttribute("aria-live", "polite");
    this.bar = make("div", "gm-bar");
    this.bar.setAttribute("role", "dialog");
    this.help = make("div", "gm-help");
    for (const part of [this.tip, this.toast, this.bar, this.help]) part.hidden = true;
    parent.append(this.tip, this.toast, this.bar, this.help);
    this.parent = parent;
  }

  showTip(text, [x, y]) {
    write(this.tip, text);
    this.tip.hidden = !text;
    if (!text) return;
    const { clientWidth: wide, clientHeight: high } = this.parent;
    const left = Math.min(x + 16, wide - this.tip.offsetWidth - 6);
    const top = y + 18 + this.tip.offsetHeight > high ? y - this.tip.offsetHeight - 12 : y + 18;
    this.tip.style.transform = `translate(${Math.max(4, left)}px, ${top}px)`;
  }

  hideTip() {
    this.tip.hidden = true;
  }

  /** Show a message for a while; a warning is red. */
  say(text, warning = false) {
    clearTimeout(this.timer);
    write(this.toast, text);
    this.toast.classList.toggle("gm-warning", warning);
    this.toast.hidden = !text;
    if (text) this.timer = setTimeout(() => (this.toast.hidden = true), TOAST_FOR);
  }

  /** Ask about a proposal; `parts` are texts, every second one bold. */
  ask(parts, { confirm, cancel, asNew }) {
    const text = make("p");
    parts.forEach((part, i) => text.append(i % 2 ? make("b", "", part) : part));
    const buttons = make("div", "gm-buttons");
    for (const [key, act, className] of [["confirm", confirm, "gm-primary"], ["cancel", cancel, ""], ["as_new", asNew, ""]])
      if (act) {
        const button = makeButton(className, act);
        nameButton(button, this.word(key));
        buttons.append(button);
      }
    this.bar.setAttribute("aria-label", parts.join(""));
    this.bar.replaceChildren(text, buttons);
    this.bar.hidden = false;
    this.toast.hidden = true;
  }

  closeBar() {
    this.bar.hidden = true;
  }

  toggleHelp(shown = this.help.hidden) {
    this.help.hidden = !shown;
    if (!shown) return;
    const close = makeButton("gm-close", () => this.toggleHelp(false));
    nameButton(close, this.word("close"), "×");
    const list = make("dl");
    for (const [keys, text] of this.word("help_rows")) list.append(make("dt", "", keys), make("dd", "", text));
    this.help.replaceChildren(close, make("h2", "", this.word("help_title")), list);
    close.focus({ preventScroll: true });
  }
}
