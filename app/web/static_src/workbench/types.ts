/** The shapes of the annotation API (app/annotation/schemas.py). Frames are ordinals of the recording, half-open. */

/** [x, y, width, height], each from 0 to 1 of the picture. */
export type Box = readonly [number, number, number, number];

export interface Keyframe {
  readonly frame: number;
  readonly box: Box;
  readonly outside: boolean;
}

export type Kind = "event" | "track" | "tag";

export interface Label {
  readonly kind: Kind;
  readonly label: string;
  readonly start_frame: number;
  readonly end_frame: number;
  readonly keyframes: readonly Keyframe[] | null;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A label on the workbench: `key` names it while the page is open. */
export interface Item extends Label {
  readonly key: string;
}

export interface Taxonomy {
  definition: Record<"events" | "tracks" | "tags", Record<string, string>>;
}

export interface Assignment {
  id: string;
  state: string;
  version: number;
  taxonomy: Taxonomy;
  annotations: Label[];
}

/** The clip's rows of the frame ledger; `pts` in units of time_base_num / time_base_den seconds. */
export interface FrameList {
  start_frame: number;
  time_base_num: number;
  time_base_den: number;
  pts: number[];
  end_pts: number;
}
