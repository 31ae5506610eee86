/** "About this Python": which kernels NumPy computes with, what they measure on this device, and their switch. */

import { announce, button, h } from "./dom";
import type { Session } from "./session";
import type { Kernel, KernelAction } from "./types";

export function aboutKernel(session: Session): HTMLDetailsElement {
  const words = h("p", { "data-role": "kernel" });
  const speed = h("p", { "data-role": "speed" });
  const box = h("input", { type: "checkbox", change: () => void ask("switch") });
  const label = h("label", {}, box, " Fast kernels");
  const measure = button("Measure", () => void ask("measure"));
  const about = h("details", { class: "tt-about", hidden: true }, h("summary", {}, "About this Python"), words, label, measure, speed);

  const ask = async (action: KernelAction) => {
    speed.textContent = action === "measure" ? "Measuring…" : "";
    try {
      const kernel = await session.kernel(action, box.checked);
      words.textContent = sentence(kernel);
      label.hidden = !kernel.available;
      box.checked = kernel.on;
      speed.textContent = kernel.speed === null ? "" : speedWords(kernel);
      if (action !== "status") announce(`${words.textContent} ${speed.textContent}`);
    } catch (error) {
      speed.textContent = `This could not be asked: ${(error as Error).message}.`;
    }
  };
  session.addEventListener("state", () => {
    about.hidden = session.state !== "ready";
    if (about.open && session.state === "ready") void ask("status");
  });
  about.addEventListener("toggle", () => about.open && void ask("status"));
  return about;
}

function sentence({ name, on, available, why }: Kernel): string {
  if (on) return `NumPy runs on this book's ${name}, which were compared with NumPy's own loops at the start.`;
  return available ? "NumPy runs on its own loops; the fast kernels are switched off." : `NumPy runs on its own loops: ${why}.`;
}

function speedWords({ speed }: Kernel): string {
  return `A float32 matrix product of 256 × 256 runs at ${speed!.toPrecision(2)} GFLOP/s on this device.`;
}
