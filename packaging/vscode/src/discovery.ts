// Where a running OmniTray answers: `api.json`, found as the Python client finds it.

import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

const POINTER = "run-folder";
const MOST_BYTES = 4096;

/** What `api.json` says. The token must not reach a log. */
export interface Address {
  readonly url: string;
  readonly token: string;
  readonly pid: number;
  readonly started: string;
}

/** The folders of OmniTray that a client needs. */
export interface Folders {
  readonly data: string;
  readonly run: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The folders of this user's OmniTray.
 *
 * `home` is the setting `omnitray.home`; without it `OMNITRAY_HOME` counts, then the desktop's own
 * places (XDG on Linux, Library on macOS, LOCALAPPDATA on Windows).
 */
export function findFolders(
  home: string,
  environment: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
): Folders {
  const user = environment.HOME ?? os.homedir();
  const root = home !== "" ? home : (environment.OMNITRAY_HOME ?? "");
  if (root) {
    const whole = path.resolve(root.replace(/^~(?=$|[/\\])/, user));
    return { data: path.join(whole, "data"), run: path.join(whole, "run") };
  }
  if (platform === "darwin") {
    const support = path.join(user, "Library", "Application Support", "omnitray");
    return { data: support, run: path.join(unixRunFolder(environment), "omnitray") };
  }
  if (platform === "win32") {
    const local = environment.LOCALAPPDATA ?? path.join(user, "AppData", "Local");
    return {
      data: path.join(local, "omnitray"),
      run: path.join(local, "Temp", "omnitray"),
    };
  }
  const share = absolute(environment.XDG_DATA_HOME) ?? path.join(user, ".local", "share");
  return { data: path.join(share, "omnitray"), run: path.join(unixRunFolder(environment), "omnitray") };
}

function unixRunFolder(environment: Environment): string {
  const uid = process.getuid?.() ?? 0;
  for (const folder of [environment.XDG_RUNTIME_DIR, `/run/user/${uid}`]) {
    if (folder && isOwnFolder(folder, uid)) {
      return folder;
    }
  }
  return path.join(environment.TMPDIR ?? os.tmpdir(), `runtime-${uid}`);
}

function absolute(folder: string | undefined): string | undefined {
  return folder && path.isAbsolute(folder) ? folder : undefined;
}

/** Whether a session folder can be used: it may be left over from another user, or have gone. */
function isOwnFolder(folder: string, uid: number): boolean {
  try {
    fs.accessSync(folder, fs.constants.W_OK | fs.constants.X_OK);
    return path.isAbsolute(folder) && fs.statSync(folder).uid === uid;
  } catch {
    return false;
  }
}

/** Where `api.json` may stand, the likeliest first: the instance writes down its run folder in its data. */
export function addressFiles(folders: Folders): string[] {
  const pointed = readSmall(path.join(folders.data, POINTER))?.trim();
  const runs = pointed ? [folders.run, pointed] : [folders.run];
  return [...new Set(runs)].map((run) => path.join(run, "api.json"));
}

/** The addresses that stand in these files; a file of another user, or one that is damaged, has none. */
export function readAddresses(files: readonly string[]): Address[] {
  return files.map(readAddress).filter((each) => each !== undefined);
}

function readAddress(file: string): Address | undefined {
  const text = readSmall(file);
  if (text === undefined) {
    return undefined;
  }
  try {
    const found = JSON.parse(text) as Partial<Record<keyof Address, unknown>> | null;
    if (typeof found?.url === "string" && typeof found.token === "string" && found.token) {
      return {
        url: found.url,
        token: found.token,
        pid: typeof found.pid === "number" ? found.pid : 0,
        started: typeof found.started === "string" ? found.started : "",
      };
    }
  } catch {
    return undefined; // half written: the next look finds it whole
  }
  return undefined;
}

/** The text of a small regular file of this user; undefined for anything else (a pipe, a link, a device). */
function readSmall(file: string): string | undefined {
  let handle: number | undefined;
  try {
    const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = fs.constants as Partial<typeof fs.constants> & {
      O_RDONLY: number;
    };
    handle = fs.openSync(file, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    const found = fs.fstatSync(handle);
    const uid = process.getuid?.();
    if (!found.isFile() || found.size > MOST_BYTES || (uid !== undefined && found.uid !== uid)) {
      return undefined;
    }
    const buffer = Buffer.alloc(MOST_BYTES);
    return buffer.toString("utf8", 0, fs.readSync(handle, buffer, 0, MOST_BYTES, 0));
  } catch {
    return undefined; // there is none, or it cannot be read
  } finally {
    if (handle !== undefined) {
      fs.closeSync(handle);
    }
  }
}
