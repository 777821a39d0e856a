/** One file straight into the store: opened or taken up again, sent part by part, joined. */

import { Refused } from "../../shared/api";
import * as api from "./api";
import { patiently } from "./patience";
import { put } from "./put";

const PARTS_AT_ONCE = 2;

/** What a transfer is told, and whom it tells. */
export interface Job {
  readonly file: File;
  /** What the upload is opened with. */
  readonly said: api.Opening;
  /** Opened twice with the same key, it is one upload. */
  readonly key: string;
  /** The upload that an earlier run began, "" for none. */
  readonly before: string;
  /** The whole's SHA-256, once it is known. */
  digest(): Promise<string>;
  /** That of the bytes from `start` to `end`. */
  digestOfPart(start: number, end: number): Promise<string>;
  /** Says what the whole must hash to, before its last bytes are sent. Throws Refused. */
  declare(id: string, sha256: string): Promise<void>;
  /** An upload was opened: what is to be remembered of it. */
  opened(id: string): void;
  /** How many bytes have left, and how many of them the store keeps. */
  progressed(sent: number, kept: number): void;
}

export class Transfer {
  private upload!: api.Upload;
  private held = new Map<number, string>(); // digests of parts that the store has, by number
  private out = new Map<number, number>(); // bytes that have left, by the part under way
  private readonly stop = new AbortController();
  private readonly stopped: Promise<never>;

  /** `signal` pauses it: another transfer goes on where it stopped. */
  constructor(
    private readonly job: Job,
    signal: AbortSignal,
  ) {
    signal.addEventListener("abort", () => this.stop.abort(signal.reason), { signal: this.stop.signal });
    this.stopped = new Promise((_, reject) =>
      this.stop.signal.addEventListener("abort", () => reject(this.stop.signal.reason as Error)),
    );
    this.stopped.catch(() => undefined);
  }

  /** Sends what the store lacks and has it joined. Throws Refused, StoreRefused, TypeError, or the signal's reason. */
  async run(): Promise<void> {
    try {
      if (await this.takeUp()) return;
      await this.sendParts();
      await this.finish();
    } finally {
      this.stop.abort(); // when one part fails, the others need not go on
    }
  }

  /** Finds what an earlier run began, or begins; true where that had arrived whole. */
  private async takeUp(): Promise<boolean> {
    const id = this.job.before;
    const found = id ? await this.patiently(() => api.find(id)) : null;
    if (found && api.isWhole(found) && found.declared_sha256 === (await this.digest())) return true;
    const held = found && !api.isWhole(found) ? await this.patiently(() => api.held(id)) : null;
    if (found && held) {
      this.upload = found;
      this.held = held;
      this.tell();
      return false;
    }
    this.upload = await this.patiently(() => api.open(this.job.said, this.job.key));
    this.job.opened(this.upload.id);
    return false;
  }

  private async sendParts(): Promise<void> {
    const numbers = Array.from({ length: this.upload.part_count }, (_, at) => at + 1).values();
    const line = async (): Promise<void> => {
      for (const number of numbers) await this.sendPart(number);
    };
    await Promise.all(Array.from({ length: PARTS_AT_ONCE }, line));
  }

  private async sendPart(number: number): Promise<void> {
    const { id, part_count: count } = this.upload;
    const [start, end] = this.bounds(number);
    // the last part waits for the whole's digest: what the force handed over before is not sent to its end
    if (number === count) await this.declare();
    const digest = await Promise.race([this.job.digestOfPart(start, end), this.stopped]);
    if (this.held.get(number) === digest) return;
    this.held.delete(number);
    await this.patiently(async () => {
      const address = await api.addressOf(id, number, digest); // a new one each time: the last may be too old
      const part = this.job.file.slice(start, end);
      await put(address, part, (bytes) => this.left(number, bytes), this.stop.signal);
    });
    this.held.set(number, digest);
    this.out.delete(number);
    this.tell();
  }

  private async declare(): Promise<void> {
    const digest = await this.digest();
    await this.patiently(() => this.job.declare(this.upload.id, digest));
  }

  private async finish(): Promise<void> {
    try {
      await this.complete();
    } catch (error) {
      const missing = missingOf(error);
      if (!missing) throw error;
      // declared and never stored, or not as declared: sent once more, all of them where none is named
      const held = missing.length ? await this.patiently(() => api.held(this.upload.id)) : null;
      this.held = held ?? new Map<number, string>();
      for (const number of missing) this.held.delete(number);
      await this.sendParts();
      await this.complete();
    }
  }

  private async complete(): Promise<void> {
    const digest = await this.digest();
    await this.patiently(() => api.complete(this.upload.id, digest));
  }

  private digest(): Promise<string> {
    return Promise.race([this.job.digest(), this.stopped]);
  }

  /** Where a part begins and ends, in bytes. */
  private bounds(number: number): [number, number] {
    const { part_size: size, length } = this.upload;
    return [(number - 1) * size, Math.min(number * size, length)];
  }

  private left(number: number, bytes: number): void {
    this.out.set(number, bytes);
    this.tell();
  }

  private tell(): void {
    if (this.stop.signal.aborted) return; // another goes on where it stopped
    let kept = 0;
    for (const number of this.held.keys()) {
      const [start, end] = this.bounds(number);
      kept += end - start;
    }
    this.job.progressed([...this.out.values()].reduce((sum, bytes) => sum + bytes, kept), kept);
  }

  private patiently<T>(ask: () => Promise<T>): Promise<T> {
    return patiently(this.stop.signal, ask);
  }
}

/** The parts that the service misses at the end; null for any other error. */
function missingOf(error: unknown): number[] | null {
  if (!(error instanceof Refused && error.isA("parts-missing"))) return null;
  return (error.problem["missing"] as number[] | undefined) ?? [];
}
