/** A few words in localStorage, which writes at once; where it is refused, or full, the page does without. */

export function remember(key: string, value: object): void {
  attempt(key, () => localStorage.setItem(key, JSON.stringify(value)));
}

export function recall<T>(key: string): T | null {
  return attempt(key, () => JSON.parse(localStorage.getItem(key) ?? "null") as T | null) ?? null;
}

export function forget(key: string): void {
  attempt(key, () => localStorage.removeItem(key));
}

function attempt<T>(key: string, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    console.warn(`${key} in localStorage:`, error);
    return undefined;
  }
}
