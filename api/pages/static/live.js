// The cases of the screen as they happen: one snapshot, then changes; and how old what is shown is.

import { ask } from "./client.js";
import { follow } from "./stream.js";

const STALE = 40_000; // two signs of life and a little more

/** Follow the casebook. `changed(anew)` is called when the table is other than before. */
export class Live {
  constructor({ table, changed, failed }) {
    Object.assign(this, { table, changed, failed, heard: 0, of: null, lag: 0 });
  }

  /** Load a snapshot and follow what comes after it. */
  async start() {
    this.stop();
    const control = (this.control = new AbortController());
    await this.load();
    const tell = (event) => this.hear(event);
    follow("internal/cases/stream", { tell, broken: (error) => this.failed(error), signal: control.signal, from: String(this.told.version) });
  }

  stop() {
    this.control?.abort();
  }

  async load() {
    this.told = await ask("internal/screen", { urgent: "0" });
    this.ahead = this.told.soon * 3_600_000;
    this.lag = this.told.now - Date.now();
    this.table.load(this.told);
    this.listen(this.told.now);
    this.changed(true);
  }

  hear({ id, event, data }) {
    this.listen(Number(id) || this.now());
    if (event === "reset") return this.load().catch((error) => this.failed(error));
    if (!data) return;
    const change = JSON.parse(data);
    // What was told before, by the screen or by the stream, counts once.
    const before = this.table.rows.has(change.case_id);
    this.table.change(change);
    const after = this.table.rows.has(change.case_id);
    if (event === "opened" && !before && after) this.told.opened += 1;
    if (change.action === "accept" && before && !after) this.told.closed += 1;
    this.changed(false);
  }

  listen(of) {
    this.heard = Date.now();
    this.of = Math.max(this.of ?? 0, of);
  }

  /** The service's time: a screen's own clock may be wrong. */
  now() {
    return Date.now() + this.lag;
  }

  /** Return for how long nothing was heard, in milliseconds; 0 while the line is good. */
  silence() {
    const silent = Date.now() - this.heard;
    return this.heard && silent > STALE ? silent : 0;
  }
}
