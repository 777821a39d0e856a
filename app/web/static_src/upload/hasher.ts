/** Digests of chosen files, taken one after another while they wait or are being sent. */

import type { Asked, Told } from "./hash.worker";

interface Waiting {
  resolve(digest: string): void;
  reject(error: Error): void;
  progress(read: number): void;
}

export class Hasher {
  private readonly worker = new Worker(new URL("./hash.worker.ts", import.meta.url), { type: "module" });
  private readonly waiting = new Map<string, Waiting>();
  private readonly taken = new Map<string, Promise<string>>();

  constructor() {
    this.worker.addEventListener("message", (event: MessageEvent<Told>) => this.heard(event.data));
  }

  /** The file's SHA-256 as hexadecimal digits; taken once for each id. Rejects where the file cannot be read. */
  digest(id: string, file: File, progress: (read: number) => void): Promise<string> {
    const there = this.taken.get(id);
    if (there) return there;
    const taking = new Promise<string>((resolve, reject) => this.waiting.set(id, { resolve, reject, progress }));
    this.taken.set(id, taking);
    this.worker.postMessage({ id, file } satisfies Asked);
    return taking;
  }

  forget(id: string): void {
    this.taken.delete(id);
  }

  private heard(told: Told): void {
    const waiting = this.waiting.get(told.id);
    if (!waiting) return;
    waiting.progress(told.read);
    if (told.digest === undefined && !told.failed) return;
    this.waiting.delete(told.id);
    if (told.digest !== undefined) return waiting.resolve(told.digest);
    this.taken.delete(told.id);
    waiting.reject(new Error("the file could not be read"));
  }
}
