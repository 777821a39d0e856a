/** The shapes of the redaction API (app/redaction/schemas.py). Frames are ordinals of the recording, half-open. */

import type { Keyframe } from "../workbench/types";

export interface Region {
  id: string;
  kind: "face" | "screen" | "plate" | "voice" | "other";
  decision: "pending" | "accepted" | "rejected";
  start_frame: number;
  end_frame: number;
  keyframes: readonly Keyframe[] | null;
}

export interface Redaction {
  id: string;
  regions: Region[];
}
