/** The files of one page and their rows: chosen, checked, sent, and what is done with each meanwhile. */

import { refreshToken, Refused } from "../shared/api";
import { byId } from "../shared/dom";
import { type Candidate, check, type Found } from "./check";
import type { Chosen } from "./chosen";
import { cameraOfFolder, Details, NAMES, startInName } from "./details";
import { Hasher } from "./hasher";
import { reasonOf, UNREADABLE } from "./reasons";
import { Row } from "./row";
import { forgetRuns, makeSender, percentKept, type Sender, type Sent, start } from "./sender";
import { size } from "./words";

const ASK_AFTER_MS = 300;
const WORDS: Record<string, string> = {
  camera: "Camera",
  started_at: "Camera's clock at the start",
  clock_offset_seconds: "Clock offset",
  viewpoint: "Seen from",
  reference: "Reference",
  notes: "Notes",
};
const BEFORE = "Your force handed this file over before: it is not sent again.";

export class List {
  private readonly rows = new Map<string, Row>();
  private readonly digests = new Map<string, string>();
  private readonly hasher = new Hasher();
  private readonly known = new Set<string>(); // whose digests came just now, and are to be asked about
  private asking = 0;
  private readonly uppy: Sender;

  constructor(
    private readonly exercise: string,
    private readonly direct: boolean,
    rememberHours: number,
    private readonly changed: (news?: string) => void,
  ) {
    this.uppy = makeSender({
      exercise,
      rememberHours,
      direct,
      digestOf: (file) => this.digestOf(file),
      digestOfPart: (part) => this.hasher.digestOfPart(part),
      known: (id, recording) => this.knownBefore(id, recording),
    });
    this.uppy.on("file-added", (file) => this.added(file));
    this.uppy.on("restored", () => this.restored());
    this.uppy.on("upload-progress", (file, at) => file && this.rows.get(file.id)?.progressed(at.bytesUploaded));
    this.uppy.on("upload-success", (file) => file && this.arrived(file));
    this.uppy.on("upload-error", (file, error, response) => {
      const xhr = response?.body?.xhr;
      if (file) this.failed(file, reasonOf(error, response?.status ?? 0, xhr?.responseText ?? ""));
    });
    addEventListener("online", () => this.each("failed", (id) => void this.again(id)));
  }

  count(...states: string[]): number {
    return [...this.rows.values()].filter((row) => states.includes(row.state)).length;
  }

  /** Adds what was chosen; the same file chosen twice is there once, and one left by a crash goes on. */
  add(chosen: Chosen[]): void {
    this.uppy.addFiles(
      chosen.map(({ file, path }) => ({
        name: file.name,
        type: file.type,
        data: file,
        meta: path ? { exercise: this.exercise, relativePath: path } : { exercise: this.exercise },
      })),
    );
  }

  refresh(): void {
    for (const row of this.rows.values()) row.refresh();
  }

  /** Asks the server about all that is not sent yet, says what it found, and sends the rest. Throws Refused. */
  async send(): Promise<void> {
    const files = this.uppy.getFiles().filter((file) => ["chosen", "problem"].includes(this.rows.get(file.id)?.state ?? ""));
    const found = await check(this.exercise, files.map((file) => this.candidate(file)));
    files.forEach((file, at) => this.judged(file, found[at]!));
    this.changed();
  }

  private candidate(file: Sent): Candidate {
    const details = this.rows.get(file.id)!.details.sent;
    return { filename: file.name ?? "unnamed", length: file.size ?? 0, sha256: this.digests.get(file.id) ?? null, details };
  }

  private judged(file: Sent, found: Found): void {
    const row = this.rows.get(file.id)!;
    if (found.duplicate_of) return this.knownBefore(file.id, found.duplicate_of);
    if (found.problems.length) {
      const text = found.problems.map(({ field, message }) => (WORDS[field] ? `${WORDS[field]}: ${message}` : message)).join(". ");
      return row.complain(text, found.problems.some(({ field }) => (NAMES as readonly string[]).includes(field)));
    }
    const sent = row.details.sent;
    const digest = this.digests.get(file.id);
    this.uppy.setFileMeta(file.id, { ...Object.fromEntries(NAMES.map((name) => [name, sent[name] ?? ""])), ...(digest ? { sha256: digest } : {}) });
    this.begin(file.id);
  }

  private begin(id: string): void {
    this.rows.get(id)?.show("sending", "Waiting for its turn…");
    start(this.uppy, id);
  }

  private added(file: Sent): void {
    const known = this.rows.get(file.id);
    const left = known?.state === "left";
    if (!known) this.makeRow(file);
    void this.hash(file);
    if (left && file.progress.uploadStarted) this.begin(file.id);
    else if (left) known?.show("chosen", size(file.size ?? 0));
    this.changed();
  }

  private makeRow(file: Sent): Row {
    const path = file.meta["relativePath"] as string | undefined;
    const supposed = { camera: cameraOfFolder(path), started_at: startInName(file.name ?? "") };
    const row = new Row(path ?? file.name ?? "unnamed", file.size ?? 0, new Details(supposed));
    this.rows.set(file.id, row);
    byId("sending").append(row.element);
    row.addEventListener("pause", () => {
      this.uppy.pauseResume(file.id);
      row.show("paused", "Paused. What has arrived is kept.");
      this.changed();
    });
    row.addEventListener("resume", () => {
      row.show("sending", "Waiting for its turn…");
      this.uppy.pauseResume(file.id);
    });
    row.addEventListener("retry", () => void this.again(file.id));
    row.addEventListener("remove", () => this.remove(file.id));
    return row;
  }

  private async again(id: string): Promise<void> {
    await refreshToken().catch(() => undefined); // still away: the next attempt says so
    this.begin(id);
  }

  private remove(id: string): void {
    this.rows.get(id)?.element.remove();
    this.rows.delete(id);
    this.hasher.forget(id);
    this.uppy.removeFile(id); // gives an unfinished upload up on the server, too
    this.changed();
  }

  private arrived(file: Sent): void {
    const row = this.rows.get(file.id);
    row?.full();
    row?.show("done", "Arrived. What becomes of it is shown below.");
    this.changed(`${file.name} has arrived`);
    document.body.dispatchEvent(new Event("files-changed"));
  }

  private failed(file: Sent, text: string): void {
    this.rows.get(file.id)?.show("failed", text);
    this.changed(`${file.name}: ${text}`);
  }

  private knownBefore(id: string, recording: string): void {
    const row = this.rows.get(id);
    row?.show("done", BEFORE);
    row?.link("See it", `/recordings/${recording}`);
    this.uppy.removeFile(id);
    this.changed(`${row?.name}: ${BEFORE}`);
  }

  private digestOf(file: Sent): Promise<string> {
    return this.hasher.digest(file.id, file.data as File, () => undefined);
  }

  /** Once the digest is known, a file that the force has already is told of at once, sent or not. */
  private async hash(file: Sent): Promise<void> {
    try {
      this.digests.set(file.id, await this.digestOf(file));
    } catch {
      this.rows.get(file.id)?.show("failed", UNREADABLE);
      return;
    }
    this.known.add(file.id);
    clearTimeout(this.asking);
    this.asking = setTimeout(() => void this.ask(), ASK_AFTER_MS);
  }

  /** About all whose digests came since, in one question. */
  private async ask(): Promise<void> {
    const files = [...this.known].map((id) => this.uppy.getFile(id)).filter((file) => this.isPending(file?.id));
    this.known.clear();
    if (files.length === 0) return;
    try {
      const found = await check(this.exercise, files.map((file) => this.candidate(file)));
      files.forEach(({ id }, at) => {
        const before = found[at]?.duplicate_of;
        if (before && this.isPending(id)) this.knownBefore(id, before);
      });
    } catch (error) {
      if (!(error instanceof Refused || error instanceof TypeError)) throw error; // the others are asked again when sent
    }
  }

  private isPending(id: string | undefined): boolean {
    return ["chosen", "problem", "sending", "paused", "failed"].includes(this.rows.get(id ?? "")?.state ?? "");
  }

  /** After a crash or a reload: what was on its way is listed, to be chosen again. */
  private restored(): void {
    forgetRuns(this.uppy);
    for (const file of this.uppy.getFiles()) {
      if (file.progress.uploadComplete) {
        this.uppy.removeFile(file.id);
        continue;
      }
      const percent = percentKept(file, this.direct);
      this.makeRow(file).show("left", `${percent} % had arrived and is kept. Choose the same file again to go on.`);
    }
    this.changed();
  }

  private each(state: string, run: (id: string) => void): void {
    for (const [id, row] of this.rows) if (row.state === state) run(id);
  }
}
