// Making and finding elements. Everything is set as text; nothing is parsed as markup.

export const byId = (id) => document.getElementById(id);

export function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

/** Make a button; `act` gets it, to say on it what became of the click. */
export function makeButton(className, text, act) {
  const button = make("button", className, text);
  button.type = "button";
  button.addEventListener("click", () => act(button));
  return button;
}

/** Say a sentence in the page's place for messages; nothing hides it. */
export function say(text) {
  byId("message").textContent = text;
  byId("message").hidden = !text;
}
