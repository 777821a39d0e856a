/** Boxes over the film at the frame on show: stored regions by their decision, and the one being drawn. */

import { svg } from "../shared/dom";
import { boxOn } from "../workbench/edits";
import type { Player } from "../workbench/player";
import type { Box } from "../workbench/types";
import type { Region } from "./types";

const UNITS = 1000;
const LEAST = 0.01;

type Point = readonly [number, number];

/** Sends "drawn" (CustomEvent<Box>) when a box was dragged while armed. */
export class Overlay extends EventTarget {
  private regions: readonly Region[] = [];
  private chosen = "";
  private draft: Box | null = null;

  constructor(
    private readonly surface: SVGSVGElement,
    private readonly player: Player,
  ) {
    super();
    player.addEventListener("frame", () => this.draw());
    surface.addEventListener("pointerdown", (event) => this.begin(event));
  }

  show(regions: readonly Region[]): void {
    this.regions = regions;
    this.draw();
  }

  select(id: string): void {
    this.chosen = id;
    this.draw();
  }

  /** While armed, dragging over the film draws a box; otherwise the film's own controls are reached through it. */
  arm(on: boolean): void {
    this.surface.classList.toggle("rd-places--armed", on);
  }

  sketch(box: Box | null): void {
    this.draft = box;
    this.draw();
  }

  private draw(): void {
    const { frame } = this.player;
    const shown = this.regions.filter(
      (region) => region.decision !== "rejected" && region.start_frame <= frame && frame < region.end_frame,
    );
    const shapes = shown.flatMap((region) => {
      if (!region.keyframes?.length) return [];
      const { box, outside } = boxOn(region.keyframes, frame);
      const chosen = region.id === this.chosen ? " rd-place--chosen" : "";
      return outside ? [] : [shape(box, `rd-place rd-place--${region.decision}${chosen}`)];
    });
    if (this.draft) shapes.push(shape(this.draft, "rd-place rd-place--draft"));
    this.surface.replaceChildren(...shapes);
  }

  private begin(event: PointerEvent): void {
    event.preventDefault();
    const from = this.point(event);
    const move = (moved: PointerEvent): void => this.sketch(spanned(from, this.point(moved)));
    document.addEventListener("pointermove", move);
    const stop = (ended: PointerEvent): void => {
      document.removeEventListener("pointermove", move);
      const box = spanned(from, this.point(ended));
      if (box[2] > LEAST && box[3] > LEAST) this.dispatchEvent(new CustomEvent<Box>("drawn", { detail: box }));
    };
    document.addEventListener("pointerup", stop, { once: true });
  }

  private point(event: PointerEvent): Point {
    const { left, top, width, height } = this.surface.getBoundingClientRect();
    const share = (value: number): number => Math.max(0, Math.min(1, value));
    return [share((event.clientX - left) / width), share((event.clientY - top) / height)];
  }
}

function shape(box: Box, name: string): SVGElement {
  const [x, y, width, height] = box.map((value) => value * UNITS) as unknown as Box;
  return svg("rect", { x, y, width, height, class: name });
}

function spanned([x, y]: Point, [u, v]: Point): Box {
  return [Math.min(x, u), Math.min(y, v), Math.abs(u - x), Math.abs(v - y)];
}
