/** How fast bytes go, over the last seconds. */

const WINDOW_MS = 5000;

export class Rate {
  private marks: { at: number; bytes: number }[] = [];

  /** Notes that `bytes` have been sent in all; returns bytes a second, 0 while it is too early to say. */
  note(bytes: number, at = performance.now()): number {
    this.marks = [...this.marks.filter((mark) => at - mark.at < WINDOW_MS), { at, bytes }];
    const oldest = this.marks[0];
    if (!oldest || at - oldest.at < 250) return 0;
    return Math.max(0, (1000 * (bytes - oldest.bytes)) / (at - oldest.at));
  }

  reset(): void {
    this.marks = [];
  }
}
