/** The region that is being drawn: its form's fields, and the places it has at the frames where they were set. */

import { byId } from "../shared/dom";
import { boxOn } from "../workbench/edits";
import type { Player } from "../workbench/player";
import type { Box, Keyframe } from "../workbench/types";
import type { Overlay } from "./overlay";

const PARTS = ["left", "top", "width", "height"] as const;

export class Draft {
  private keyframes: Keyframe[] = [];

  constructor(
    private readonly player: Player,
    private readonly overlay: Overlay,
  ) {
    overlay.addEventListener("drawn", (event) => this.keep((event as CustomEvent<Box>).detail));
    player.addEventListener("frame", () => this.follow());
  }

  /** Takes over the form as it stands in the page now; a swap brings an empty one. */
  take(): void {
    this.keyframes = [];
    this.overlay.sketch(null);
    for (const element of byId("draw-form").querySelectorAll<HTMLElement>("[data-scripted]")) element.hidden = false;
    byId("from-here").addEventListener("click", () => this.put("from", this.player.frame));
    byId("to-here").addEventListener("click", () => this.put("to", this.player.frame));
    byId("keep-place").addEventListener("click", () => this.keep(this.typed()));
    byId("forget-places").addEventListener("click", () => this.forget());
    const armed = byId<HTMLButtonElement>("draw-place");
    armed.addEventListener("click", () => this.arm(armed.getAttribute("aria-pressed") !== "true"));
    byId("kind").addEventListener("change", () => this.adapt());
    this.arm(false);
    this.adapt();
    this.tell();
  }

  private arm(on: boolean): void {
    byId("draw-place").setAttribute("aria-pressed", String(on));
    this.overlay.arm(on);
  }

  /** A voice has no place in the picture. */
  private adapt(): void {
    const voice = byId<HTMLSelectElement>("kind").value === "voice";
    byId("place").hidden = voice;
    if (voice) this.arm(false);
  }

  /** Sets the box at the frame on show; the first one opens the region, and it lasts at least to the last. */
  private keep(box: Box): void {
    const { frame } = this.player;
    const others = this.keyframes.filter((k) => k.frame !== frame);
    this.keyframes = [...others, { frame, box, outside: false }].sort((a, b) => a.frame - b.frame);
    byId<HTMLInputElement>("keyframes").value = JSON.stringify(this.keyframes);
    this.put("from", this.keyframes[0]?.frame ?? frame);
    const last = this.keyframes.at(-1)?.frame ?? frame;
    const to = byId<HTMLInputElement>("to");
    if (!to.value || this.player.frames.at(Number(to.value)) < last) this.put("to", last);
    this.fill(box);
    this.overlay.sketch(box);
    this.tell();
  }

  private forget(): void {
    this.keyframes = [];
    byId<HTMLInputElement>("keyframes").value = "";
    this.overlay.sketch(null);
    this.tell();
  }

  private follow(): void {
    if (!this.keyframes.length) return;
    this.overlay.sketch(boxOn(this.keyframes, this.player.frame).box);
  }

  /** The middle of the frame, in seconds: the server finds exactly this frame there. */
  private put(field: "from" | "to", frame: number): void {
    byId<HTMLInputElement>(field).value = this.player.frames.middleOf(frame).toFixed(4);
  }

  private fill(box: Box): void {
    PARTS.forEach((part, index) => {
      byId<HTMLInputElement>(part).value = ((box[index] ?? 0) * 100).toFixed(1);
    });
  }

  private typed(): Box {
    return PARTS.map((part) => Number(byId<HTMLInputElement>(part).value) / 100) as unknown as Box;
  }

  private tell(): void {
    const frames = this.keyframes.map((k) => k.frame).join(", ");
    byId("places-kept").textContent = frames ? `Places set at frames ${frames}; between them the box moves.` : "";
  }
}
