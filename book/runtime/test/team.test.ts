/** The Pythons that work for the page's: who is handed what, who is told that one has ended. Workers are stand-ins. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ports, Team } from "../src/team";
import type { Place } from "../src/types";
import { openPage } from "./page";

openPage();

class Member {
  told: { message: any; handed: unknown[] }[] = [];
  ended = false;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onerror: ((event: { preventDefault(): void }) => void) | null = null;
  postMessage(message: unknown, handed: unknown[] = []): void {
    this.told.push({ message, handed });
  }
  terminate(): void {
    this.ended = true;
  }
  says(data: unknown): void {
    this.onmessage!({ data });
  }
}

function gathered(control: unknown, places: Place[]): { team: Team; members: Member[] } {
  const members: Member[] = [];
  const make = () => members[members.push(new Member()) - 1] as unknown as Worker;
  return { team: new Team(make, "python/", places, control, { "01.x": "def x(): ..." }), members };
}

const shared = () => new Int32Array(new SharedArrayBuffer(8 * 3)); // for three workers: what they sleep at, who has ended
const PLACES = [1, 2].map((rank) => ({ rank, workers: 3 }));

test("each starts with the functions that are in place, and is handed its place as soon as it is ready", () => {
  const control = shared();
  const { team, members } = gathered(control, PLACES);
  assert.deepEqual(members.map(({ told }) => told.map(({ message }) => [message.type, message.accepted])), [1, 2].map(() => [["boot", { "01.x": "def x(): ..." }]]));
  members[1]!.says({ type: "ready" });
  assert.deepEqual(members.map(({ told }) => told.length), [1, 2]);
  assert.deepEqual(members[1]!.told[1]!.message, { type: "join", n: 0, place: PLACES[1], control });
  team.close();
});

test("one that breaks down is ended and marked, and whoever sleeps is woken; closing ends all", () => {
  const control = shared();
  const { team, members } = gathered(control, PLACES);
  members[1]!.says({ type: "fatal", message: "out of memory" });
  assert.deepEqual([...control], [1, 0, 0, 0, 0, 1]);
  assert.deepEqual(members.map(({ ended }) => ended), [false, true]);
  members[0]!.onerror!({ preventDefault() {} });
  assert.deepEqual([...control], [2, 0, 0, 0, 1, 1]);
  team.close();
  assert.deepEqual(members.map(({ ended }) => ended), [true, true]);
});

test("without shared memory the ports are handed on, and who has ended is told through the page's own", async () => {
  const [line, news] = [new MessageChannel(), new MessageChannel()];
  const { team, members } = gathered(news.port2, [{ rank: 1, workers: 2, orders: line.port1 }]);
  members[0]!.says({ type: "ready" });
  assert.equal(members[0]!.told[1]!.message.control, null);
  assert.deepEqual(members[0]!.told[1]!.handed, [line.port1]);
  const heard = new Promise((resolve) => (news.port1.onmessage = ({ data }) => resolve(data)));
  team.close();
  assert.equal(await heard, 1);
  for (const { port1, port2 } of [line, news]) [port1, port2].forEach((port) => port.close());
});

test("ports are found among what a place holds", () => {
  const { port1, port2 } = new MessageChannel();
  assert.deepEqual(ports(1, "x", port1, null, shared()), [port1]);
  for (const port of [port1, port2]) port.close();
});
