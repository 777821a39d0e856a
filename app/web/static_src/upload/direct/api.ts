/** What the service says of an upload that goes straight to the store. Every function throws Refused, and TypeError where
 * nothing answered. */

import { call, Refused } from "../../shared/api";

const DIRECT = "/api/v1/uploads/direct";
const LISTED_AT_ONCE = 200;
const WHOLE = ["received", "recorded"];
const OVER = "rejected";

export interface Upload {
  id: string;
  state: string;
  length: number;
  part_size: number;
  part_count: number;
  declared_sha256: string | null;
}

/** Where one part may be sent with PUT, and the headers that must go with it; for five minutes. */
export interface Address {
  url: string;
  headers: Record<string, string>;
}

export interface Opening {
  exercise_id: string;
  filename: string;
  length: number;
  [said: string]: unknown;
}

/** Opens an upload; asked again with the same `key`, it opens no second one. */
export async function open(said: Opening, key: string): Promise<Upload> {
  return (await (await call("POST", DIRECT, { body: said, headers: { "Idempotency-Key": key } })).json()) as Upload;
}

/** An upload that was begun before; null where it has ended without becoming whole, or is not ours. */
export async function find(id: string): Promise<Upload | null> {
  try {
    const upload = (await (await call("GET", `${DIRECT}/${id}`)).json()) as Upload;
    return upload.state === OVER ? null : upload;
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}

export function isWhole(upload: Upload): boolean {
  return WHOLE.includes(upload.state);
}

/** The digests of the parts that the store holds, by number; null where the upload has expired. */
export async function held(id: string): Promise<Map<number, string> | null> {
  try {
    return await listed(id);
  } catch (error) {
    if (error instanceof Refused && error.isA("upload-gone")) return null;
    throw error;
  }
}

async function listed(id: string): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: Response = await call("GET", `${DIRECT}/${id}/parts?limit=${LISTED_AT_ONCE}${cursor && `&cursor=${cursor}`}`);
    const parts = (await page.json()) as { items: { number: number; sha256: string | null }[]; next_cursor: string | null };
    for (const part of parts.items) if (part.sha256) found.set(part.number, part.sha256);
    cursor = parts.next_cursor;
  }
  return found;
}

export async function addressOf(id: string, number: number, sha256: string): Promise<Address> {
  const answer = await call("POST", `${DIRECT}/${id}/parts`, { body: { parts: [{ number, sha256 }] } });
  return ((await answer.json()) as { parts: [Address] }).parts[0];
}

export async function complete(id: string, sha256: string): Promise<void> {
  await call("POST", `${DIRECT}/${id}/complete`, { body: { sha256 } });
}

/** Ends an unfinished upload: what the store holds of it is removed. */
export async function giveUp(id: string): Promise<void> {
  await call("DELETE", `${DIRECT}/${id}`, { keepalive: true });
}
