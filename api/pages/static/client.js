// What the page asks of the service. Places travel in bodies: addresses end up in logs.

const ROOT = new URL("../", import.meta.url);
const AT = new URLSearchParams(location.search).get("at");

/** An answer that is a problem (RFC 9457); `code` is stable. */
export class Problem extends Error {
  constructor(problem) {
    super(problem.detail);
    this.code = problem.code;
    this.successors = problem.successors;
  }
}

async function ask(path, parameters = {}, options = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries({ ...parameters, at: AT }))
    if (value) url.searchParams.set(name, value);
  const { ok, answer } = await fetchJson(url, options);
  if (!ok) throw new Problem(answer);
  return answer;
}

// No network, or somebody on the way who answers in HTML: a problem too.
async function fetchJson(url, options) {
  try {
    const response = await fetch(url, options);
    return { ok: response.ok, answer: await response.json() };
  } catch (error) {
    throw new Problem({ code: "no-answer", detail: String(error) });
  }
}

export const askPlan = () => ask("plans/in-force");
export const askGrids = () => ask("grids");
export const askGrid = (code) => ask(`grids/${encodeURIComponent(code)}`);
export const askLayer = (layer, bbox) => ask(`layers/${layer}`, { bbox });

export function askOwner(place) {
  const headers = { "Content-Type": "application/json" };
  return ask("locate", {}, { method: "POST", headers, body: JSON.stringify(place) });
}
