/** One part on its way to the store: no cookie of ours, no header but those that were signed. */

import type { Address } from "./api";

const STALLED_MS = 120_000;
const BY_BROWSER = "content-length"; // signed too, but a script may not set it: the browser does

/** The store took no part; `status` is 0 where nothing answered, or its answer was kept from this page. */
export class StoreRefused extends Error {
  constructor(readonly status: number) {
    super(`the store answered ${status}`); // never the address: whoever has it may write
  }
}

/** Sends `part`, telling how many bytes have left. Throws StoreRefused, or what `signal` was stopped with. */
export async function put(address: Address, part: Blob, sent: (bytes: number) => void, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted(); // while its address was asked for
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = (): void => request.abort();
    let watch = setTimeout(stop, STALLED_MS);
    request.open("PUT", address.url);
    for (const [name, value] of Object.entries(address.headers))
      if (name.toLowerCase() !== BY_BROWSER) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", ({ loaded }) => {
      clearTimeout(watch);
      watch = setTimeout(stop, STALLED_MS);
      sent(loaded);
    });
    request.addEventListener("loadend", () => {
      clearTimeout(watch);
      signal.removeEventListener("abort", stop);
      if (request.status === 200) return resolve();
      reject(signal.aborted ? (signal.reason as Error) : new StoreRefused(request.status));
    });
    signal.addEventListener("abort", stop);
    request.send(part);
  });
}
