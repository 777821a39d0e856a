/** What went wrong with a file, in a sentence for the person. */

import { Refused } from "../shared/api";
import { StoreRefused } from "./direct/put";
import { Unreadable } from "./hasher";

const KEPT = "What has arrived is kept: try again.";
export const UNREADABLE = "The file could not be read: choose it again.";

/** The recording that the force has of this very file, where that is what a refusal says; else "". */
export function recordingOf(error: unknown): string {
  const recording = error instanceof Refused && error.problem["recording_id"];
  return typeof recording === "string" ? recording : "";
}

/** Of what a sender gave up with; `status` and `body` are of the answer that it heard, where it does not hold it. */
export function reasonOf(error: unknown, status: number, body: string): string {
  if (error instanceof Unreadable) return UNREADABLE;
  if (error instanceof StoreRefused)
    return error.status
      ? `The store of footage refused a part (${error.status}). ${KEPT} Should it stay so, tell the operator.`
      : `The store of footage could not be reached. ${KEPT} Should it stay so, tell the operator.`;
  if (error instanceof Refused) return ofAnswer(error.status, JSON.stringify(error.problem));
  return ofAnswer(status, body);
}

function ofAnswer(status: number, body: string): string {
  if (status === 0) return `The server could not be reached. ${KEPT}`;
  if (status === 401 || status === 403)
    return "You were signed out: sign in again in another tab, then try again. What has arrived is kept.";
  try {
    const problem = JSON.parse(body) as { title?: string; detail?: string };
    return `${problem.title ?? "Refused"}${problem.detail ? `: ${problem.detail}` : ""}`;
  } catch {
    return "The server refused the file: try again.";
  }
}
