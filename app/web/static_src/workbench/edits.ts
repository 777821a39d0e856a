/** Edits of labels as pure functions: each returns a new label that the server will accept. */

import type { Box, Item, Keyframe, Label } from "./types";

let made = 0;

/** Gives a label its key. */
export function keyed(label: Label): Item {
  made += 1;
  const { kind, start_frame, end_frame, keyframes, attributes } = label;
  return { key: `label-${made}`, kind, label: label.label, start_frame, end_frame, keyframes, attributes };
}

/** The label as the API takes it. */
export function plain(item: Item): Label {
  const { key: _key, ...label } = item;
  return label;
}

/** Sets the first frame; a track's boxes move with it: the box on show there becomes its first keyframe. */
export function withStart(item: Item, frame: number, first: number): Item {
  const start = Math.max(first, Math.min(frame, item.end_frame - 1));
  if (item.kind !== "track") return { ...item, start_frame: start };
  const opening: Keyframe = { frame: start, box: boxAt(item, start).box, outside: false };
  const later = (item.keyframes ?? []).filter((k) => k.frame > start);
  return { ...item, start_frame: start, keyframes: [opening, ...later] };
}

/** Sets the end (the frame after the last); keyframes behind it go. */
export function withEnd(item: Item, frame: number, end: number): Item {
  const stop = Math.min(end, Math.max(frame, item.start_frame + 1));
  const keyframes = item.keyframes?.filter((k) => k.frame < stop) ?? null;
  return { ...item, end_frame: stop, keyframes };
}

/** Puts a keyframe at `frame`, which must lie inside the track. */
export function withBox(item: Item, frame: number, box: Box, outside = false): Item {
  const others = (item.keyframes ?? []).filter((k) => k.frame !== frame);
  const keyframes = [...others, { frame, box: inside(box), outside }].sort((a, b) => a.frame - b.frame);
  return { ...item, keyframes };
}

/** Removes the keyframe at `frame`; the first one stays, for it opens the track. */
export function withoutKeyframe(item: Item, frame: number): Item {
  if (frame === item.start_frame) return item;
  return { ...item, keyframes: (item.keyframes ?? []).filter((k) => k.frame !== frame) };
}

/** The box at `frame`: on a straight line between keyframes, still after the last; `outside` until the next keyframe. */
export function boxAt(item: Item, frame: number): { box: Box; outside: boolean; exact: boolean } {
  return boxOn(item.keyframes ?? [], frame);
}

/** The same for keyframes alone. */
export function boxOn(keyframes: readonly Keyframe[], frame: number): { box: Box; outside: boolean; exact: boolean } {
  const before = keyframes.findLast((k) => k.frame <= frame) ?? keyframes[0];
  if (!before) return { box: [0.4, 0.4, 0.2, 0.2], outside: false, exact: false };
  const after = keyframes.find((k) => k.frame > frame);
  const exact = before.frame === frame;
  if (exact || !after || before.outside || before.frame > frame)
    return { box: before.box, outside: before.outside, exact };
  const part = (frame - before.frame) / (after.frame - before.frame);
  const box = before.box.map((value, i) => value + part * ((after.box[i] ?? value) - value));
  return { box: box as unknown as Box, outside: false, exact };
}

/** The box moved and shrunk as little as needed to lie inside the picture. */
export function inside([x, y, w, h]: Box): Box {
  const width = Math.max(0.005, Math.min(1, w));
  const height = Math.max(0.005, Math.min(1, h));
  const left = Math.max(0, Math.min(1 - width, x));
  const top = Math.max(0, Math.min(1 - height, y));
  return [left, top, width, height].map((value) => Math.round(value * 1e5) / 1e5) as unknown as Box;
}
