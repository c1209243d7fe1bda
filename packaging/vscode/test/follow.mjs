// What a window of the editor keeps of OmniTray, for bench_vscode.py. Says when it is connected;
// then it raises as many alerts as standard input says, and says after how many ms it had each.

import { createInterface } from "node:readline";

import { core } from "./program.mjs";

const connection = new core.Connection({ folders: core.findFolders("") });
const model = new core.Model(connection);
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const word = (number) => String(number).replace(/\d/g, (digit) => "abcdefghij"[digit]); // numbers alone make no other alert

async function raised(number) {
  const began = performance.now();
  const title = `bench ${word(number)}`;
  const has = new Promise((resolve) => model.on("fires", (alert) => alert.title === title && resolve(performance.now())));
  await connection.request("POST", "/alerts", { type: "CRITICAL", title, severity: "info" });
  const at = await has;
  model.removeAllListeners("fires");
  return at - began;
}

model.on("change", () => {
  if (model.link === "connected" && model.snapshot) {
    model.removeAllListeners("change");
    say({ connected: true });
  }
});
connection.start();
for await (const line of createInterface(process.stdin)) {
  const took = [];
  for (let number = 0; number < Number(line); number++) {
    took.push(await raised(number));
    await new Promise((resolve) => setTimeout(resolve, 100)); // one at a time, as they come
  }
  say({ took });
}
process.exit(0);
