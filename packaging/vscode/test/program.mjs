// The real OmniTray, headless, its protector off, in folders of its own.

import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
export const core = require("../dist/core.js");

const ROOT = process.env.OMNITRAY_ROOT ?? path.resolve(import.meta.dirname, "../../..");
export const PYTHON = process.env.OMNITRAY_PYTHON ?? path.join(ROOT, ".venv", "bin", "python");
const PATIENCE_MS = 60_000;

/** Wait until something holds; fails with its name. */
export async function until(what, holds) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await holds();
    if (found) {
      return found;
    }
    if (Date.now() > end) {
      throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export class Program {
  constructor(settings = "") {
    this.home = fs.mkdtempSync(path.join(os.tmpdir(), "omnitray-vscode-"));
    fs.mkdirSync(path.join(this.home, "config"), { mode: 0o700 });
    fs.writeFileSync(path.join(this.home, "config", "config.toml"), `[protect]\nstate = "off"\n[api]\nport = 0\n${settings}`);
    this.folders = core.findFolders(this.home);
  }

  async start() {
    const { DISPLAY, WAYLAND_DISPLAY, ...rest } = process.env;
    this.output = "";
    this.child = spawn(PYTHON, ["-m", "omnitray", "--headless"], {
      cwd: ROOT,
      env: { ...rest, OMNITRAY_HOME: this.home },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.ended = new Promise((resolve) => this.child.once("exit", resolve));
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on("data", (part) => {
        this.output += part;
      });
    }
    await until("api.json", () => core.readAddresses(core.addressFiles(this.folders)).some((each) => each.pid === this.child.pid));
    return this;
  }

  /** One line of the command line. */
  async run(...words) {
    const child = spawn(PYTHON, ["-m", "omnitray", ...words], {
      cwd: ROOT,
      env: { ...process.env, OMNITRAY_HOME: this.home },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stdout.on("data", (part) => (output += part));
    child.stderr.on("data", (part) => (output += part));
    const code = await new Promise((resolve) => child.once("exit", resolve));
    return { code, output };
  }

  async end(signal = "SIGTERM") {
    if (this.child?.exitCode === null && this.child.signalCode === null) {
      this.child.kill(signal);
      await this.ended;
    }
  }

  async remove() {
    await this.end();
    fs.rmSync(this.home, { recursive: true, force: true });
  }
}

/** A connection and its model, as the editor has them. */
export function follow(program) {
  const connection = new core.Connection({ folders: program.folders });
  const model = new core.Model(connection);
  connection.start();
  return {
    connection,
    model,
    close() {
      model.close();
      connection.close();
    },
  };
}

export const plainly = (sentence, ...values) => sentence.replace(/\{(\d)\}/g, (_, at) => String(values[Number(at)]));
