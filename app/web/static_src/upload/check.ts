/** Asks the server what it would refuse, and what the force handed over before, before a byte is sent. */

import { call } from "../shared/api";

export interface Candidate {
  filename: string;
  length: number;
  sha256: string | null;
  details: Record<string, string>;
}

export interface Found {
  filename: string;
  problems: { field: string; message: string }[];
  duplicate_of: string | null;
}

const AT_ONCE = 1000;

/** One answer for each file, in their order. Throws Refused where the exercise takes nothing. */
export async function check(exercise: string, files: Candidate[]): Promise<Found[]> {
  const found: Found[] = [];
  for (let at = 0; at < files.length; at += AT_ONCE) {
    const body = { exercise_id: exercise, files: files.slice(at, at + AT_ONCE) };
    const answer = await call("POST", "/api/v1/uploads/check", { body });
    found.push(...((await answer.json()) as { files: Found[] }).files);
  }
  return found;
}
