/**
 * The last words of a page that is going away. IndexedDB answers too late then; localStorage writes at
 * once. The next page takes the draft out and treats it as typed.
 */

export interface Draft {
  text: string;
  rev: number;
}

const key = (id: string) => `tinytorch-draft:${id}`;

export function note(id: string, text: string, rev: number): void {
  try {
    localStorage.setItem(key(id), JSON.stringify({ text, rev } satisfies Draft));
  } catch (error) {
    console.warn(`the last words of ${id} could not be noted:`, error); // storage refused; the page has said so
  }
}

export function take(id: string): Draft | null {
  try {
    const noted = localStorage.getItem(key(id));
    localStorage.removeItem(key(id));
    return noted ? (JSON.parse(noted) as Draft) : null;
  } catch (error) {
    console.warn(`no draft of ${id} could be read:`, error);
    return null;
  }
}
