// Copying text. Over plain http, which offices use, and in frames that may not, browsers have no
// clipboard for us: then the text is shown, selected, so that Ctrl+C takes it.

import { make } from "./elements.js";
import { word } from "./words.js";

const SHOWN_FOR = 1600;

/** Copy a text and say so on the button; where the browser refuses, show the text selected. */
export async function copyText(button, text) {
  if ((await writeClipboard(text)) || writeSelected(button, text)) flash(button);
}

async function writeClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // no clipboard here, or not allowed
  }
}

function writeSelected(button, text) {
  const group = button.parentElement;
  const field = group.querySelector(".copied_text") ?? group.appendChild(make("textarea", "copied_text"));
  field.readOnly = true;
  field.rows = 2;
  field.value = text;
  field.setAttribute("aria-label", word("copied_text"));
  field.select();
  const copied = document.execCommand("copy");
  if (!copied) return false;
  field.remove();
  button.focus();
  return true;
}

/** Say on a button for a moment that the text is copied. */
export function flash(button) {
  if (button.classList.contains("copied")) return;
  const shown = [...button.childNodes];
  button.classList.add("copied");
  button.replaceChildren(word("copied"));
  setTimeout(() => {
    button.replaceChildren(...shown);
    button.classList.remove("copied");
  }, SHOWN_FOR);
}
