// Talking with the page that frames this one, by postMessage, with that page's origin only.
//
// Out: {source: "gridmap", v: 1, type: "ready" | "select" | "hover" | "miss" | "state" | "error", …}
// In:  {target: "gridmap", type: "focus" | "locate" | "highlight" | "color" | "state", …}

const VERSION = 1;

/** Return an origin as browsers write it, or null for what is none. */
export function readOrigin(text) {
  try {
    const { origin, protocol } = new URL(text);
    return /^https?:$/.test(protocol) ? origin : null;
  } catch {
    return null;
  }
}

export class Frame {
  /** `commands` is {type: function of the message}; what comes from anywhere else is not looked at. */
  constructor(parent, commands) {
    this.origin = window.parent === window ? null : readOrigin(parent);
    this.commands = commands;
    this.waiting = []; // what is asked before the map is there
    if (this.origin) addEventListener("message", (event) => this.receive(event));
  }

  /** Say that the map is there, and do what was asked meanwhile. */
  open(content) {
    this.send("ready", content);
    const asked = this.waiting;
    this.waiting = null;
    for (const data of asked) this.obey(data);
  }

  send(type, content = {}) {
    if (this.origin) window.parent.postMessage({ source: "gridmap", v: VERSION, type, ...content }, this.origin);
  }

  receive({ origin, source, data }) {
    if (origin !== this.origin || source !== window.parent) return;
    if (data?.target !== "gridmap") return;
    if (this.waiting) this.waiting.push(data);
    else this.obey(data);
  }

  obey(data) {
    if (Object.hasOwn(this.commands, data.type)) this.commands[data.type](data);
    else this.send("error", { code: "unknown-type", type_asked: String(data.type) });
  }
}
