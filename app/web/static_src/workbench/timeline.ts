/** The clip's length as rows of bars: one row a label of an event, one a track. Bars can be dragged at their edges. */

import { make } from "../shared/dom";
import { withEnd, withStart } from "./edits";
import type { Frames } from "./frames";
import { clock } from "./frames";
import type { Player } from "./player";
import type { Store } from "./store";
import type { Item } from "./types";

const TICKS = 10;

export class Timeline {
  constructor(
    private readonly root: HTMLElement,
    private readonly ruler: HTMLElement,
    private readonly rows: HTMLElement,
    private readonly store: Store,
    private readonly player: Player,
    private readonly colourOf: (label: string) => string,
    private readonly editable: boolean,
  ) {
    this.drawRuler();
    ruler.addEventListener("pointerdown", (event) => this.scrub(event));
    store.addEventListener("labels", () => this.draw());
    store.addEventListener("select", () => this.draw());
    player.addEventListener("frame", () => this.move());
    this.draw();
    this.move();
  }

  private get frames(): Frames {
    return this.player.frames;
  }

  private drawRuler(): void {
    for (let tick = 0; tick < TICKS; tick += 1) {
      const share = tick / TICKS;
      const mark = make("span", "wb-tick", clock(share * this.frames.duration).slice(0, -2));
      mark.style.left = `${100 * share}%`;
      this.ruler.append(mark);
    }
  }

  private move(): void {
    const { frame } = this.player;
    this.root.style.setProperty("--share", String(this.frames.share(frame)));
    this.ruler.setAttribute("aria-valuenow", String(frame));
    this.ruler.setAttribute("aria-valuetext", `frame ${frame}, ${clock(this.frames.timeOf(frame))}`);
  }

  private scrub(down: PointerEvent): void {
    this.ruler.setPointerCapture(down.pointerId);
    const to = (event: PointerEvent): void => this.player.seek(this.frameUnder(event));
    to(down);
    this.ruler.addEventListener("pointermove", to);
    const stop = (): void => this.ruler.removeEventListener("pointermove", to);
    this.ruler.addEventListener("pointerup", stop, { once: true });
    this.ruler.addEventListener("pointercancel", stop, { once: true });
  }

  private frameUnder(event: PointerEvent): number {
    const { left, width } = this.ruler.getBoundingClientRect();
    return this.frames.at(((event.clientX - left) / width) * this.frames.duration);
  }

  private draw(): void {
    const focused = this.rows.contains(document.activeElement)
      ? (document.activeElement as HTMLElement).dataset["key"]
      : undefined;
    const rows = new Map<string, Item[]>();
    for (const item of this.store.items) {
      if (item.kind === "tag") continue;
      const row = item.kind === "track" ? item.key : item.label;
      rows.set(row, [...(rows.get(row) ?? []), item]);
    }
    this.rows.replaceChildren(...[...rows.values()].map((items) => this.row(items)));
    if (rows.size === 0) this.rows.append(make("p", "wb-rows__empty", "No label yet"));
    if (focused) this.rows.querySelector<HTMLElement>(`[data-key="${focused}"]`)?.focus();
  }

  private row(items: Item[]): HTMLElement {
    const row = make("div", "wb-row");
    row.append(make("span", "wb-row__name", (items[0]?.label ?? "").replaceAll("_", " ")));
    const lane = make("div", "wb-lane");
    lane.append(...items.map((item) => this.bar(item)));
    row.append(lane);
    return row;
  }

  private bar(item: Item): HTMLElement {
    const bar = make("button", "wb-bar");
    const [start, end] = [this.frames.share(item.start_frame), this.frames.share(item.end_frame)];
    bar.type = "button";
    bar.dataset["key"] = item.key;
    bar.dataset["colour"] = this.colourOf(item.label);
    bar.style.left = `${100 * start}%`;
    bar.style.width = `${100 * (end - start)}%`;
    bar.setAttribute("aria-pressed", String(item.key === this.store.selectedKey));
    bar.setAttribute("aria-label", `${item.label.replaceAll("_", " ")}, frames ${item.start_frame} to ${item.end_frame - 1}`);
    bar.addEventListener("click", () => this.store.select(item.key));
    for (const keyframe of item.keyframes ?? []) {
      const dot = make("span", "wb-keyframe");
      dot.style.left = `${(100 * (this.frames.share(keyframe.frame) - start)) / (end - start)}%`;
      bar.append(dot);
    }
    if (this.editable) bar.append(this.edge(item, "start"), this.edge(item, "end"));
    return bar;
  }

  private edge(item: Item, side: "start" | "end"): HTMLElement {
    const edge = make("span", `wb-edge wb-edge--${side}`);
    edge.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.store.select(item.key);
      this.drag(item.key, side);
    });
    return edge;
  }

  /** Follows the pointer until it is released; undo takes the whole drag back at once. */
  private drag(key: string, side: "start" | "end"): void {
    let moved = false;
    const move = (event: PointerEvent): void => {
      const frame = this.frameUnder(event);
      const edit = (item: Item): Item =>
        side === "start" ? withStart(item, frame, this.frames.first) : withEnd(item, frame + 1, this.frames.end);
      this.store.change(key, edit, moved);
      moved = true;
      this.player.seek(frame);
    };
    document.addEventListener("pointermove", move);
    const stop = (): void => document.removeEventListener("pointermove", move);
    document.addEventListener("pointerup", stop, { once: true });
    document.addEventListener("pointercancel", stop, { once: true });
  }
}
