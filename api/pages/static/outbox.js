// Steps on their way: kept in this browser until the service has them, sent in order, each once.
// A step can be taken back while it waits. One that somebody else's overtook stays until the worker
// has seen that, and says what is to become of it.

import { ask, Problem, write } from "./client.js";
import { drop, keep, makeOnce, recallAll } from "./kept.js";

const PREFIX = "step:";
const HOLD = 5000; // in which a step can be taken back
const AGAIN = 10_000; // until the line is tried again
const LATE = 60_000; // from which on the service is told when it was done

export class Outbox {
  /** `told(entry, answer)` is called when a step has arrived; `changed()` whenever anything is new. */
  constructor({ told, changed }) {
    Object.assign(this, { told, changed, entries: [], sending: false, lost: false, lag: 0 });
    addEventListener("online", () => this.flush());
  }

  async load() {
    this.entries = await recallAll(PREFIX);
    this.flush();
  }

  /** Take a step ({case_id, version, worker_id, action, note?, departments?, photo?}). */
  async add(step, hold = HOLD) {
    const at = Date.now();
    const entry = { ...step, key: `${PREFIX}${String(at).padStart(15, "0")}${makeOnce().slice(0, 4)}`, once: makeOnce(), at, from: at + hold };
    this.entries.push(entry);
    this.changed();
    await keep(entry.key, entry);
    setTimeout(() => this.flush(), hold);
    return entry;
  }

  async remove(entry) {
    this.entries = this.entries.filter((other) => other !== entry);
    this.changed();
    await drop(entry.key);
  }

  /** Send a step that was overtaken again, on top of what is there now. */
  async repeat(entry) {
    Object.assign(entry, { version: entry.conflict.version, once: makeOnce(), conflict: null, theirs: "", done: {}, from: 0 });
    this.changed();
    await keep(entry.key, entry);
    await this.flush();
  }

  /** Forget everything: somebody else may use this phone. */
  async clear() {
    for (const entry of [...this.entries]) await this.remove(entry);
  }

  of(id) {
    return this.entries.filter((entry) => entry.case_id === id);
  }

  waiting() {
    return this.entries.filter((entry) => !entry.conflict && !entry.refused);
  }

  async flush() {
    clearTimeout(this.timer);
    if (this.sending) return;
    this.sending = true;
    try {
      for (let entry = this.next(); entry; entry = this.next()) await this.send(entry);
      this.lost = false;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.lost = problem.code === "no-answer";
      this.timer = setTimeout(() => this.flush(), AGAIN);
    } finally {
      this.sending = false;
      this.changed();
    }
    const [first] = this.waiting();
    if (first && !this.lost) this.timer = setTimeout(() => this.flush(), Math.max(200, first.from - Date.now()));
  }

  // The steps of one case keep their order: behind one that is stuck none is sent.
  next() {
    const stuck = new Set();
    for (const entry of this.entries) {
      if (!stuck.has(entry.case_id) && !entry.conflict && !entry.refused && entry.from <= Date.now()) return entry;
      stuck.add(entry.case_id);
    }
  }

  async send(entry) {
    try {
      const answer = entry.photo ? await sendPhoto(entry) : await sendStep(entry, this.lag);
      this.advance(entry, answer);
      await this.remove(entry);
      this.told(entry, answer);
    } catch (problem) {
      if (!(problem instanceof Problem) || isPassing(problem)) throw problem;
      if (problem.code === "conflict" && problem.current) entry.conflict = problem.current;
      else entry.refused = problem.message;
      await keep(entry.key, entry);
    }
  }

  // What the same worker did next rests on what he did now, and not on what somebody else did.
  advance(entry, { version, updated_at: updated }) {
    if (version !== entry.version + 1) return;
    for (const other of this.of(entry.case_id)) {
      if (other === entry || other.version !== entry.version) continue;
      Object.assign(other, { version, at: Math.max(other.at, Date.parse(updated) - this.lag) });
      keep(other.key, other);
    }
  }
}

// No line, a service that is busy, or a key that is to be entered again: later it may be taken.
const isPassing = ({ code }) => ["no-answer", "bad-key", "key-needed", "busy", "timed-out", "too-many-requests", "locked-out"].includes(code);

// A phone's clock may be wrong by `lag`: what is sent at once is dated by the service. The date is
// kept with the step, so that a repetition is the same request.
async function sendStep(entry, lag) {
  const { case_id: id, version, worker_id, action, note = "", departments = [], at, once } = entry;
  entry.done ??= Date.now() - at > LATE ? { at: new Date(at + lag).toISOString() } : {};
  await keep(entry.key, entry);
  return write(`internal/cases/${id}/steps`, { action, version, role: "worker", worker_id, note, departments, ...entry.done }, once);
}

async function sendPhoto({ case_id: id, photo, once }) {
  await write(`cases/${id}/photos`, photo, once);
  return (await ask(`internal/cases/${id}`)).case;
}
