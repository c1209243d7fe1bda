// Logic that needs no OmniTray.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { EventEmitter } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { describe, it } from "node:test";

import { core, plainly } from "./program.mjs";

const folder = () => fs.mkdtempSync(path.join(os.tmpdir(), "omnitray-logic-"));
const PACKAGE = path.resolve(import.meta.dirname, "..");

describe("discovery", () => {
  it("puts the folders where the program has them", () => {
    assert.deepEqual(core.findFolders("/srv/omni"), { data: "/srv/omni/data", run: "/srv/omni/run" });
    assert.equal(core.findFolders("", { OMNITRAY_HOME: "/x" }).run, "/x/run");
    assert.equal(core.findFolders("~/omni", { HOME: "/home/me" }).data, "/home/me/omni/data");
    const xdg = { HOME: "/home/me", XDG_RUNTIME_DIR: folder(), XDG_DATA_HOME: "/d" };
    assert.deepEqual(core.findFolders("", xdg, "linux"), { data: "/d/omnitray", run: `${xdg.XDG_RUNTIME_DIR}/omnitray` });
    assert.equal(core.findFolders("", { HOME: "/home/me", XDG_DATA_HOME: "not/absolute" }, "linux").data, "/home/me/.local/share/omnitray");
  });

  it("looks where the data say that the run folder is", () => {
    const home = folder();
    fs.mkdirSync(path.join(home, "data"));
    fs.writeFileSync(path.join(home, "data", "run-folder"), "/elsewhere");
    assert.deepEqual(core.addressFiles(core.findFolders(home)), [path.join(home, "run", "api.json"), "/elsewhere/api.json"]);
  });

  it("reads no pipe, no link, nothing large and nothing damaged", () => {
    const home = folder();
    const good = JSON.stringify({ url: "http://127.0.0.1:1", token: "t", pid: 1, started: "" });
    fs.writeFileSync(path.join(home, "good"), good);
    fs.symlinkSync(path.join(home, "good"), path.join(home, "link"));
    execFileSync("mkfifo", [path.join(home, "pipe")]);
    fs.writeFileSync(path.join(home, "large"), Buffer.alloc(5000));
    fs.writeFileSync(path.join(home, "half"), good.slice(0, 20));
    fs.writeFileSync(path.join(home, "null"), "null");
    const files = ["good", "link", "pipe", "large", "half", "null", "none"].map((name) => path.join(home, name));
    assert.deepEqual(core.readAddresses(files).map((each) => each.token), ["t"]);
  });
});

describe("pop-ups", () => {
  const popUp = (key, rank, shown, more = {}) => ({
    key,
    rank,
    isCurrent: () => true,
    show: (waiting) => new Promise((close) => shown.push({ key, waiting, close })),
    ...more,
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it("are shown one at a time, the weightiest first, the rest counted, the outdated dropped", async () => {
    const queue = new core.PopUpQueue();
    const shown = [];
    let isCurrent = true;
    queue.offer(popUp("a", 1, shown));
    queue.offer(popUp("b", 1, shown));
    queue.offer(popUp("c", 2, shown));
    queue.offer(popUp("d", 2, shown, { isCurrent: () => isCurrent }));
    await turn();
    assert.deepEqual(shown.map((each) => each.key), ["a"]);
    isCurrent = false;
    shown[0].close();
    await turn();
    assert.deepEqual(shown.slice(1).map(({ key, waiting }) => [key, waiting]), [["c", 1]]);
    shown[1].close();
    await turn();
    assert.deepEqual(shown.map((each) => each.key), ["a", "c", "b"]);
  });

  it("give way to the next one when their cause is over and the person leaves them open", async () => {
    const queue = new core.PopUpQueue();
    const shown = [];
    let isDown = true;
    queue.offer(popUp("server down", 2, shown, { isCurrent: () => isDown }));
    queue.offer(popUp("disk full", 2, shown));
    queue.next();
    assert.deepEqual(shown.map((each) => each.key), ["server down"]);
    isDown = false;
    queue.next();
    assert.deepEqual(shown.map((each) => each.key), ["server down", "disk full"]);
    shown[0].close(); // the person tidies up: the one that is open now stays the only one
    queue.offer(popUp("another", 2, shown));
    await turn();
    assert.equal(shown.length, 2);
    shown[1].close();
    await turn();
    assert.deepEqual(shown.map((each) => each.key), ["server down", "disk full", "another"]);
  });

  it("appear in one window only, that of the project first", async () => {
    const claims = folder();
    const windows = [new core.Claims(claims), new core.Claims(claims), new core.Claims(claims)];
    const took = await Promise.all([
      windows[0].take("alert 1", "other"),
      windows[1].take("alert 1", "focused"),
      windows[2].take("alert 1", "project"),
    ]);
    assert.deepEqual(took, [false, false, true]);
    assert.equal(await windows[0].take("alert 2", "other"), true);
    windows[0].sweep(Date.now() + 2 * 3_600_000);
    assert.deepEqual(fs.readdirSync(claims), []);
  });
});

describe("places", () => {
  it("finds a test's line and leaves what lies outside its project", () => {
    const project = folder();
    fs.writeFileSync(path.join(project, "test_a.py"), "import os\n\n\nclass TestX:\n\n    def test_one(self):\n        pass\n");
    const alert = {
      context: {
        project,
        failed: [
          { nodeid: "test_a.py::TestX::test_one[a-b]", error: "AssertionError: 1" },
          { nodeid: "test_a.py::test_two", error: "", line: 7, file: "test_a.py" },
          { nodeid: "../../etc/passwd::x" },
          { nodeid: "gone.py::test_x", error: "E" },
        ],
      },
    };
    assert.deepEqual(core.failures(alert).map(({ file, line }) => [path.relative(project, file), line]), [
      ["test_a.py", 6],
      ["test_a.py", 7],
      ["gone.py", 1],
    ]);
    assert.equal(core.concerns(project, [path.dirname(project)]), true);
    assert.equal(core.concerns(project, ["/elsewhere"]), false);
    assert.equal(core.concerns(undefined, ["/elsewhere"]), false);
  });
});

describe("tasks", () => {
  it("run their command by omnitray run", () => {
    assert.deepEqual(core.runArguments({ command: 'pytest -k "a b" tests\\ x', memory: "4G", cpu: 150, noKill: true }), [
      "run", "--memory", "4G", "--cpu", "150", "--no-kill", "--", "pytest", "-k", "a b", "tests x",
    ]);
    assert.deepEqual(core.runArguments({ command: "a b", args: ["c d"], name: "n" }), ["run", "--name", "n", "--", "a b", "c d"]);
  });
});

describe("words", () => {
  it("keep the signs of a name as they are", () => {
    assert.equal(core.escaped("a [x](y) $(z) <b>"), "a \\[x\\]\\(y\\) \\$\\(z\\) \\<b\\>");
    assert.equal(core.popUpText("Server “api” is down", "exit 137.", 1, plainly), "Server “api” is down. exit 137. (1 more)");
    assert.equal(core.escaped("see https://evil.example or me@evil.example"), "see https\\:\\/\\/evil\\.example or me\\@evil\\.example");
    assert.equal(core.withoutIcons("$(bug) $5"), "\\$(bug) $5");
  });

  it("make no link of a pop-up, whatever a test is called", () => {
    // As the editor reads the text of a message (vs/base/common/linkedText.ts).
    const link = /\[([^\]]+)\]\(((?:https?:\/\/|command:|file:)[^)\s]+)(?: (["'])(.+?)(\3))?\)/gi;
    const hostile = "[Fix it](command:workbench.action.terminal.sendSequence?%7B%22text%22%3A%22id%22%7D)";
    assert.match(hostile, link);
    for (const [title, message] of [[hostile, ""], ["t", hostile], ["t[x]", `](https://evil.example)${hostile}`], ["t [x]", "(file:///etc/passwd)"]]) {
      assert.doesNotMatch(core.popUpText(title, message, 1, plainly), link);
    }
    assert.match(core.popUpText(hostile, "", 0, plainly), /^\[Fix it\] \(command:/);
  });

  it("say what a server does, also in a state that is not known here", () => {
    const server = (more) => core.serverOf({ name: "api", ...more });
    assert.equal(core.serverState(server({ state: "restarting", restarts: 1, detail: "exit 1" }), plainly), "restart 1, exit 1");
    assert.equal(core.serverState(server({ state: "restarting", detail: "on request" }), plainly), "restarting, on request");
    assert.equal(core.serverState(server({ state: "draining_now", detail: "2 left" }), plainly), "draining now, 2 left");
  });

  it("have the whole alert in its details: culprits, what was done, history", () => {
    const alert = core.alertOf({
      id: "1", type: "RESOURCE_CRITICAL", severity: "critical", state: "firing", title: "Memory 96 %", count: 2, source: "monitor",
      channels: ["file"], last_seen: "",
      context: {
        memory: 95.7,
        culprits: [{ job: "make [x](command:y)", cpu: 480.2, rss_bytes: 3.1e9 }, "as text"],
        actions: [{ at: "2026-11-28T13:58:44.000Z", what: "paused make", by: "you", action_id: "a" }, "an older sentence"],
        others_wait: true,
      },
    });
    const before = core.alertOf({ ...alert, id: "0", state: "resolved", title: "Memory 91 %" });
    const text = core.details(alert, [alert, before], plainly);
    assert.match(text, /Culprits\n-+\n {2}make \[x\]\(command:y\): 480 %, 3\.1 GB\n {2}as text\n/);
    assert.match(text, /Done\n-+\n {2}.*:44.* {2}paused make \(you\)\n {2}an older sentence\n/);
    assert.match(text, /Facts\n-+\n {2}memory: 96 %\n {2}others_wait: true\n/);
    assert.match(text, /History\n-+\n.*resolved.*Memory 91 %/);
  });

  it("have a translation for every sentence, and none too many", () => {
    const used = new Set();
    for (const file of fs.readdirSync(path.join(PACKAGE, "src"))) {
      const text = fs.readFileSync(path.join(PACKAGE, "src", file), "utf8");
      for (const found of text.matchAll(/\bt\(\s*"((?:[^"\\]|\\.)*)"/g)) {
        used.add(JSON.parse(`"${found[1]}"`));
      }
    }
    const translated = JSON.parse(fs.readFileSync(path.join(PACKAGE, "l10n", "bundle.l10n.pt-br.json"), "utf8"));
    assert.deepEqual(Object.keys(translated).sort(), [...used].filter((each) => each !== "ID").sort());
    const [here, there] = ["package.nls.json", "package.nls.pt-br.json"].map((name) => JSON.parse(fs.readFileSync(path.join(PACKAGE, name), "utf8")));
    assert.deepEqual(Object.keys(there), Object.keys(here));
    const keys = new Set([...fs.readFileSync(path.join(PACKAGE, "package.json"), "utf8").matchAll(/%([\w.]+)%/g)].map((each) => each[1]));
    assert.deepEqual(Object.keys(here).sort(), [...keys].sort());
  });
});

/** A connection that answers what it is told to, as `answers` says by the path. */
class Told extends EventEmitter {
  answers = {};
  async request(_method, target) {
    const answer = this.answers[target.split("?")[0]] ?? {};
    if (answer instanceof Error) {
      throw answer;
    }
    return answer;
  }
}

describe("a model", () => {
  const alert = (more) => ({ id: "1", alert_type: "CRITICAL", type: "alert", event: "alert", severity: "critical", state: "firing", title: "A", count: 1, last_seen: new Date().toISOString(), ...more });
  const listed = ({ alert_type: type, ...more }) => ({ ...alert(more), type: type ?? "CRITICAL" });
  const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

  const made = async (standing = []) => {
    const connection = new Told();
    connection.answers["/alerts"] = { alerts: standing };
    const model = new core.Model(connection);
    const fired = [];
    model.on("fires", (each) => fired.push(`${each.id} ${each.severity} ${each.title}`));
    connection.emit("link", "connected", "");
    await settled();
    return { connection, model, fired };
  };

  it("announces an alert that fires, fires again, becomes more severe or a crash loop; and once", async () => {
    const { connection, model, fired } = await made();
    const say = (more) => connection.emit("message", alert(more));
    say({ severity: "warning" });
    say({ severity: "warning", count: 2, title: "A 2" });
    say({ count: 3 });
    say({ count: 4 });
    say({ state: "acknowledged" });
    say({ state: "resolved" });
    say({ count: 5 });
    say({ id: "2", alert_type: "SERVER_DOWN", title: "Server “a” is down" });
    say({ id: "2", alert_type: "SERVER_DOWN", title: "Server “a” is down", count: 2 });
    say({ id: "2", alert_type: "SERVER_DOWN", title: "Server “a” is in a crash loop", count: 3 });
    assert.deepEqual(fired, [
      "1 warning A", "1 critical A", "1 critical A", "2 critical Server “a” is down", "2 critical Server “a” is in a crash loop",
    ]);
    model.close();
  });

  it("announces what began while the connection was away, and not what stood before the window", async () => {
    const old = listed({ id: "old", last_seen: new Date(Date.now() - 60_000).toISOString() });
    const { connection, model, fired } = await made([old]);
    assert.deepEqual(fired, []);
    connection.emit("link", "absent", "");
    connection.answers["/alerts"] = { alerts: [listed({ id: "new" }), old] };
    connection.emit("link", "connected", "");
    await settled();
    assert.deepEqual(fired, ["new critical A"]);
    connection.answers["/alerts"] = { alerts: [listed({ id: "newer" }), old] };
    await model.readAlerts(); // it has it before the event comes
    connection.emit("message", alert({ id: "newer" }));
    assert.deepEqual(fired, ["new critical A", "newer critical A"]);
    model.close();
  });

  it("understands what it can of a newer OmniTray, and shows it", async () => {
    const { connection, model, fired } = await made();
    for (const message of [
      { event: "weather", type: "weather", rain: true },
      { event: "alert" },
      { event: "alert", id: 7 },
      { event: "server", name: null },
      { event: "server", name: "api", state: "draining", last_exit: 5, command: "not a list" },
      { event: "question", state: "open", id: "q", title: "T", answers: { pause: true } },
      { event: "snapshot", cpu_percent: "many", memory_percent: null },
      alert({ id: "x", severity: "catastrophic", state: "escalated", context: null, channels: "all", title: { text: 1 }, count: "2" }),
    ]) {
      connection.emit("message", message);
    }
    Object.assign(connection.answers, {
      "/alerts": { alerts: [null, 5, { id: "y", severity: 3, context: [1] }], next: "…" },
      "/servers": { servers: "none" },
      "/jobs": [],
      "/runs": { runs: [{ id: "r", state: {}, took_s: "1" }] },
      "/actions": { held: [{ action_id: "a", grip: "frozen", since: 5 }] },
      "/status": null,
    });
    await model.readAll();
    assert.equal(fired[0], "x warning ");
    assert.deepEqual(model.alerts.map((each) => each.id), ["y"]);
    for (const each of model.alerts) {
      assert.match(core.details(each, model.alerts, plainly), /warning/);
    }
    assert.match(core.statusBar(model, plainly).text, /– % · – %/);
    core.tooltip(model, plainly);
    assert.match(core.runState(model.runs[0], plainly), /0 s/);
    model.close();
  });

  it("asks once for the status, however many alerts come at a time", async () => {
    const { connection, model } = await made();
    let asked = 0;
    connection.answers["/status"] = {};
    const { request } = connection;
    connection.request = (method, target) => {
      asked += target === "/status" ? 1 : 0;
      return request.call(connection, method, target);
    };
    await Promise.all(Array.from({ length: 100 }, () => model.readStatus()));
    assert.equal(asked, 1);
    await model.readStatus();
    assert.equal(asked, 2);
    model.close();
  });

  it("reads again what OmniTray was too busy to answer", async () => {
    const { connection, model } = await made();
    connection.answers["/servers"] = new core.RequestFailed(429, "busy", "");
    await model.readServers();
    connection.answers["/servers"] = { servers: [{ name: "api", state: "up" }] };
    const end = Date.now() + 10_000;
    while (model.servers.length === 0 && Date.now() < end) {
      await settled();
    }
    assert.deepEqual(model.servers.map((each) => each.name), ["api"]);
    model.close();
  });
});

describe("the bundle", () => {
  it("writes nothing to a log, where a token could stand", () => {
    const text = fs.readFileSync(path.join(PACKAGE, "dist", "core.js"), "utf8");
    assert.doesNotMatch(text, /\bconsole\s*\./);
  });
});
