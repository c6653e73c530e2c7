// What the colours and lines of the map mean.

import { byId, make } from "./elements.js";
import { COLOURS, classLimits } from "./look.js";
import { word } from "./words.js";

const MOST_KINDS = 12;

/** Write the legend of a way of colouring. */
export function showLegend(name, plan, { colours }) {
  byId("legend_title").textContent = word(name === "balance" ? "legend" : `legend_${name}`, plan.target);
  const rows = name === "balance" ? classRows(plan) : Object.entries(colours).map(([kind, colour]) => [colour, kind]);
  const listed = name !== "none" && rows.length <= MOST_KINDS ? rows : [];
  const lines = ["community", "rail", "water"].map((line) => makeKey(`line ${line}`, word(`line_${line}`)));
  byId("classes").replaceChildren(...listed.map(([colour, text]) => makeKey("area", text, colour)), ...lines);
}

function classRows(plan) {
  const { farLow, low, high, farHigh } = classLimits(plan);
  const rows = [
    [COLOURS.far_above, word("class_above", farHigh)],
    [COLOURS.above, word("class_range", high + 1, farHigh)],
    [COLOURS.band, word("class_range", low, high)],
    [COLOURS.below, word("class_range", farLow, low - 1)],
    [COLOURS.far_below, word("class_far_below", farLow)],
  ];
  if (plan.hidden_grids) rows.push([COLOURS.hidden, word("class_hidden")]);
  return rows;
}

function makeKey(className, text, colour) {
  const row = make("li");
  const sample = make("span", className);
  if (colour) sample.style.background = colour;
  row.append(sample, text);
  return row;
}
