// Which pop-up is shown, and in which window: one at a time, the rest counted.

import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

const OLD_MS = 3_600_000;
const FOCUSED_PAUSE_MS = 150;
const OTHER_PAUSE_MS = 450; // longer than an extension host takes to see the same event

/** How near a window is to what a pop-up is about. */
export type Nearness = "project" | "focused" | "other";

/**
 * Several windows see the same event: the first that makes a file of its name shows the pop-up.
 *
 * The window of the project tries at once, the one in front a little later, the others last.
 */
export class Claims {
  constructor(private readonly folder: string) {}

  /** Whether this window may show what has that name; waits by how near it is. */
  async take(name: string, nearness: Nearness): Promise<boolean> {
    const pause = { project: 0, focused: FOCUSED_PAUSE_MS, other: OTHER_PAUSE_MS }[nearness];
    if (pause > 0) {
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    const file = path.join(this.folder, crypto.createHash("sha256").update(name).digest("hex").slice(0, 32));
    try {
      fs.mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      fs.closeSync(fs.openSync(file, "wx", 0o600));
      return true;
    } catch (error) {
      // Where no file can be made, a pop-up in two windows is better than none.
      return (error as NodeJS.ErrnoException).code !== "EEXIST";
    }
  }

  /** Remove what is old: an event is not sent again after that time. */
  sweep(now: number = Date.now()): void {
    let names: string[];
    try {
      names = fs.readdirSync(this.folder);
    } catch {
      return; // nothing was claimed yet
    }
    for (const name of names) {
      const file = path.join(this.folder, name);
      try {
        if (now - fs.statSync(file).mtimeMs > OLD_MS) {
          fs.unlinkSync(file);
        }
      } catch {
        continue; // another window was faster
      }
    }
  }
}

export interface PopUp {
  readonly key: string;
  readonly rank: number;
  /** Whether there is still something to say; asked before it is shown. */
  isCurrent(): boolean;
  /** Shows it with the number of others that wait; settles when it is closed. */
  show(waiting: number): Promise<void>;
}

/**
 * Shows one pop-up at a time: the weightiest of those that wait and still hold. The editor cannot
 * take one back: one whose cause is over, and which the person leaves open, keeps no other waiting.
 */
export class PopUpQueue {
  private waiting: PopUp[] = [];
  private open: PopUp | undefined;

  get length(): number {
    return this.waiting.length;
  }

  offer(popUp: PopUp): void {
    this.waiting = [...this.waiting.filter((each) => each.key !== popUp.key), popUp];
    this.next();
  }

  clear(): void {
    this.waiting = [];
  }

  /** Show the next one where none is open that still holds; to be called when something changes. */
  next(): void {
    if (this.open?.isCurrent()) {
      return;
    }
    const popUp = (this.open = this.pick());
    if (popUp) {
      const closed = (): void => {
        if (this.open === popUp) {
          this.open = undefined;
          this.next();
        }
      };
      popUp.show(this.waiting.length).then(closed, closed);
    }
  }

  private pick(): PopUp | undefined {
    this.waiting = this.waiting.filter((each) => each.isCurrent());
    const best = this.waiting.reduce<PopUp | undefined>(
      (found, each) => (found && found.rank > each.rank ? found : each),
      undefined,
    );
    this.waiting = this.waiting.filter((each) => each !== best);
    return best;
  }
}
