// What a page without a view of its own needs: a language, a key, and a place for what failed.

import { Problem, knowsKey, useKey } from "./client.js";
import { byId, say } from "./elements.js";
import { otherLanguage, setLanguage, word } from "./words.js";

/** A page; `spoken(language)` is called whenever its words are to be written anew. */
export class Page {
  constructor({ spoken = () => {}, trouble = () => {} } = {}) {
    Object.assign(this, { spoken, trouble, tryKey: knowsKey, useKey });
    byId("language").addEventListener("click", () => this.speak(otherLanguage()));
  }

  /** Run what may fail, and say so when it does. */
  attempt(task) {
    return task.catch((error) => {
      if (!(error instanceof Problem)) throw error;
      say(tellProblem(error));
      this.trouble(error.code);
    });
  }

  speak(language) {
    setLanguage(language);
    const address = new URL(location.href);
    if (language === "zh") address.searchParams.delete("lang");
    else address.searchParams.set("lang", language);
    history.replaceState(null, "", address);
    this.spoken(language);
  }
}

/** Return what somebody reads about a problem: ours where we have a sentence, else the service's. */
export function tellProblem({ code, message }) {
  return word(`problem_${code}`) ?? (code === "no-answer" ? word("failed") : message);
}
