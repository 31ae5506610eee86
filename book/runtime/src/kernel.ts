/** "About this Python": which kernels NumPy computes with, what they measure on this device, and their switch. */

import { announce, button, h } from "./dom";
import type { Session } from "./session";
import type { Kernel, KernelAction } from "./types";

const OFF = "Python has not started yet.";

interface Parts {
  words: HTMLElement;
  speed: HTMLElement;
  box: HTMLInputElement;
  label: HTMLElement;
}

export function aboutKernel(session: Session): HTMLDetailsElement {
  const box = h("input", { type: "checkbox", change: () => void ask(session, parts, "switch") });
  const label = h("label", {}, box, " Fast kernels");
  const parts = { words: h("p", { "data-role": "kernel" }, OFF), speed: h("p", { "data-role": "speed" }), box, label };
  const controls = h("p", { hidden: true }, label, button("Measure", () => void ask(session, parts, "measure")));
  const about = h("details", { class: "tt-about" }, h("summary", {}, "About this Python"), parts.words, controls, parts.speed);
  const update = () => {
    controls.hidden = session.state !== "ready";
    if (controls.hidden) [parts.words.textContent, parts.speed.textContent] = [OFF, ""];
    else if (about.open) void ask(session, parts, "status");
  };
  session.addEventListener("state", update);
  about.addEventListener("toggle", update);
  return about;
}

async function ask(session: Session, { words, speed, box, label }: Parts, action: KernelAction): Promise<void> {
  speed.textContent = action === "measure" ? "Measuring…" : "";
  try {
    const kernel = await session.kernel(action, box.checked);
    words.textContent = sentence(kernel);
    label.hidden = !kernel.available;
    box.checked = kernel.on;
    speed.textContent = kernel.speed === null ? "" : speedWords(kernel.speed);
    if (action !== "status") announce(`${words.textContent} ${speed.textContent}`);
  } catch (error) {
    speed.textContent = `This could not be asked: ${(error as Error).message}.`;
  }
}

function sentence({ name, on, available, why }: Kernel): string {
  if (on) return `NumPy runs on this book's ${name}, which were compared with NumPy's own loops at the start.`;
  return available ? "NumPy runs on its own loops; the fast kernels are switched off." : `NumPy runs on its own loops: ${why}.`;
}

function speedWords(speed: number): string {
  return `A float32 matrix product of 256 × 256 runs at ${speed.toPrecision(2)} GFLOP/s on this device.`;
}
