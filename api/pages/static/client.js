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
    this.current = problem.current;
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

/** Ask for JSON; what is undefined or empty is not asked. */
export async function ask(path, parameters = {}, options = {}) {
  const url = addressOf(path, { ...parameters, at: day });
  const { ok, answer } = await fetchJson(url, { ...options, headers: headersOf(options) });
  if (!ok) throw new Problem(answer);
  return answer;
}

/** Ask for what is no JSON, a photo or a stream; return the response. */
export async function askResponse(path, options = {}) {
  const response = await reach(addressOf(path, {}), { ...options, headers: headersOf(options) });
  if (!response.ok) throw new Problem(await response.json());
  return response;
}

/** Write something; `once` is the key by which a repetition does nothing more. */
export function write(path, body, once = "", more = {}) {
  const kind = body instanceof Blob ? { "Content-Type": body.type } : JSON_BODY;
  const headers = { ...kind, ...(once && { "Idempotency-Key": once }), ...more };
  return ask(path, {}, { method: "POST", headers, body: body instanceof Blob ? body : JSON.stringify(body) });
}

function addressOf(path, parameters) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(parameters)) if (value) url.searchParams.set(name, value);
  return url;
}

const headersOf = ({ headers }) => ({ ...(key && { Authorization: `Bearer ${key}` }), ...headers });

async function reach(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    throw new Problem({ code: "no-answer", detail: String(error) });
  }
}

// No network, or somebody on the way who answers in HTML: a problem too.
async function fetchJson(url, options) {
  const response = await reach(url, options);
  try {
    return { ok: response.ok, answer: await response.json() };
  } catch (error) {
    throw new Problem({ code: "no-answer", detail: String(error) });
  }
}


/** Ask for the plan in force, as whoever holds another key than the one in use. */
export const askPlan = (other) => ask("plans/in-force", {}, other && { headers: { Authorization: `Bearer ${other}` } });
/** Tell whether the service knows a key; the one in use stays. */
export async function knowsKey(other) {
  try {
    await askPlan(other);
    return true;
  } catch (problem) {
    if (problem.code !== "bad-key") throw problem;
    return false;
  }
}

export const askGrids = () => ask("grids");
export const askGrid = (code) => ask(`grids/${encodeURIComponent(code)}`);
export const askStaff = (code) => ask(`internal/grids/${encodeURIComponent(code)}`);
export const askLayer = (layer, bbox) => ask(`layers/${layer}`, { bbox });
export const askOwner = (place) => write("locate", place);
export const askFound = (text, limit) => write("search", { q: text, limit });

/** Ask for the owners of many places ([lon, lat], in one datum) at once. */
export async function askOwners(points, datum) {
  if (!points.length) return [];
  const body = JSON.stringify({ points });
  const { answers } = await ask("locate", { datum }, { method: "POST", headers: JSON_BODY, body });
  return answers;
}
