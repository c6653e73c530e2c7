// What is kept in this browser across reloads, photos too. Where a browser keeps nothing (a private
// window), it is kept in memory, and `isKept` says so.

const NAME = "gridmap";
const STORE = "kept";
const memory = new Map();
let kept = true;

const finish = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

function open() {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return finish(request);
}

async function run(mode, act, instead) {
  try {
    const base = await open();
    const result = await finish(act(base.transaction(STORE, mode).objectStore(STORE)));
    base.close();
    return result;
  } catch {
    kept = false;
    return instead();
  }
}

export const isKept = () => kept;
export const keep = (key, value) => run("readwrite", (store) => store.put(value, key), () => void memory.set(key, value));
export const recall = (key) => run("readonly", (store) => store.get(key), () => memory.get(key));
export const drop = (key) => run("readwrite", (store) => store.delete(key), () => void memory.delete(key));

/** Return all values whose keys begin with a prefix, in the order of their keys. */
export function recallAll(prefix) {
  const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
  const held = () => [...memory].filter(([key]) => key.startsWith(prefix)).sort().map(([, value]) => value);
  return run("readonly", (store) => store.getAll(range), held);
}

/** Return a new key by which a repeated request does nothing more; over plain http too. */
export function makeOnce() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
