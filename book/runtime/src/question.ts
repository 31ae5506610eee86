/**
 * Reflect questions: a choice, a number with its unit and tolerance, or an open answer next to a
 * model answer. No Python needed. The last answer is kept and shown again.
 */

import * as drafts from "./drafts";
import { announce, h, readData, role } from "./dom";
import { sanitise } from "./sanitise";
import type { Saving } from "./saving";
import type { Store } from "./store";
import type { QuestionData } from "./types";

interface Verdict {
  right: boolean | null;
  words: string;
  why: string;
}

/** "1,024.5 MB" and "1 024,5" are the number a reader means; null when it is none. */
export function readNumber(text: string): number | null {
  let plain = text.trim().replace(/[\s\u00a0\u202f_]/g, "").replace(/\u2212/g, "-");
  const match = plain.match(/^[-+]?[\d.,]+(e[-+]?\d+)?/i);
  if (!match) return null;
  plain = match[0];
  if (plain.includes(",") && plain.includes(".")) plain = plain.replace(/,/g, "");
  else if (/^[-+]?\d{1,3}(,\d{3})+$/.test(plain)) plain = plain.replace(/,/g, "");
  else plain = plain.replace(",", ".");
  const value = Number(plain);
  return Number.isFinite(value) ? value : null;
}

function near(value: number, wanted: number, tolerance: number): boolean {
  return Math.abs(value - wanted) <= Math.abs(wanted) * tolerance + 1e-12;
}

function judgeNumber(data: QuestionData, text: string): Verdict {
  const value = readNumber(text);
  if (value === null) return { right: false, words: "That is not a number yet.", why: "" };
  if (near(value, data.answer!, data.tolerance ?? 0.01)) return { right: true, words: "Right.", why: data.explanation };
  const known = data.mistakes?.find((mistake) => near(value, mistake.value, data.tolerance ?? 0.01));
  const words = `Not this number: it is too ${value < data.answer! ? "small" : "large"}.`;
  return { right: false, words: known ? "Not this number." : words, why: known?.why ?? "" };
}

function judgeChoice(data: QuestionData, chosen: number): Verdict {
  const right = chosen === data.answer;
  return { right, words: right ? "Right." : "Not this one.", why: (data.whys?.[chosen] ?? "") + (right ? data.explanation : "") };
}

function field(form: HTMLFormElement): HTMLInputElement | HTMLTextAreaElement | null {
  return form.querySelector<HTMLInputElement | HTMLTextAreaElement>("input[type=text], textarea");
}

function given(form: HTMLFormElement, kind: QuestionData["kind"]): string {
  if (kind !== "choice") return field(form)?.value ?? "";
  return form.querySelector<HTMLInputElement>("input[type=radio]:checked")?.value ?? "";
}

/** Choices are kept as the reader counts them, from 1, as `learn.answer` in the notebook does. */
function kept(kind: QuestionData["kind"], answer: string): string {
  return kind === "choice" ? String(Number(answer) + 1) : answer;
}

function putBack(form: HTMLFormElement, kind: QuestionData["kind"], answer: unknown): void {
  if (kind === "choice") {
    const radio = form.querySelectorAll<HTMLInputElement>("input[type=radio]")[Number(answer) - 1];
    if (radio) radio.checked = true;
  } else {
    const place = field(form);
    if (place && !place.value) place.value = String(answer ?? "");
  }
}

export async function enhanceQuestion(host: HTMLElement, store: Store, saving: Saving): Promise<void> {
  const data = readData<QuestionData>(host);
  const form = host.querySelector("form")!;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void answer(host, form, data, store, saving);
  });
  keepDraft(form, data);
  const earlier = await store.answer(data.id);
  if (earlier) {
    putBack(form, data.kind, earlier.answer);
    markAnswered(host, earlier.right);
  }
}

/** An open answer is kept while it is written, not only when it is compared. */
function keepDraft(form: HTMLFormElement, data: QuestionData): void {
  const place = field(form);
  if (data.kind !== "open" || !place) return;
  place.value ||= drafts.take(data.id)?.text ?? "";
  addEventListener("pagehide", () => place.value && drafts.note(data.id, place.value, 0));
}

async function answer(host: HTMLElement, form: HTMLFormElement, data: QuestionData, store: Store, saving: Saving): Promise<void> {
  const text = given(form, data.kind);
  if (!text.trim()) return say(host, { right: null, words: data.kind === "choice" ? "Choose one first." : "Write your answer first.", why: "" });
  const verdict = judge(data, text);
  say(host, verdict);
  if (verdict.right === null) role(host, "explanation")?.setAttribute("open", ""); // of a right answer the reason was said already
  try {
    await store.putAnswer({ id: data.id, answer: kept(data.kind, text), right: verdict.right, at: new Date().toISOString() });
    saving.mended(data.id);
  } catch (error) {
    saving.failed(data.id, error, role(host, "output")!);
  }
  markAnswered(host, verdict.right); // only now: who leaves at once finds it again
}

function judge(data: QuestionData, text: string): Verdict {
  if (data.kind === "choice") return judgeChoice(data, Number(text));
  if (data.kind === "number") return judgeNumber(data, text);
  return { right: null, words: "Compare your answer with the model answer below.", why: "" };
}

function markAnswered(host: HTMLElement, right: boolean | null): void {
  host.dataset.answered = right === null ? "open" : right ? "right" : "wrong";
}

function say(host: HTMLElement, { right, words, why }: Verdict): void {
  const kind = right === null ? "tt-note" : `tt-feedback tt-feedback--${right ? "pass" : "fail"}`;
  const box = h("div", { class: kind }, h("p", {}, words));
  if (why) box.append(sanitise(why));
  role(host, "output")!.replaceChildren(box);
  announce(`${words} ${box.textContent!.slice(words.length).trim()}`.trim().slice(0, 300));
}
