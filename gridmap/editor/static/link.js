// The way to the kernel. Steps go one at a time, in order, and each is answered when it is on disk;
// until then it is also kept by the browser, so that neither side's crash loses one.

const PATIENCE = 4000; // milliseconds until a step that is not answered counts as not saved
const ASK_EVERY = 3000; // milliseconds between two questions whether the draft is still ours
const AGAIN = 5000; // milliseconds until a step that could not be written is tried again

export class Link {
  constructor(model, on) {
    this.model = model;
    this.on = on; // {city, state, status, refused}
    this.view = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
    this.queue = [];
    this.sent = false;
    this.receive = (message, buffers) => this.take(message, buffers);
    model.on("msg:custom", this.receive);
    this.send({ type: "ready" });
  }

  close() {
    clearTimeout(this.timer);
    this.model.off("msg:custom", this.receive);
  }

  send(message) {
    try {
      this.model.send({ ...message, view: this.view });
    } catch {
      this.tell("unsaved"); // the kernel is gone; what is in the queue stays in the browser
    }
  }

  take(message, buffers) {
    const mine = message.view === this.view;
    if (message.type === "city" && mine) this.on.city(message, buffers);
    if (message.type === "state" && (mine || message.view === null)) this.takeState(message, buffers);
    if (message.type === "saved") this.takeSaved(message, mine);
    if (message.type === "refused" && mine) this.takeRefused(message);
  }

  takeState(message, buffers) {
    this.draft = message.draft;
    this.revision = message.revision;
    this.taken = !message.held;
    const kept = this.taken ? [] : this.readKept();
    this.queue = [];
    this.sent = false;
    this.on.state(message, buffers, kept);
    this.on.taken(this.taken);
    this.tell(message.revision || this.queue.length ? "saved" : "untouched");
    this.pump();
  }

  takeSaved({ revision, made }, mine) {
    if (!mine) {
      this.send({ type: "state" }); // another page of this editor went on
      return;
    }
    clearTimeout(this.timer);
    this.revision = revision;
    this.made = made;
    this.queue.shift();
    this.sent = false;
    this.keep();
    if (this.queue.length) this.pump();
    else this.tell("saved");
  }

  takeRefused({ reason, words }) {
    clearTimeout(this.timer);
    this.sent = false;
    if (reason === "unsaved") {
      this.tell("unsaved");
      this.timer = setTimeout(() => this.pump(), AGAIN);
    } else {
      this.queue = [];
      this.keep();
      this.send({ type: "state" });
    }
    this.on.refused(reason, words);
  }

  /** Ask whether the draft was opened elsewhere, at most every few seconds. */
  askHeld() {
    if (this.taken || this.sent || Date.now() - (this.asked ?? 0) < ASK_EVERY) return;
    this.asked = Date.now();
    this.send({ type: "held" });
  }

  /** Take the draft back from whoever opened it since. */
  takeOver() {
    this.send({ type: "take" });
  }

  /** Send an entry after those before it. */
  record(entry) {
    this.queue.push(entry);
    this.keep();
    this.pump();
  }

  pump() {
    if (this.sent || !this.queue.length) return;
    this.sent = true;
    this.tell("saving");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tell("unsaved"), PATIENCE);
    this.send({ type: "entry", revision: this.revision + 1, entry: this.queue[0] });
  }

  tell(status) {
    this.on.status(this.taken ? "taken" : status, { made: this.made, count: this.queue.length });
  }

  // --- what the browser keeps ---------------------------------------------------------------------

  keep() {
    try {
      const kept = JSON.stringify({ revision: this.revision, entries: this.queue });
      if (this.queue.length) localStorage.setItem(`gridmap:${this.draft}`, kept);
      else localStorage.removeItem(`gridmap:${this.draft}`);
    } catch {
      // A page that may keep nothing still has the kernel's journal.
    }
  }

  /** Return the entries that the kernel never got. The first may have arrived without an answer. */
  readKept() {
    try {
      const kept = JSON.parse(localStorage.getItem(`gridmap:${this.draft}`));
      const arrived = this.revision - (kept?.revision ?? NaN);
      return arrived === 0 || arrived === 1 ? kept.entries.slice(arrived) : [];
    } catch {
      return [];
    }
  }
}
