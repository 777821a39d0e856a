/** Digests of chosen files, taken one after another while they wait or are being sent. */

import type { Asked, Told } from "./hash.worker";

interface Waiting {
  resolve(digest: string): void;
  reject(error: Error): void;
  progress(read: number): void;
}

export class Unreadable extends Error {}

export class Hasher {
  private readonly worker = this.makeWorker();
  private partWorker: Worker | undefined; // apart: a sender waits for a part, and would for whole files before it
  private readonly waiting = new Map<string, Waiting>();
  private readonly taken = new Map<string, Promise<string>>();
  private parts = 0;

  /** The file's SHA-256 as hexadecimal digits; taken once for each id. Rejects where the file cannot be read. */
  digest(id: string, file: File, progress: (read: number) => void): Promise<string> {
    const there = this.taken.get(id);
    if (there) return there;
    const taking = this.ask(this.worker, { id, file, part: false }, progress);
    this.taken.set(id, taking);
    return taking;
  }

  /** The SHA-256 of a piece that fits into memory, taken at once. Rejects where the file cannot be read. */
  digestOfPart(part: Blob): Promise<string> {
    this.partWorker ??= this.makeWorker();
    return this.ask(this.partWorker, { id: `part ${++this.parts}`, file: part, part: true }, () => undefined);
  }

  forget(id: string): void {
    this.taken.delete(id);
  }

  private makeWorker(): Worker {
    const worker = new Worker(new URL("./hash.worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", (event: MessageEvent<Told>) => this.heard(event.data));
    return worker;
  }

  private ask(worker: Worker, asked: Asked, progress: Waiting["progress"]): Promise<string> {
    return new Promise((resolve, reject) => {
      this.waiting.set(asked.id, { resolve, reject, progress });
      worker.postMessage(asked);
    });
  }

  private heard(told: Told): void {
    const waiting = this.waiting.get(told.id);
    if (!waiting) return;
    waiting.progress(told.read);
    if (told.digest === undefined && !told.failed) return;
    this.waiting.delete(told.id);
    if (told.digest !== undefined) return waiting.resolve(told.digest);
    this.taken.delete(told.id);
    waiting.reject(new Unreadable("the file could not be read"));
  }
}
