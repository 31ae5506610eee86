// Two threads with the kernel's own coincident between them, which ask each other for long texts while the one who
// asks is often late to wait. Prints how many answers were not what was sent. Arguments: the page's file of the kernel's
// extension, and how often each side asks.
import { readFileSync } from "node:fs";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

const [file, times] = isMainThread ? [process.argv[2], Number(process.argv[3])] : workerData;

/** The first module of the bundle that has coincident in it; it exports one function. */
function coincident() {
  let found = null;
  const take = ([, modules]) => {
    for (const module of Object.values(modules)) {
      if (!String(module).includes("64e10b34-2bf7-4616-9668-f99de5aa046e")) continue;
      module({}, {}, { d: (_, getters) => (found = Object.values(getters)[0]) });
    }
  };
  const name = /self\.(\w+)=/.exec(readFileSync(file, "utf8"))[1];
  globalThis.self = globalThis;
  globalThis[name] = { push: take };
  (0, eval)(readFileSync(file, "utf8"));
  return found();
}

/** What coincident uses of a Worker or of a worker's global scope, on a port of node's. */
function endpoint(port, target = {}) {
  target.postMessage = (data) => port.postMessage(data);
  target.addEventListener = (_, hear) => port.on("message", (data) => hear({ data, stopImmediatePropagation() {} }));
  return target;
}

function late() {
  const until = performance.now() + Math.random() * 0.4;
  while (performance.now() < until);
}

for (const name of ["wait", "waitAsync"]) {
  const original = Atomics[name];
  Atomics[name] = (...where) => (late(), original(...where));
}

const text = (length) => "abc".repeat(length);
const answer = (length) => text(length);
const random = () => 1 + Math.floor(Math.random() * 200_000);

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { workerData: [file, times] });
  const remote = coincident()(endpoint(worker));
  let wrong = 0;
  remote.answer = async (length) => answer(length);
  remote.done = async (count) => void (wrong += count);
  await new Promise((ready) => worker.once("message", ready));
  await remote.ask();
  for (let n = 0; n < times; n++) {
    const length = random();
    wrong += (await remote.answer(length).catch(() => "")) !== text(length);
  }
  console.log(wrong);
  process.exit(0);
} else {
  const remote = coincident()(endpoint(parentPort, globalThis));
  remote.answer = answer;
  remote.ask = async () => {
    let wrong = 0;
    for (let n = 0; n < times; n++) {
      const length = random();
      try {
        wrong += remote.answer(length) !== text(length);
      } catch {
        wrong += 1;
      }
    }
    remote.done(wrong);
  };
  parentPort.postMessage("ready");
}
