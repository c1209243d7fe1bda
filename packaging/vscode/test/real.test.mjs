// The extension's logic against the real OmniTray, over its real socket.

import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as http from "node:http";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";

import { core, follow, plainly, Program, until } from "./program.mjs";

describe("a window beside a running OmniTray", () => {
  let program;
  let window;
  before(async () => {
    program = await new Program().start();
    window = follow(program);
    await until("connected", () => window.model.link === "connected" && window.model.status);
  });
  after(async () => {
    window.close();
    await program.remove();
  });

  it("shows figures of the machine", async () => {
    await until("a reading", () => typeof window.model.snapshot?.cpu_percent === "number");
    assert.match(core.statusBar(window.model, plainly).text, /^\$\(pulse\) \d+ % · \d+ %/);
    assert.match(core.tooltip(window.model, plainly), /^\*\*.+\*\*/);
  });

  it("sees an alert that fires, and acknowledges it", async () => {
    const fired = new Promise((resolve) => window.model.once("fires", resolve));
    const raised = await window.connection.request("POST", "/alerts", {
      type: "SERVER_DOWN",
      title: "shop is <b>down</b> `rm -rf ~`",
      severity: "critical",
      context: { server: "shop", project: "/srv/shop", log_tail: ["one", "two"] },
    });
    const alert = await fired;
    assert.equal(alert.id, raised.id);
    assert.equal(alert.type, "SERVER_DOWN");
    assert.equal(core.statusBar(window.model, plainly).look, "error");
    const text = core.details(alert, window.model.alerts, plainly);
    assert.match(text, /shop is <b>down<\/b> `rm -rf ~`/);
    assert.match(text, /one\ntwo/);
    await until("its channel", async () => {
      await window.model.readAlerts();
      return window.model.alerts.find((each) => each.id === alert.id)?.channels.includes("vscode");
    });
    await window.connection.request("POST", `/alerts/${alert.id}/ack`, {});
    await until("acknowledged", () => window.model.firing.length === 0);
    assert.notEqual(core.statusBar(window.model, plainly).look, "error");
  });

  it("learns a mode that somebody else chooses", async () => {
    assert.equal((await program.run("mode", "test")).code, 0);
    await until("the mode", () => window.model.status?.mode === "test");
  });

  it("gives a refusal as OmniTray's sentence", async () => {
    await assert.rejects(window.connection.request("POST", "/mode", { mode: "holiday" }), (error) => {
      assert.ok(error instanceof core.RequestFailed);
      assert.equal(error.status, 422);
      return true;
    });
  });

  it("follows a new token", async () => {
    assert.equal((await program.run("token", "--rotate")).code, 0);
    await window.connection.request("POST", "/alerts", { type: "CRITICAL", title: "after the new token" }).catch(() => undefined);
    await until("connected again", async () => {
      try {
        return window.model.link === "connected" && (await window.connection.request("GET", "/status"));
      } catch {
        return false;
      }
    });
  });

  it("watches a server come up and go down", async () => {
    const command = [process.execPath, "-e", "require('http').createServer((q,a)=>a.end('ok')).listen(0)"];
    assert.equal((await program.run("serve", "toy", "--", ...command)).code, 0);
    const up = await until("up", () => window.model.servers.find((each) => each.name === "toy" && each.state === "up"));
    process.kill(up.pid, "SIGKILL");
    await until("not up", () => window.model.servers.find((each) => each.name === "toy").state !== "up");
    await until("the alert", () => window.model.firing.some((each) => each.type === "SERVER_DOWN"));
    await until("up again", () => window.model.servers.find((each) => each.name === "toy").state === "up");
    assert.equal((await program.run("server", "stop", "toy")).code, 0);
    await until("stopped", () => window.model.servers.find((each) => each.name === "toy").state === "stopped");
  });

  it("lists a run and what became of it", async () => {
    const ran = await program.run("run", "--name", "toy run", "--", process.execPath, "-e", "process.exit(3)");
    assert.equal(ran.code, 3, ran.output);
    const run = await until("the run", async () => {
      await window.model.readRuns();
      return window.model.runs.find((each) => each.name === "toy run" && each.state === "failed");
    });
    assert.match(core.runState(run, plainly), /exit 3/);
  });

  it("finds it again after kill -9 and a new start", async () => {
    await program.end("SIGKILL");
    await until("absent", () => window.model.link !== "connected");
    assert.equal(core.statusBar(window.model, plainly).look, "away");
    await program.start();
    await until("connected", () => window.model.link === "connected");
    assert.equal(core.readAddresses(core.addressFiles(program.folders))[0].pid, program.child.pid);
  });
});

describe("somebody else on the port", () => {
  it("is not sent the token", async () => {
    const program = new Program();
    const heard = [];
    const stranger = http.createServer((asked, answer) => {
      heard.push(JSON.stringify(asked.headers));
      answer.end('{"status":"ok"}');
    });
    await new Promise((resolve) => stranger.listen(0, "127.0.0.1", resolve));
    const token = "secret-of-this-test";
    fs.mkdirSync(program.folders.run, { recursive: true, mode: 0o700 });
    fs.writeFileSync(
      path.join(program.folders.run, "api.json"),
      JSON.stringify({ url: `http://127.0.0.1:${stranger.address().port}`, token, pid: 1, started: "" }),
      { mode: 0o600 },
    );
    const window = follow(program);
    await until("asked", () => heard.length > 0);
    await assert.rejects(window.connection.request("GET", "/status"), core.NotOurs);
    assert.equal(window.model.link === "connected", false);
    assert.equal(heard.some((each) => each.includes(token)), false);
    window.close();
    stranger.closeAllConnections();
    stranger.close();
    await program.remove();
  });
});
