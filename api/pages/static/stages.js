// Stages and clocks of a case, and how they are told.

import { make } from "./elements.js";
import { currentLanguage, word } from "./words.js";

export const STAGES = ["found", "inspected", "resolved", "answered", "accepted"];
/** Stage -> what is to be done next. */
export const DUTIES = { found: "inspect", inspected: "resolve", resolved: "answer", answered: "accept" };
export const CLOCKS = ["overdue", "soon", "fine", "paused"];
/** Told apart by shape as well as by colour. */
export const SHAPES = { overdue: "▲", soon: "◆", fine: "●", paused: "■" };
const HOUR = 3_600_000;

/** Return the state of a clock: `due` in milliseconds, null where it stands; soon within `ahead`. */
export function clockOf(due, now, ahead) {
  if (due === null) return "paused";
  if (due < now) return "overdue";
  return due < now + ahead ? "soon" : "fine";
}

/** Return the share of its time that a duty has left; negative when it is over. */
export const shareLeft = (due, now, hours) => (due - now) / (Math.max(hours, 0.01) * HOUR);

/** Return the hours that each stage of a category has for the duty that follows it. */
export const hoursOf = ({ hours }) => Object.fromEntries(Object.entries(DUTIES).map(([stage, duty]) => [stage, hours[duty]]));

export function tellSpan(milliseconds) {
  const minutes = Math.floor(Math.abs(milliseconds) / 60_000);
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
  if (days) return word("span_days", days, hours);
  return hours ? word("span_hours", hours, minutes % 60) : word("span_minutes", minutes);
}

export function tellLeft(due, now) {
  if (due === null) return word("clock_paused");
  return word(due < now ? "over_by" : "left", tellSpan(due - now));
}

export function tellMoment(moment) {
  const options = { month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false };
  return new Date(moment).toLocaleString(currentLanguage() === "zh" ? "zh-CN" : "en-GB", options);
}

/** Make the mark of a clock: its shape, its colour, and its name for who does not see it. */
export function makeMark(clock) {
  const mark = make("span", `clock ${clock}`, SHAPES[clock]);
  mark.setAttribute("role", "img");
  mark.setAttribute("aria-label", word(`clock_${clock}`));
  return mark;
}

/** Return what a category is called in the current language. */
export function nameCategory(categories, name) {
  const found = currentLanguage() === "en" && categories.find((category) => category.name === name);
  return (found && found.english) || name;
}
