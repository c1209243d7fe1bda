// The extension in a real editor (code-server: VS Code's own server and workbench) in a real browser,
// beside the real OmniTray.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import * as fs from "node:fs";
import { createRequire } from "node:module";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";

import { core, Program, PYTHON, until } from "../test/program.mjs";

const MODULES = process.env.OMNITRAY_EDITOR;
const PICTURES = process.env.OMNITRAY_PICTURES ?? path.resolve(import.meta.dirname, "../../../docs/images");
const { chromium } = createRequire(path.join(MODULES, "x.js"))("playwright-core");
const ENTRY = path.join(MODULES, "code-server", "out", "node", "entry.js");
const SETTINGS = {
  "workbench.startupEditor": "none",
  "chat.disableAIFeatures": true,
  "workbench.enableExperiments": false,
  "security.workspace.trust.enabled": false,
  "telemetry.telemetryLevel": "off",
  "remote.autoForwardPorts": false,
  "window.menuBarVisibility": "compact",
  "window.autoDetectColorScheme": true,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "editor.minimap.enabled": false,
};
const TEST_FILE = `import os


def test_total():
    assert sum([1, 2]) == 4


def test_tax():
    assert True
`;

// The server under test, and a test that brings it down.
const SERVER = `import os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/checkout":
            print("cart cache holds 3.1 GB, limit 2.0 GB", file=sys.stderr, flush=True)
            open("died-at", "w").write(str(int(time.time() * 1000)))
            os._exit(1)
        self.send_response(200)
        self.end_headers()

HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
`;
const SERVER_TEST = `import time
import urllib.request


def test_checkout(omnitray_server):
    urllib.request.urlopen(omnitray_server.url + "/checkout", timeout=5)


def test_afterwards(omnitray_server):
    assert urllib.request.urlopen(omnitray_server.url, timeout=5).status == 200
    time.sleep(8)
`;

const freePort = () =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

describe("the extension in a real editor", { timeout: 600_000 }, () => {
  let program, editor, browser, page, place, project, url;
  const bar = () => page.locator("#omnitray\\.omnitray\\.bar, .statusbar-item[id*='omnitray']").first();
  const toast = (text) => page.locator(".notification-toast", { hasText: text });
  const isRed = async () => /error/.test(await bar().getAttribute("class"));
  const picture = async (name) => page.screenshot({ path: path.join(PICTURES, `vscode-${name}.png`) });
  const lookAway = async () => page.mouse.move(640, 560); // so that nothing is shown as pointed at
  const raise = (body) => core.request(core.readAddresses(core.addressFiles(program.folders))[0], "POST", "/alerts", body);

  before(async () => {
    program = await new Program("[thresholds.cpu]\nwarning = 99\ncritical = 100\nhold_s = 3600\n").start(); // of the host nothing is to be seen
    place = fs.mkdtempSync(path.join(os.tmpdir(), "omnitray-editor-"));
    project = path.join(place, "shop");
    fs.mkdirSync(path.join(project, ".vscode"), { recursive: true });
    fs.writeFileSync(path.join(project, "test_cart.py"), TEST_FILE);
    const user = path.join(place, "ud", "User");
    fs.mkdirSync(user, { recursive: true });
    fs.writeFileSync(path.join(user, "settings.json"), JSON.stringify(SETTINGS));
    const folders = ["--user-data-dir", path.join(place, "ud"), "--extensions-dir", path.join(place, "exts")];
    const environment = {
      ...process.env,
      HOME: place,
      XDG_CONFIG_HOME: path.join(place, "config"),
      XDG_DATA_HOME: path.join(place, "share"),
      OMNITRAY_HOME: program.home,
    };
    execFileSync(process.execPath, [ENTRY, ...folders, "--install-extension", process.env.OMNITRAY_VSIX], { env: environment, stdio: "inherit" });
    const port = await freePort();
    const words = ["--auth", "none", "--bind-addr", `127.0.0.1:${port}`, "--disable-telemetry", "--disable-update-check"];
    editor = spawn(process.execPath, [ENTRY, ...words, "--disable-workspace-trust", "--disable-getting-started-override", ...folders, project], {
      env: environment,
      stdio: ["ignore", fs.openSync(path.join(place, "editor.log"), "w"), "inherit"],
      detached: true,
    });
    url = `http://127.0.0.1:${port}/?folder=${project}`;
    await until("the editor", () => fetch(url).then((answer) => answer.ok, () => false));
    browser = await chromium.launch({
      executablePath: "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: process.env.OMNITRAY_SCHEME ?? "dark" });
    page.setDefaultTimeout(60_000);
    await page.goto(url);
    await page.waitForSelector(".monaco-workbench");
  });

  after(async () => {
    await browser?.close();
    if (editor) {
      process.kill(-editor.pid, "SIGTERM"); // its extension hosts are in its group
    }
    await program.remove();
    fs.rmSync(place, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  });

  it("shows CPU and memory in the status bar", async () => {
    await bar().filter({ hasText: /\d+ % · \d+ %/ }).waitFor();
    await picture("status-bar");
    await bar().hover();
    await page.locator(".workbench-hover", { hasText: "Largest jobs" }).waitFor();
    await lookAway();
  });

  it("pops up a critical alert within a second, and its buttons work", async () => {
    const began = Date.now();
    const alert = await raise({
      type: "SERVER_DOWN",
      title: "Server “api” is down during test_total",
      message: "Exit 137, killed for memory by the kernel. It is being restarted.",
      severity: "critical",
      context: {
        server: "api",
        project,
        log_tail: ["INFO started", "Killed"],
        culprits: [{ job: "pytest · shop · 4 processes", cpu: 212, rss_bytes: 3.1e9 }],
      },
    });
    await toast("is down during test_total").waitFor();
    const took = Date.now() - began;
    console.log(`pop-up after ${took} ms`);
    await until("the bar is red", isRed);
    await toast("is down").getByRole("button", { name: "Show details" }).click();
    await page.locator(".monaco-editor .view-line", { hasText: "Severity" }).first().waitFor();
    await picture("details");
    const now = await core.request(core.readAddresses(core.addressFiles(program.folders))[0], "GET", "/alerts?limit=5");
    assert.ok(now.alerts.find((each) => each.id === alert.id).channels.includes("vscode"));
  });

  it("makes no link of what a test is called", async () => {
    const hostile = "[Fix it](command:workbench.action.closeAllEditors) [more](https://evil.example)";
    const alert = await raise({ type: "CRITICAL", title: hostile, message: hostile, severity: "critical" });
    await toast("Fix it").waitFor();
    assert.equal(await toast("Fix it").locator(".notification-list-item-message a").count(), 0);
    await bar().hover();
    await page.locator(".workbench-hover", { hasText: "Fix it" }).waitFor(); // the sentence names it
    assert.equal(await page.locator(".workbench-hover a").count(), 0);
    await lookAway();
    await toast("Fix it").getByRole("button", { name: "Acknowledge" }).click();
    await until("it is closed", async () => (await toast("Fix it").count()) === 0);
    await core.request(core.readAddresses(core.addressFiles(program.folders))[0], "POST", `/alerts/${alert.id}/resolve`, {});
  });

  it("acknowledges from the pop-up", async () => {
    const alert = await raise({ type: "CRITICAL", title: "The second one", severity: "critical" });
    await toast("The second one").getByRole("button", { name: "Acknowledge" }).click();
    const address = core.readAddresses(core.addressFiles(program.folders))[0];
    await until("acknowledged", async () => {
      const { alerts } = await core.request(address, "GET", "/alerts?limit=10");
      return alerts.find((each) => each.id === alert.id).state === "acknowledged";
    });
  });

  it("lists failing tests as problems and opens one", async () => {
    await raise({
      type: "TEST_FAILED",
      title: "1 test fails in shop",
      severity: "critical",
      context: { project, run: "1", failed: [{ nodeid: "test_cart.py::test_total", error: "assert 3 == 4", line: 5 }] },
    });
    await toast("1 test fails").getByRole("button", { name: "Go to test" }).click();
    await page.locator(".tab", { hasText: "test_cart.py" }).waitFor();
    await page.locator(".squiggly-error").first().waitFor();
    await page.locator(".statusbar-item[id='status.problems']").click();
    await page.locator(".markers-panel .monaco-list-row", { hasText: "assert 3 == 4" }).waitFor();
    await lookAway();
    await picture("problems");
    await page.locator(".statusbar-item[id='status.problems']").click();
  });

  it("has its lists in the activity bar", async () => {
    const server = [process.execPath, "-e", "require('http').createServer((q,a)=>a.end('ok')).listen(0)"];
    assert.equal((await program.run("serve", "web", "--", ...server)).code, 0);
    await page.locator(".activitybar .action-item", { has: page.locator("[aria-label^='OmniTray']") }).click();
    await page.locator(".pane-header", { hasText: "Servers" }).waitFor();
    await page.locator(".monaco-list-row", { hasText: "The second one" }).waitFor();
    const row = page.locator(".monaco-list-row", { hasText: /web.*up since/ });
    await row.waitFor();
    await row.hover();
    await picture("lists");
    await row.locator("[aria-label='Stop']").click();
    await page.locator(".monaco-list-row", { hasText: /web.*stopped/ }).waitFor();
  });

  it("pops up in the window of the project alone", async () => {
    const elsewhere = path.join(place, "elsewhere");
    fs.mkdirSync(elsewhere);
    const second = await browser.newPage({ viewport: { width: 1000, height: 700 } });
    await second.goto(url.replace(project, elsewhere)); // it has the focus now
    await second.locator("#omnitray\\.omnitray\\.bar, .statusbar-item[id*='omnitray']").filter({ hasText: /\d+ % · \d+ %/ }).waitFor();
    await raise({ type: "CRITICAL", title: "Only for the shop", severity: "critical", context: { project } });
    await toast("Only for the shop").getByRole("button", { name: "Acknowledge" }).waitFor();
    await raise({ type: "CRITICAL", title: "For elsewhere", severity: "critical", context: { project: elsewhere } });
    const there = second.locator(".notification-toast", { hasText: "For elsewhere" });
    await there.waitFor();
    assert.equal(await second.locator(".notification-toast", { hasText: "Only for the shop" }).count(), 0);
    assert.equal(await toast("For elsewhere").count(), 0);
    await second.close();
    await toast("Only for the shop").getByRole("button", { name: "Acknowledge" }).click();
  });

  it("tells of a server that a test brings down, shows its log, and calms down", async () => {
    fs.writeFileSync(path.join(project, "server.py"), SERVER);
    fs.writeFileSync(path.join(project, "test_checkout.py"), SERVER_TEST);
    const address = core.readAddresses(core.addressFiles(program.folders))[0];
    const firing = async () => (await core.request(address, "GET", "/alerts?active=true&limit=50")).alerts.filter((each) => each.state === "firing");
    for (const { id } of await firing()) {
      await core.request(address, "POST", `/alerts/${id}/ack`, {});
    }
    await page.locator(".notification-toast").waitFor({ state: "detached" }).catch(() => page.keyboard.press("Escape"));
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--omnitray", `--omnitray-server=python3 server.py ${port}`, `--omnitray-health=${url}`, "test_checkout.py"];
    const run = spawn(PYTHON, words, { cwd: project, env: { ...process.env, PATH: `${path.dirname(PYTHON)}:${process.env.PATH}`, OMNITRAY_HOME: program.home }, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    run.stdout.on("data", (part) => (output += part));
    const ended = new Promise((resolve) => run.once("exit", resolve));
    await toast(/down/i).first().waitFor();
    const seen = Date.now();
    const died = Number(fs.readFileSync(path.join(project, "died-at"), "utf8"));
    await lookAway();
    await until("the bar is red", isRed);
    await page.waitForTimeout(400);
    await picture("server-down");
    await toast(/down/i).first().getByRole("button", { name: "Show log" }).click();
    await page.locator(".view-line", { hasText: "cart cache holds" }).first().waitFor();
    const logShown = Date.now();
    await page.locator(".monaco-list-row", { hasText: /shop-tests.*up since/ }).waitFor();
    const back = Date.now();
    await lookAway();
    await picture("server-log");
    assert.equal(await ended, 1, output);
    assert.match(output, /1 failed, 1 passed/);
    await until("the server's alert to be over", async () => (await firing()).every((each) => each.type !== "SERVER_DOWN"));
    for (const { id } of await firing()) {
      await core.request(address, "POST", `/alerts/${id}/ack`, {});
    }
    await until("a calm status bar", async () => !/error|warning/.test(await bar().getAttribute("class")));
    const since = (at) => `${((at - died) / 1000).toFixed(1)} s`;
    console.log(`after the server's end: pop-up ${since(seen)}, its log ${since(logShown)}, up again in the list ${since(back)}, calm ${since(Date.now())}`);
  });

  it("finds OmniTray again after a restart", async () => {
    await program.end("SIGKILL");
    await bar().filter({ hasText: "–" }).waitFor();
    await program.start();
    await bar().filter({ hasText: /\d+ % · \d+ %/ }).waitFor();
  });
});
