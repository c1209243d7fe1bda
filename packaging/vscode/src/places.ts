// Where a test or an alert belongs: its folder, its file, its line.

import * as fs from "node:fs";
import * as path from "node:path";

import type { Alert, Server } from "./wire";

const MOST_BYTES = 4_000_000;

export interface Place {
  readonly file: string;
  /** The first line is 1. */
  readonly line: number;
  /** The test within its file. */
  readonly test: string;
  /** What the test run says of it; may be empty. */
  readonly error: string;
}

/** The folder that an alert is about; undefined where it is about the machine. */
export function projectOf(alert: Alert, servers: readonly Server[]): string | undefined {
  const { project, cwd, server } = alert.context;
  if (typeof project === "string" && path.isAbsolute(project)) {
    return project;
  }
  if (typeof cwd === "string" && path.isAbsolute(cwd)) {
    return cwd;
  }
  return servers.find((each) => each.name === server)?.cwd;
}

/** Whether a folder is one of these or lies in one of them, or contains one. */
export function concerns(project: string | undefined, folders: readonly string[]): boolean {
  return project !== undefined && folders.some((folder) => isWithin(project, folder) || isWithin(folder, project));
}

export function isWithin(inner: string, outer: string): boolean {
  const way = path.relative(outer, inner);
  return way === "" || (!way.startsWith("..") && !path.isAbsolute(way));
}

/** The failing tests of an alert, each with its file and line. */
export function failures(alert: Alert): Place[] {
  const { project, failed } = alert.context;
  if (typeof project !== "string" || !path.isAbsolute(project)) {
    return [];
  }
  const rows: unknown[] = Array.isArray(failed) && failed.length > 0 ? failed : [alert.context];
  return rows.map((row) => failure(project, row)).filter((each) => each !== undefined);
}

function failure(project: string, row: unknown): Place | undefined {
  const { nodeid, error, file, line } = (row ?? {}) as Record<string, unknown>;
  if (typeof nodeid !== "string") {
    return undefined;
  }
  const [relative = "", ...names] = nodeid.split("::");
  const found = path.resolve(project, typeof file === "string" && file ? file : relative);
  if (!isWithin(found, project)) {
    return undefined; // a node id comes from outside: it opens nothing beside its project
  }
  return {
    file: found,
    line: Number.isInteger(line) && (line as number) > 0 ? (line as number) : lineOf(found, names),
    test: names.join("::") || relative,
    error: typeof error === "string" ? error : "",
  };
}

/** The line of a test's definition; 1 where it is not found. */
function lineOf(file: string, names: readonly string[]): number {
  let text: string;
  try {
    if (!fs.statSync(file).isFile() || fs.statSync(file).size > MOST_BYTES) {
      return 1;
    }
    text = fs.readFileSync(file, "utf8");
  } catch {
    return 1;
  }
  const name = (names.at(-1) ?? "").replace(/\[.*$/s, "");
  if (!/^\w+$/.test(name)) {
    return 1;
  }
  const at = new RegExp(`^\\s*(?:async\\s+)?(?:def|class)\\s+${name}\\b`, "m").exec(text);
  // The match may begin with blank lines before the definition.
  return at ? text.slice(0, at.index + at[0].search(/\S/)).split("\n").length : 1;
}
