// Logic that needs no OmniTray.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
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
