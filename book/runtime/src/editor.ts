/**
 * The code editor: CodeMirror 6 with Python, coloured by the page's own CSS variables.
 * Loaded after the text is painted. Ctrl/Cmd-Enter runs, Shift-Enter checks, Escape then Tab leaves.
 */

import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { HighlightStyle, bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { EditorState, Prec, StateEffect, StateField, type Extension } from "@codemirror/state";
import { Decoration, EditorView, highlightSpecialChars, keymap, lineNumbers, type DecorationSet } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import type { Completion } from "./types";

export interface Editor {
  getText(): string;
  /** Replaces the text as one step that can be undone; `quiet` does not count as the reader's typing. */
  setText(text: string, quiet?: boolean): void;
  markLine(line: number | null): void;
  focus(): void;
}

export interface EditorOptions {
  text: string;
  label: string;
  changed(text: string): void;
  focused(): void;
  run(): void;
  check(): void;
  complete(text: string, position: number): Promise<Completion[]>;
}

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier, tags.self, tags.bool, tags.null], color: "var(--tt-syn-keyword)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--tt-syn-string)" },
  { tag: tags.number, color: "var(--tt-syn-number)" },
  { tag: tags.comment, color: "var(--tt-syn-comment)", fontStyle: "italic" },
  { tag: [tags.function(tags.definition(tags.variableName)), tags.definition(tags.className), tags.className], color: "var(--tt-syn-def)" },
  { tag: [tags.variableName, tags.propertyName], color: "var(--tt-syn-name)" },
  { tag: tags.meta, color: "var(--tt-syn-def)" },
]);

const theme = EditorView.theme({
  "&": { backgroundColor: "var(--tt-code-bg)", color: "var(--tt-fg)" },
  "&.cm-focused": { outline: "2px solid var(--tt-focus)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "var(--tt-font-code)", lineHeight: "inherit" },
  ".cm-content": { caretColor: "var(--tt-fg)" },
  ".cm-gutters": { backgroundColor: "var(--tt-code-bg)", color: "var(--tt-muted)", border: "none" },
  ".cm-line.tt-error-line": { backgroundColor: "color-mix(in srgb, var(--tt-bad) 14%, transparent)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--tt-accent-soft)" },
  ".cm-tooltip": { backgroundColor: "var(--tt-card)", color: "var(--tt-fg)", border: "1px solid var(--tt-rule)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--tt-font-code)", maxWidth: "min(32em, 90vw)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--tt-accent-soft)", color: "var(--tt-fg)" },
  ".cm-completionDetail": { color: "var(--tt-muted)", fontStyle: "normal" },
});

const setErrorLine = StateEffect.define<number | null>();
const errorLine = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    if (transaction.docChanged) marks = Decoration.none;
    for (const effect of transaction.effects) if (effect.is(setErrorLine)) marks = lineMark(transaction.state, effect.value);
    return marks;
  },
  provide: (field) => EditorView.decorations.from(field),
});

function lineMark(state: EditorState, line: number | null): DecorationSet {
  if (!line || line < 1 || line > state.doc.lines) return Decoration.none;
  return Decoration.set([Decoration.line({ class: "tt-error-line" }).range(state.doc.line(line).from)]);
}

/** Python counts characters, JavaScript UTF-16 units; they differ after an emoji or a rare sign. */
async function completions(context: CompletionContext, options: EditorOptions): Promise<CompletionResult | null> {
  const word = context.matchBefore(/[\p{L}\p{N}_]*/u)!;
  const afterDot = context.state.sliceDoc(word.from - 1, word.from) === ".";
  if (!context.explicit && !afterDot && word.to - word.from < 2) return null;
  const text = context.state.doc.toString();
  const found = await options.complete(text, [...text.slice(0, context.pos)].length);
  if (!found.length) return null;
  const known = found.map(({ label, type, detail }) => ({ label, type, detail: detail?.split("\n")[0]!.slice(0, 80) }));
  return { from: word.from, options: known, validFor: /^[\p{L}\p{N}_]*$/u };
}

/** After Escape the next Tab leaves the editor, however long the reader takes; any other key ends that. */
const escapeLeaves = EditorView.domEventHandlers({
  keydown(event, view) {
    if (event.key === "Escape") view.setTabFocusMode(true);
    else if (!["Tab", "Shift", "Control", "Alt", "Meta"].includes(event.key)) view.setTabFocusMode(false);
    return false;
  },
  blur(_event, view) {
    view.setTabFocusMode(false);
  },
});

function keys(options: EditorOptions): Extension {
  const act = (work: () => void) => () => (work(), true);
  const own = [
    { key: "Mod-Enter", run: act(options.run) },
    { key: "Ctrl-Enter", run: act(options.run) },
    { key: "Shift-Enter", run: act(options.check) },
    { key: "Tab", run: acceptCompletion },
  ];
  return [Prec.highest(keymap.of(own)), keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap, indentWithTab])];
}

function extensions(options: EditorOptions, quiet: { now: boolean }): Extension[] {
  const editing = [lineNumbers(), highlightSpecialChars(), history(), indentOnInput(), indentUnit.of("    "), bracketMatching(), closeBrackets()];
  const completing = autocompletion({ override: [(context) => completions(context, options)], icons: false, activateOnTypingDelay: 150 });
  const telling = EditorView.updateListener.of((update) => {
    if (update.docChanged && !quiet.now) options.changed(update.state.doc.toString());
    if (update.focusChanged && update.view.hasFocus) options.focused();
  });
  const typing = { "aria-describedby": "tt-editor-help", autocapitalize: "off", autocorrect: "off", spellcheck: "false" };
  return [...editing, ...looks(options.label, typing), completing, escapeLeaves, keys(options), errorLine, telling];
}

/** Colours and the name for assistive technology, of code to write and of code to read alike. */
function looks(label: string, attributes: Record<string, string>): Extension[] {
  return [python(), syntaxHighlighting(colours), theme, EditorView.contentAttributes.of({ tabindex: "0", "aria-label": label, ...attributes })];
}

/** CodeMirror guesses the height of an editor that was never in view, so the room it takes is told by its lines. */
function takeRoom(host: HTMLElement, lines: number): void {
  host.style.setProperty("--tt-lines", String(lines));
}

export function makeEditor(host: HTMLElement, options: EditorOptions): Editor {
  const quiet = { now: false };
  const growing = EditorView.updateListener.of(({ docChanged, state }) => docChanged && takeRoom(host, state.doc.lines));
  const state = EditorState.create({ doc: options.text, extensions: [extensions(options, quiet), growing] });
  takeRoom(host, state.doc.lines);
  host.replaceChildren();
  const view = new EditorView({ state, parent: host });
  return {
    getText: () => view.state.doc.toString(),
    setText(text, silent = false) {
      if (text === view.state.doc.toString()) return;
      quiet.now = silent;
      const anchor = Math.min(view.state.selection.main.head, text.length);
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor } });
      quiet.now = false;
    },
    markLine: (line) => view.dispatch({ effects: setErrorLine.of(line) }),
    focus: () => view.focus(),
  };
}

/** A piece of Python to read, in the same colours. */
export function showCode(text: string, label: string): HTMLElement {
  const host = document.createElement("div");
  const readOnly = [...looks(label, { "aria-readonly": "true" }), EditorState.readOnly.of(true)];
  new EditorView({ doc: text, extensions: readOnly, parent: host });
  return host;
}
