/** Takes the SHA-256 of files off the page's thread, in one pass, piece by piece: a file may be larger than memory. That
 * of a part, which is not, is taken at once and by the browser itself. */

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

export type Asked = { id: string; file: Blob; part: boolean };
export type Told = { id: string; read: number; digest?: string; failed?: boolean };

const tell = (told: Told): void => (self as unknown as { postMessage(message: Told): void }).postMessage(told);

async function digest({ id, file }: Asked): Promise<void> {
  const hash = sha256.create();
  const reader = file.stream().getReader();
  let read = 0;
  let last = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    hash.update(value);
    read += value.length;
    if (read - last > 2 ** 25) tell({ id, read: (last = read) });
  }
  tell({ id, read, digest: bytesToHex(hash.digest()) });
}

async function digestPart({ id, file }: Asked): Promise<void> {
  const found = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  tell({ id, read: file.size, digest: bytesToHex(new Uint8Array(found)) });
}

// One after another: two at a time would only make a spinning disk seek.
let queue = Promise.resolve();
self.addEventListener("message", (event: MessageEvent<Asked>) => {
  const asked = event.data;
  const failed = (): void => tell({ id: asked.id, read: 0, failed: true });
  if (asked.part) void digestPart(asked).catch(failed);
  else queue = queue.then(() => digest(asked)).catch(failed);
});
