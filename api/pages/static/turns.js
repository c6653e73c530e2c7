// Many questions, a few at a time.

const AT_ONCE = 6;

/** Do something for each of many, a few at a time; the results are in order. */
export async function inTurns(items, act) {
  const results = new Array(items.length);
  let next = 0;
  const work = async () => {
    while (next < items.length) {
      const at = next++;
      results[at] = await act(items[at]);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}
