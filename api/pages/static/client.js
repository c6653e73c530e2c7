// What a page asks of the service. Places travel in bodies: addresses end up in logs.

const ROOT = new URL("../", import.meta.url);
const JSON_BODY = { "Content-Type": "application/json" };
let day = new URLSearchParams(location.search).get("at");
let key = "";

/** An answer that is a problem (RFC 9457); `code` is stable. */
export class Problem extends Error {
  constructor(problem) {
    super(problem.detail);
    this.code = problem.code;
    this.successors = problem.successors;
  }
}

/** Ask as whoever holds this key from now on; without one as the public. */
export function useKey(text) {
  key = text;
}

/** Ask for a plan by its name from now on: for the first day on which it was in force. */
export async function usePlan(name) {
  const plan = (await ask("plans")).find((row) => row.name === name);
  if (!plan) throw new Problem({ code: "unknown-plan", detail: name });
  day = plan.valid_from;
}

async function ask(path, parameters = {}, options = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries({ ...parameters, at: day }))
    if (value) url.searchParams.set(name, value);
  const headers = { ...(key && { Authorization: `Bearer ${key}` }), ...options.headers };
  const { ok, answer } = await fetchJson(url, { ...options, headers });
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

const post = (path, body) => ask(path, {}, { method: "POST", headers: JSON_BODY, body: JSON.stringify(body) });

/** Ask for the plan in force, as whoever holds another key than the one in use. */
export const askPlan = (other) => ask("plans/in-force", {}, other && { headers: { Authorization: `Bearer ${other}` } });
export const askGrids = () => ask("grids");
export const askGrid = (code) => ask(`grids/${encodeURIComponent(code)}`);
export const askStaff = (code) => ask(`internal/grids/${encodeURIComponent(code)}`);
export const askLayer = (layer, bbox) => ask(`layers/${layer}`, { bbox });
export const askOwner = (place) => post("locate", place);
export const askFound = (text, limit) => post("search", { q: text, limit });

/** Ask for the owners of many places ([lon, lat], in one datum) at once. */
export async function askOwners(points, datum) {
  if (!points.length) return [];
  const body = JSON.stringify({ points });
  const { answers } = await ask("locate", { datum }, { method: "POST", headers: JSON_BODY, body });
  return answers;
}
