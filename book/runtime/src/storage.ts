/** What the page says of its storage above the reader's work: that nothing can be kept, or that what was kept is gone. */

import type { Page } from "./cell";
import { announce, button, h, warnAbove } from "./dom";
import { forgetKept, gone } from "./kept";
import type { Store } from "./store";

export function tellRefused(store: Store, before: Element): void {
  warnAbove(before, `This browser does not let the site keep anything (${store.reason}). You can work, but your code is gone when you close the page: download a backup on the progress page, or copy it.`);
}

/** Asks for a backup where the browser has emptied the database, on every page until it is restored or given up. */
export async function tellGone({ store, session }: Pick<Page, "store" | "session">, before: Element): Promise<void> {
  const day = gone(await store.isEmpty().catch(() => false)); // what cannot be read is told by each card
  if (!day) return;
  const until = new Date(day).toLocaleDateString("en-GB", { dateStyle: "long" });
  const words = h("p", {}, `This browser has removed what it kept for this site: your work up to ${until} is not here any more. A backup brings it back.`);
  const tell = (told: string) => announce((words.textContent = told));
  const file = h("input", { type: "file", hidden: true, accept: ".json,application/json", "aria-label": "Backup to restore" });
  file.addEventListener("change", async () => {
    const { restoreFile } = await import("./backup");
    tell(await restoreFile(store, session, file));
    if (!(await store.isEmpty())) choices.remove();
  });
  const without = () => {
    forgetKept();
    choices.remove();
    tell("You begin anew. A backup that turns up later can be restored on the progress page.");
  };
  const choices = h("p", { class: "tt-choices" }, button("Restore a backup", () => file.click(), "tt-button--primary"), button("Go on without", without), file);
  before.before(h("div", { class: "tt-note tt-note--storage", "data-role": "gone" }, words, choices));
  announce(words.textContent!);
}
