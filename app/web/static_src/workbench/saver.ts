/**
 * Saves within a second of every edit, and loses none: what is not acknowledged yet lies in this browser's storage,
 * is sent again until it is, and survives reloading. Saves carry the version they were made on, so that two windows
 * never overwrite one another silently.
 */

import { Refused, call, refreshToken } from "../shared/api";
import type { Assignment, Label } from "./types";

const QUIET_MS = 250;
const LONGEST_MS = 800;
const RETRY_MS = 3000;

export type SaveState = "saved" | "unsaved" | "saving" | "offline" | "signed-out" | "refused" | "conflict";

export interface Draft {
  version: number;
  labels: Label[];
}

interface Hooks {
  labels: () => Label[];
  show: (state: SaveState, detail: string) => void;
  /** Asks the person which set stays, when somebody saved meanwhile. */
  choose: (mine: Label[], stored: Assignment) => Promise<"mine" | "theirs">;
  take: (stored: Assignment) => void;
}

export class Saver {
  private timer = 0;
  private dirtySince = 0;
  private edits = 0;
  private running: Promise<void> | null = null;
  private settled = true;

  constructor(
    private readonly id: string,
    public version: number,
    private readonly hooks: Hooks,
  ) {
    addEventListener("online", () => void this.flush());
    addEventListener("pagehide", () => this.lastWord());
    addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") void this.flush();
    });
  }

  get path(): string {
    return `/api/v1/assignments/${this.id}/annotations`;
  }

  /** What an earlier visit could not save. */
  get draft(): Draft | null {
    try {
      return JSON.parse(localStorage.getItem(this.slot) ?? "null") as Draft | null;
    } catch {
      return null;
    }
  }

  /** Call after every edit. */
  edited(): void {
    this.settled = false;
    this.edits += 1;
    localStorage.setItem(this.slot, JSON.stringify({ version: this.version, labels: this.hooks.labels() }));
    this.hooks.show("unsaved", "");
    const now = performance.now();
    if (!this.timer) this.dirtySince = now;
    this.later(Math.min(QUIET_MS, Math.max(0, this.dirtySince + LONGEST_MS - now)));
  }

  /** Saves what is unsaved now; true when everything is stored. */
  async flush(): Promise<boolean> {
    clearTimeout(this.timer);
    this.timer = 0;
    while (this.running) await this.running;
    if (!this.settled) {
      this.running = this.save();
      await this.running;
    }
    return this.settled;
  }

  private get slot(): string {
    return `cordon.draft.${this.id}`;
  }

  private later(milliseconds: number): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.flush(), milliseconds);
  }

  private async save(): Promise<void> {
    const edits = this.edits;
    const labels = this.hooks.labels();
    this.hooks.show("saving", "");
    try {
      const answer = await this.put(labels);
      this.stored(((await answer.json()) as Assignment).version, edits);
    } catch (error) {
      await this.failed(error, labels, edits);
    } finally {
      this.running = null;
    }
  }

  private put(labels: Label[], keepalive = false): Promise<Response> {
    const headers = { "If-Match": `"${this.version}"` };
    return call("PUT", this.path, { body: { annotations: labels }, headers, keepalive });
  }

  private stored(version: number, edits: number): void {
    this.version = version;
    if (edits !== this.edits) return this.later(0); // edited again while this was on its way
    this.settled = true;
    localStorage.removeItem(this.slot);
    this.hooks.show("saved", "");
  }

  private async failed(error: unknown, labels: Label[], edits: number): Promise<void> {
    if (!(error instanceof Refused) || error.status >= 500 || error.status === 429) {
      this.hooks.show("offline", "");
      this.later(RETRY_MS);
    } else if (error.status === 401 || error.status === 403) {
      this.hooks.show("signed-out", "");
      if (error.status === 403) await refreshToken().catch(() => undefined);
      this.later(RETRY_MS);
    } else if (error.status === 412) {
      await this.conflict(labels, edits);
    } else {
      this.hooks.show("refused", error.detail);
    }
  }

  private async conflict(labels: Label[], edits: number): Promise<void> {
    const stored = (await (await call("GET", `/api/v1/assignments/${this.id}`)).json()) as Assignment;
    this.version = stored.version;
    if (same(stored.annotations, labels)) return this.stored(stored.version, edits); // our own save: its answer was lost
    this.hooks.show("conflict", "");
    if ((await this.hooks.choose(labels, stored)) === "mine") return this.later(0);
    this.edits += 1;
    this.settled = true;
    localStorage.removeItem(this.slot);
    this.hooks.take(stored);
    this.hooks.show("saved", "");
  }

  private lastWord(): void {
    if (!this.settled && !this.running) void this.put(this.hooks.labels(), true).catch(() => undefined);
  }
}

/** True when both say the same, whatever the order of labels and members and whatever the server added. */
export function same(one: readonly Label[], other: readonly Label[]): boolean {
  return one.map(spelt).sort().join() === other.map(spelt).sort().join();
}

function spelt(label: Label): string {
  const { kind, start_frame, end_frame } = label;
  const keyframes = label.keyframes?.map(({ frame, box, outside }) => [frame, box, outside]) ?? null;
  const attributes = Object.entries(label.attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([kind, label.label, start_frame, end_frame, keyframes, attributes]);
}
