/** Shows one frame at a time, by the ledger's times; tells which frame is really on the screen while it plays. */

import type { Frames } from "./frames";

interface Loop {
  start: number;
  end: number;
}

/** Sends "frame" whenever another frame is on show, and "state" when playing starts or stops. */
export class Player extends EventTarget {
  frame: number;
  loop: Loop | null = null;
  private wanted: number | null = null;

  constructor(
    private readonly video: HTMLVideoElement,
    readonly frames: Frames,
  ) {
    super();
    this.frame = frames.first;
    for (const name of ["play", "pause", "ended"]) video.addEventListener(name, () => this.stateChanged());
    video.addEventListener("seeked", () => this.landed());
    video.addEventListener("loadedmetadata", () => this.seek(this.frame), { once: true });
    if ("requestVideoFrameCallback" in video) this.watchFrames();
    else (video as HTMLVideoElement).addEventListener("timeupdate", () => this.shown((video as HTMLVideoElement).currentTime));
  }

  get playing(): boolean {
    return !this.video.paused && !this.video.ended;
  }

  /** Shows exactly that frame. Calls while a seek is under way are joined: the last one counts. */
  seek(frame: number): void {
    const target = this.frames.clamp(frame);
    const idle = this.wanted === null;
    this.wanted = target;
    this.show(target);
    if (idle) this.video.currentTime = this.frames.middleOf(target);
  }

  step(count: number): void {
    if (this.playing) this.video.pause();
    this.seek(this.frame + count);
  }

  toggle(): void {
    if (this.playing) {
      this.video.pause();
      return;
    }
    if (this.frame >= this.frames.end - 1) this.seek(this.loop?.start ?? this.frames.first);
    void this.video.play();
  }

  private landed(): void {
    const target = this.wanted;
    this.wanted = null;
    if (target !== null && Math.abs(this.video.currentTime - this.frames.middleOf(target)) > 1e-4) this.seek(target);
  }

  private watchFrames(): void {
    this.video.requestVideoFrameCallback((_now, metadata) => {
      this.shown(metadata.mediaTime);
      this.watchFrames();
    });
  }

  private shown(seconds: number): void {
    const frame = this.frames.at(seconds);
    this.video.dataset["frame"] = String(frame); // what is on the screen, for whoever checks
    if (this.wanted !== null) return; // on its way elsewhere
    if (this.playing && this.loop && (frame >= this.loop.end || frame < this.loop.start)) this.seek(this.loop.start);
    else this.show(frame);
  }

  private show(frame: number): void {
    if (frame === this.frame) return;
    this.frame = frame;
    this.dispatchEvent(new Event("frame"));
  }

  private stateChanged(): void {
    this.dispatchEvent(new Event("state"));
    if (this.video.ended && this.loop) {
      this.seek(this.loop.start);
      void this.video.play();
    }
  }
}
