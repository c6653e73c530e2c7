// The receipt: how far a reporter's own case is, and what he may do with it.

import { makeRows } from "./card.js";
import { ask, write } from "./client.js";
import { copyText } from "./copy.js";
import { byId, make, makeButton } from "./elements.js";
import { makeOnce } from "./kept.js";
import { nameCategory, STAGES, tellMoment } from "./stages.js";
import { currentLanguage, word } from "./words.js";

/** Return the receipt in the page's address; it stands after #, which no server sees. */
export const readToken = () => new URLSearchParams(location.hash.slice(1)).get("receipt");

export function linkToReceipt(token) {
  const address = new URL(location.href);
  address.hash = `receipt=${encodeURIComponent(token)}`;
  return address.href;
}

/** Fetch and show the case of a receipt. */
export async function showReceipt(token, { categories, page, fresh }) {
  const told = await ask(`cases/receipt/${encodeURIComponent(token)}`);
  const again = () => page.attempt(showReceipt(token, { categories, page }));
  const act = async (action, note) => {
    await write(`cases/receipt/${encodeURIComponent(token)}/steps`, { action, note }, makeOnce());
    await showReceipt(token, { categories, page });
  };
  const step = (action, note = "") => page.attempt(act(action, note));
  const parts = [makeHead(told, fresh), makeFacts(told, categories), makeProgress(told), ...makeActions(told, step), makeLink(token, again)];
  byId("receipt").replaceChildren(...parts);
  byId("receipt").dataset.case = told.case_id;
  byId("receipt").hidden = false;
}

function makeHead({ case_id: id }, fresh) {
  return make("h2", fresh ? "done" : "", fresh ? `✓ ${word("receipt_title")} · ${word("case_number", id)}` : word("case_number", id));
}

function makeFacts(told, categories) {
  return makeRows([
    [word("category"), nameCategory(categories, told.category)],
    [word("responsible"), told.department],
    [word("reported"), tellMoment(told.reported_at)],
    ["", told.photos && word("photos_sent", told.photos)],
  ]);
}

/** List the stages: those that were reached with their time, the rest to come. */
function makeProgress(told) {
  const list = make("ol", "progress");
  list.setAttribute("aria-label", word("progress"));
  const reached = STAGES.indexOf(told.stage);
  STAGES.forEach((stage, at) => {
    const moment = stage === "found" ? (told.stages.found ?? told.reported_at) : told.stages[stage];
    const row = make("li", at <= reached ? "reached" : "", word(`stage_${stage}`));
    row.dataset.stage = stage;
    row.append(make("time", "", at <= reached && moment ? tellMoment(moment) : word("not_yet")));
    list.append(row);
  });
  if (told.standing === "open") list.append(make("li", "expected", word("expected", tellMoment(told.expected_at))));
  else list.append(make("li", "expected", word(`standing_${told.standing}`)));
  return list;
}

function makeActions({ actions }, step) {
  const made = {
    accept: () => [makeButton("main wide", word("do_accept"), () => step("accept"))],
    return: () => makeReturn(step),
    withdraw: () => [makeButton("wide", word("do_withdraw"), (button) => confirm(button, () => step("withdraw")))],
  };
  return actions.flatMap((action) => made[action]?.() ?? []);
}

function makeReturn(step) {
  const why = make("textarea");
  why.rows = 2;
  why.maxLength = 2000;
  why.placeholder = word("return_why");
  why.setAttribute("aria-label", word("return_why"));
  return [why, makeButton("wide", word("do_return"), () => (why.value.trim() ? step("return", why.value.trim()) : why.focus()))];
}

// What can't be undone is pressed twice.
function confirm(button, act) {
  if (button.dataset.sure) return act();
  button.dataset.sure = "1";
  button.textContent = word("sure_withdraw");
}

function makeLink(token, again) {
  const box = make("div", "link");
  const link = make("a", "", linkToReceipt(token));
  link.href = linkToReceipt(token);
  const buttons = make("div", "pair");
  buttons.append(
    makeButton("", word("copy_link"), (button) => copyText(button, link.href)),
    makeButton("", word("reload"), again),
  );
  const other = make("a", "button wide", word("again"));
  other.href = currentLanguage() === "en" ? "report?lang=en" : "report";
  other.id = "another";
  box.append(make("p", "small", word("receipt_keep")), link, buttons, other);
  return box;
}
