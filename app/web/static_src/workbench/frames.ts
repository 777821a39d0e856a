/** Frames and their times, by the ledger alone: never a frame number divided by a rate. */

import type { FrameList } from "./types";

export class Frames {
  readonly first: number;
  readonly end: number;
  private readonly times: readonly number[];
  private readonly slack: number;

  constructor(list: FrameList) {
    const zero = list.pts[0] ?? 0;
    const seconds = (pts: number): number => ((pts - zero) * list.time_base_num) / list.time_base_den;
    this.times = [...list.pts, list.end_pts].map(seconds);
    this.first = list.start_frame;
    this.end = list.start_frame + list.pts.length;
    const gaps = this.times.slice(1).map((time, index) => time - (this.times[index] ?? 0));
    this.slack = Math.min(0.002, Math.min(...gaps) / 4); // the film's own time base may round each stamp
  }

  get duration(): number {
    return this.times.at(-1) ?? 0;
  }

  clamp(frame: number): number {
    return Math.max(this.first, Math.min(this.end - 1, Math.round(frame)));
  }

  /** Seconds from the clip's start at which `frame` begins; of `end`, when the last frame ends. */
  timeOf(frame: number): number {
    return this.times[Math.max(0, Math.min(this.times.length - 1, frame - this.first))] ?? 0;
  }

  /** A time that lies safely inside the frame: where to seek so that exactly this frame is shown. */
  middleOf(frame: number): number {
    return (this.timeOf(frame) + this.timeOf(frame + 1)) / 2;
  }

  /** The frame on show at `seconds`. */
  at(seconds: number): number {
    let low = 0;
    let high = this.times.length - 2;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.times[middle] ?? 0) <= seconds + this.slack) low = middle;
      else high = middle - 1;
    }
    return this.first + low;
  }

  /** Where a frame's start lies on the clip's length, from 0 to 1. */
  share(frame: number): number {
    return this.duration ? this.timeOf(frame) / this.duration : 0;
  }
}

/** Seconds as minutes, seconds and thousandths. */
export function clock(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(3).padStart(6, "0")}`;
}
