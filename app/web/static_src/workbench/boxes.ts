/** Boxes over the picture: shown for every track, drawn anew, moved and resized for the selected one. */

import { svg } from "../shared/dom";
import { boxAt, inside, withBox } from "./edits";
import type { Player } from "./player";
import type { Store } from "./store";
import type { Box, Item } from "./types";

const UNITS = 1000;
const HANDLE = 14;
const LEAST = 0.01;

type Point = readonly [number, number];

/** Sends "drawn" with the new box (CustomEvent<Box>) when one was drawn. */
export class Boxes extends EventTarget {
  private armed = false;

  constructor(
    private readonly surface: SVGSVGElement,
    private readonly store: Store,
    private readonly player: Player,
    private readonly colourOf: (label: string) => string,
    private readonly editable: boolean,
  ) {
    super();
    for (const name of ["labels", "select"]) store.addEventListener(name, () => this.draw());
    player.addEventListener("frame", () => this.draw());
    if (editable) surface.addEventListener("pointerdown", (event) => this.begin(event));
    this.draw();
  }

  get drawing(): boolean {
    return this.armed;
  }

  /** While armed, dragging over the picture draws a new box. */
  arm(on: boolean): void {
    this.armed = on;
    this.surface.classList.toggle("wb-boxes--armed", on);
    this.dispatchEvent(new Event("armed"));
  }

  private draw(): void {
    const { frame } = this.player;
    const tracks = this.store.items.filter(
      (item) => item.kind === "track" && item.start_frame <= frame && frame < item.end_frame,
    );
    this.surface.replaceChildren(...tracks.flatMap((item) => this.shapes(item, frame)));
  }

  private shapes(item: Item, frame: number): SVGElement[] {
    const { box, outside, exact } = boxAt(item, frame);
    if (outside) return [];
    const [x, y, width, height] = box.map((value) => value * UNITS) as unknown as Box;
    const selected = item.key === this.store.selectedKey;
    const name = `wb-box${selected ? " wb-box--selected" : ""}${exact ? " wb-box--keyframe" : ""}`;
    const rectangle = svg("rect", { x, y, width, height, class: name, "data-key": item.key });
    rectangle.dataset["colour"] = this.colourOf(item.label);
    if (!selected || !this.editable) return [rectangle];
    const corners: Point[] = [[x, y], [x + width, y], [x, y + height], [x + width, y + height]];
    const handles = corners.map(([cx, cy], corner) =>
      svg("rect", {
        x: cx - HANDLE / 2,
        y: cy - HANDLE / 2,
        width: HANDLE,
        height: HANDLE,
        class: "wb-handle",
        "data-corner": corner,
      }),
    );
    return [rectangle, ...handles];
  }

  private begin(event: PointerEvent): void {
    const target = event.target as SVGElement;
    const from = this.point(event);
    const { selected } = this.store;
    event.preventDefault();
    if (this.armed) this.follow((to) => this.preview(spanned(from, to)), (to) => this.finish(spanned(from, to)));
    else if (target.dataset["corner"] !== undefined && selected) this.resize(selected, Number(target.dataset["corner"]));
    else if (target.dataset["key"]) this.grab(target.dataset["key"], from);
    else this.store.select(null);
  }

  private grab(key: string, from: Point): void {
    this.store.select(key);
    const item = this.store.selected;
    if (!item) return;
    const { frame } = this.player;
    const [x, y, w, h] = boxAt(item, frame).box;
    this.edit(key, frame, (to) => [x + to[0] - from[0], y + to[1] - from[1], w, h]);
  }

  private resize(item: Item, corner: number): void {
    const { frame } = this.player;
    const [x, y, w, h] = boxAt(item, frame).box;
    const fixed: Point = [corner % 2 ? x : x + w, corner < 2 ? y + h : y];
    this.edit(item.key, frame, (to) => spanned(fixed, to));
  }

  private edit(key: string, frame: number, boxFor: (to: Point) => Box): void {
    let moved = false;
    const move = (to: Point): void => {
      this.store.change(key, (item) => withBox(item, frame, inside(boxFor(to))), moved);
      moved = true;
    };
    this.follow(move, () => undefined);
  }

  private preview(box: Box): void {
    this.draw();
    const [x, y, width, height] = box.map((value) => value * UNITS) as unknown as Box;
    this.surface.append(svg("rect", { x, y, width, height, class: "wb-box wb-box--new" }));
  }

  private finish(box: Box): void {
    this.arm(false);
    this.draw();
    if (box[2] > LEAST && box[3] > LEAST) this.dispatchEvent(new CustomEvent<Box>("drawn", { detail: inside(box) }));
  }

  private follow(move: (to: Point) => void, end: (to: Point) => void): void {
    const moving = (event: PointerEvent): void => move(this.point(event));
    document.addEventListener("pointermove", moving);
    const stop = (event: PointerEvent): void => {
      document.removeEventListener("pointermove", moving);
      end(this.point(event));
    };
    document.addEventListener("pointerup", stop, { once: true });
  }

  private point(event: PointerEvent): Point {
    const { left, top, width, height } = this.surface.getBoundingClientRect();
    const share = (value: number): number => Math.max(0, Math.min(1, value));
    return [share((event.clientX - left) / width), share((event.clientY - top) / height)];
  }
}

function spanned([x, y]: Point, [u, v]: Point): Box {
  return [Math.min(x, u), Math.min(y, v), Math.abs(u - x), Math.abs(v - y)];
}
