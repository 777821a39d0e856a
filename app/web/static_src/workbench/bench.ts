/** What can be done on the workbench: every action of a button or a key. */

import { byId, maybe } from "../shared/dom";
import type { Boxes } from "./boxes";
import { withEnd, withStart, withoutKeyframe } from "./edits";
import type { Command } from "./keys";
import type { Player } from "./player";
import type { Store } from "./store";
import type { Box, Item } from "./types";

const LABEL_KEYS = "1234567890-=";
const LEAP = 10;

export class Bench {
  /** The event that grows with the film until it is ended. */
  private running: string | null = null;

  constructor(
    private readonly store: Store,
    private readonly player: Player,
    private readonly boxes: Boxes,
    private readonly video: HTMLVideoElement,
  ) {
    player.addEventListener("frame", () => this.grow());
    player.addEventListener("state", () => {
      if (!player.playing) this.running = null;
    });
    store.addEventListener("select", () => this.followLoop());
    boxes.addEventListener("drawn", (event) => this.addTrack((event as CustomEvent<Box>).detail));
  }

  /** Begins an event of that label at the frame on show; while the film plays, a second call ends it. */
  event(label: string): void {
    const running = this.store.items.find((item) => item.key === this.running);
    this.running = null;
    if (running?.label === label) return;
    const { frame, playing } = this.player;
    const item = this.store.add({
      kind: "event",
      label,
      start_frame: frame,
      end_frame: frame + 1,
      keyframes: null,
      attributes: {},
    });
    if (playing) this.running = item.key;
  }

  addTrack(box: Box): void {
    const { frame, frames } = this.player;
    this.store.add({
      kind: "track",
      label: byId<HTMLSelectElement>("track-label").value,
      start_frame: frame,
      end_frame: frames.end,
      keyframes: [{ frame, box, outside: false }],
      attributes: {},
    });
  }

  /** Every command, in the order of the help. */
  commands(): Command[] {
    const { store, player } = this;
    const here = (): number => player.frame;
    const read = (keys: string[], says: string, run: () => void): Command => ({ keys, says, run, edits: false });
    const edit = (keys: string[], says: string, run: () => void): Command => ({ keys, says, run, edits: true });
    const start = (to: (item: Item) => number) => () => this.change((item) => withStart(item, to(item), player.frames.first));
    const end = (to: (item: Item) => number) => () => this.change((item) => withEnd(item, to(item), player.frames.end));
    return [
      read([" ", "k"], "Play or pause", () => player.toggle()),
      read(["ArrowLeft", ","], "One frame back", () => player.step(-1)),
      read(["ArrowRight", "."], "One frame on", () => player.step(1)),
      read(["Shift+ArrowLeft"], "Ten frames back", () => player.step(-LEAP)),
      read(["Shift+ArrowRight"], "Ten frames on", () => player.step(LEAP)),
      read(["Home"], "First frame", () => player.seek(player.frames.first)),
      read(["End"], "Last frame", () => player.seek(player.frames.end - 1)),
      read(["<"], "Slower", () => this.speed(-1)),
      read([">"], "Faster", () => this.speed(1)),
      read(["m"], "Sound on or off", () => this.flip("sound")),
      read(["l"], "Loop the selected label, or the clip", () => this.flip("loop")),
      read(["n"], "Select the next label", () => this.neighbour(1)),
      read(["Shift+n"], "Select the label before", () => this.neighbour(-1)),
      read(["g"], "Go to the selected label's first frame", () => this.goto()),
      read(["Escape"], "Select nothing", () => this.release()),
      ...this.labelCommands(edit),
      edit(["i", "["], "Selected label begins at this frame", start(here)),
      edit(["o", "]"], "Selected label ends with this frame", end(() => here() + 1)),
      edit(["a"], "First frame one earlier", start((item) => item.start_frame - 1)),
      edit(["s"], "First frame one later", start((item) => item.start_frame + 1)),
      edit(["d"], "Last frame one earlier", end((item) => item.end_frame - 1)),
      edit(["f"], "Last frame one later", end((item) => item.end_frame + 1)),
      edit(["b"], "Draw a box: drag over the picture", () => this.boxes.arm(!this.boxes.drawing)),
      edit(["Delete", "Backspace"], "Delete the selected label", () => this.remove()),
      edit(["Control+z"], "Undo", () => store.undo()),
      edit(["Control+Shift+z", "Control+y"], "Redo", () => store.redo()),
      read(["?"], "These keys, and what the labels mean", () => byId<HTMLDialogElement>("help").showModal()),
    ];
  }

  /** What the buttons with `data-do` call. */
  actions(): Record<string, () => void> {
    const { store, player } = this;
    const { first, end } = player.frames;
    return {
      play: () => player.toggle(),
      back: () => player.step(-1),
      forward: () => player.step(1),
      goto: () => this.goto(),
      delete: () => this.remove(),
      undo: () => store.undo(),
      redo: () => store.redo(),
      "start-earlier": () => this.change((item) => withStart(item, item.start_frame - 1, first)),
      "start-later": () => this.change((item) => withStart(item, item.start_frame + 1, first)),
      "start-here": () => this.change((item) => withStart(item, player.frame, first)),
      "end-earlier": () => this.change((item) => withEnd(item, item.end_frame - 1, end)),
      "end-later": () => this.change((item) => withEnd(item, item.end_frame + 1, end)),
      "end-here": () => this.change((item) => withEnd(item, player.frame + 1, end)),
      "drop-keyframe": () => this.change((item) => withoutKeyframe(item, player.frame)),
    };
  }

  /** Keeps the loop on the selected label, or on the whole clip. */
  followLoop(): void {
    const { selected } = this.store;
    const { first, end } = this.player.frames;
    const whole = { start: first, end };
    const wanted = selected && selected.kind !== "tag" ? { start: selected.start_frame, end: selected.end_frame } : whole;
    this.player.loop = byId<HTMLInputElement>("loop").checked ? wanted : null;
  }

  private labelCommands(edit: (keys: string[], says: string, run: () => void) => Command): Command[] {
    const buttons = [...(maybe("events")?.querySelectorAll<HTMLElement>("[data-label]") ?? [])];
    return buttons.slice(0, LABEL_KEYS.length).map((button, index) => {
      const label = button.dataset["label"] ?? "";
      return edit([LABEL_KEYS.charAt(index)], `Event: ${label.replaceAll("_", " ")}`, () => this.event(label));
    });
  }

  private grow(): void {
    const { running, player } = this;
    if (running && player.playing)
      this.store.change(running, (item) => withEnd(item, player.frame + 1, player.frames.end), true);
  }

  private change(edit: (item: Item) => Item): void {
    this.running = null;
    if (this.store.selectedKey) this.store.change(this.store.selectedKey, edit);
  }

  private remove(): void {
    if (this.store.selectedKey) this.store.remove(this.store.selectedKey);
  }

  private release(): void {
    this.boxes.arm(false);
    this.store.select(null);
  }

  private neighbour(step: 1 | -1): void {
    this.store.selectNeighbour(step);
    this.goto();
  }

  private goto(): void {
    if (this.store.selected) this.player.seek(this.store.selected.start_frame);
  }

  private speed(step: 1 | -1): void {
    const select = byId<HTMLSelectElement>("speed");
    select.selectedIndex = Math.max(0, Math.min(select.options.length - 1, select.selectedIndex + step));
    this.video.playbackRate = Number(select.value);
  }

  private flip(id: "loop" | "sound"): void {
    const box = byId<HTMLInputElement>(id);
    box.checked = !box.checked;
    box.dispatchEvent(new Event("change"));
  }
}
