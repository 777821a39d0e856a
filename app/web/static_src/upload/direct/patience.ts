/** Trying again what failed in passing, with the pauses that every sender here makes. */

import { Refused } from "../../shared/api";
import { StoreRefused } from "./put";

export const PATIENCE_MS = [0, 1000, 3000, 5000, 10_000, 20_000, 30_000, 60_000];
const PASSING = [408, 425, 429, 460];
const IN_DOUBT = "idempotency-in-doubt"; // the same request is being answered just now
// The store's answers to a part that was damaged on the way, and to an address that is too old.
const PASSING_OF_STORE = [0, 400, 403];

function isPassing(error: unknown): boolean {
  if (error instanceof TypeError) return true; // nothing answered
  if (error instanceof StoreRefused && PASSING_OF_STORE.includes(error.status)) return true;
  if (!(error instanceof Refused || error instanceof StoreRefused)) return false;
  if (error instanceof Refused && error.isA(IN_DOUBT)) return true;
  return PASSING.includes(error.status) || error.status >= 500;
}

/** Waits, shorter where the line comes back meanwhile. Rejects when `signal` stops it. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    const end = (): void => {
      clearTimeout(timer);
      over.abort();
      if (signal.aborted) reject(signal.reason as Error);
      else resolve();
    };
    const timer = setTimeout(end, ms);
    addEventListener("online", end, { signal: over.signal });
    signal.addEventListener("abort", end, { signal: over.signal });
    if (signal.aborted) end();
  });
}

/** What `ask` gives, asked again after passing faults. Throws its last error, or what `signal` was stopped with. */
export async function patiently<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  for (const ms of PATIENCE_MS) {
    signal.throwIfAborted();
    try {
      return await ask();
    } catch (error) {
      signal.throwIfAborted();
      if (!isPassing(error)) throw error;
    }
    await pause(ms, signal);
  }
  signal.throwIfAborted();
  return ask();
}
