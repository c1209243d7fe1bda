// The words of an `omnitray run` for a task.

export interface RunTask {
  readonly command: string;
  readonly args?: readonly string[];
  readonly name?: string;
  readonly memory?: string;
  readonly cpu?: number;
  readonly timeout?: string;
  readonly noKill?: boolean;
  readonly wait?: boolean;
  readonly workersFromMemory?: boolean;
}

/** The arguments of `omnitray` that run a task's command with its budget. */
export function runArguments(task: RunTask): string[] {
  const words = ["run"];
  for (const [option, value] of [
    ["--name", task.name],
    ["--memory", task.memory],
    ["--cpu", task.cpu?.toString()],
    ["--timeout", task.timeout],
  ] as const) {
    if (value) {
      words.push(option, value);
    }
  }
  for (const [option, isSet] of [
    ["--no-kill", task.noKill],
    ["--wait", task.wait],
    ["--workers-from-memory", task.workersFromMemory],
  ] as const) {
    if (isSet) {
      words.push(option);
    }
  }
  const args = task.args ?? [];
  // One text is split like a shell would, without a shell; with `args` it is the program alone.
  return [...words, "--", ...(args.length > 0 ? [task.command, ...args] : split(task.command))];
}

/** Words of a command line: quotes and backslashes as a POSIX shell reads them. */
export function split(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let at = 0; at < line.length; at++) {
    const sign = line.charAt(at);
    if (quote) {
      if (sign === quote) {
        quote = "";
      } else if (sign === "\\" && quote === '"' && '"\\$`'.includes(line.charAt(at + 1) || " ")) {
        word = (word ?? "") + line.charAt(++at);
      } else {
        word = (word ?? "") + sign;
      }
    } else if (sign === "'" || sign === '"') {
      quote = sign;
      word ??= "";
    } else if (sign === "\\") {
      word = (word ?? "") + line.charAt(++at);
    } else if (/\s/.test(sign)) {
      if (word !== undefined) {
        words.push(word);
      }
      word = undefined;
    } else {
      word = (word ?? "") + sign;
    }
  }
  return word === undefined ? words : [...words, word];
}
