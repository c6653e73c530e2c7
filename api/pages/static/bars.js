// Bars that are buttons: how many, split by clock; pressed while they filter.

import { make, makeButton } from "./elements.js";
import { word } from "./words.js";

const SPLIT = ["overdue", "soon", "fine", "paused"];

/** Fill a group with bars ([value, name, counts]); the buttons stay, so that the focus does. */
export function showBars(group, bars, { chosen, press }) {
  const longest = Math.max(1, ...bars.map(([, , counts]) => counts.all));
  const buttons = new Map([...group.children].map((button) => [button.dataset.value, button]));
  group.replaceChildren(...bars.map((bar) => fillBar(buttons.get(bar[0]) ?? makeBar(bar[0], press), bar, longest, chosen)));
}

function makeBar(value, press) {
  const button = makeButton("bar", "", () => press(value));
  button.dataset.value = value;
  const track = make("span", "track");
  track.append(...SPLIT.map((clock) => make("span", clock)));
  button.append(make("span", "name"), track, make("span", "count"), make("span", "over"));
  return button;
}

function fillBar(button, [value, name, counts], longest, chosen) {
  const [label, track, count, over] = button.children;
  button.setAttribute("aria-pressed", String(chosen.has(value)));
  button.setAttribute("aria-label", word("bar_label", name, counts.all, counts.overdue, counts.soon));
  label.textContent = name;
  SPLIT.forEach((clock, at) => (track.children[at].style.width = `${(100 * counts[clock]) / longest}%`));
  count.textContent = counts.all;
  over.textContent = counts.overdue ? word("over_short", counts.overdue) : "";
  return button;
}
