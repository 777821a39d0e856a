/** Uppy's way straight into the store. Its own S3 plugin speaks S3's XML for opening, listing and joining, gives no
 * digest of a part, and sends an address that is too old again; see decision 23. */

import Uppy, { BasePlugin, EventManager, type Meta, type PluginOpts } from "@uppy/core";
import { TaskQueue } from "@uppy/core/utils";
import type { TusBody } from "@uppy/tus";

import { recordingOf } from "../reasons";
import type { Sent } from "../sender";
import { giveUp } from "./api";
import { type Job, Transfer } from "./transfer";

export interface DirectOptions extends PluginOpts {
  /** So many files are sent beside one another. */
  atOnce: number;
  /** What an upload is opened with. */
  said(file: Sent): Job["said"];
  digestOf(file: Sent): Promise<string>;
  digestOfPart(file: Sent, start: number, end: number): Promise<string>;
  declare(id: string, sha256: string): Promise<void>;
  /** The force turned out to have handed this very file over before, as that recording. */
  known(id: string, recording: string): void;
  /** An upload was given up, and the service knows. */
  ended(): void;
}

/** What is remembered of a file over a reload: its upload, and how many bytes of it the store keeps. */
export interface Remembered {
  upload: string;
  kept: number;
}

export function remembered(file: Sent): Remembered | undefined {
  return file.meta["direct"] as Remembered | undefined;
}

export class Direct extends BasePlugin<DirectOptions, Meta, TusBody> {
  private readonly queue: TaskQueue;

  constructor(uppy: Uppy<Meta, TusBody>, options: DirectOptions) {
    super(uppy, options);
    this.id = "Direct";
    this.type = "uploader";
    this.queue = new TaskQueue({ concurrency: options.atOnce });
  }

  override install(): void {
    const { capabilities } = this.uppy.getState();
    this.uppy.setState({ capabilities: { ...capabilities, resumableUploads: true } }); // they can be paused
    this.uppy.addUploader(this.send);
    this.uppy.on("file-removed", this.removed);
  }

  override uninstall(): void {
    this.uppy.removeUploader(this.send);
    this.uppy.off("file-removed", this.removed);
  }

  private readonly send = async (ids: string[]): Promise<void> => {
    const files = ids.map((id) => this.uppy.getFile(id));
    this.uppy.emit("upload-start", files);
    await Promise.allSettled(files.map((file) => this.sendFile(file)));
  };

  /** Ends when the file has arrived, failed or was removed. */
  private async sendFile(file: Sent): Promise<void> {
    const events = new EventManager(this.uppy);
    const key = crypto.randomUUID(); // paused while it is opened and taken up at once, it is opened once
    let run = new AbortController();
    try {
      await new Promise<void>((resolve, reject) => {
        const begin = (): void => {
          const mine = (run = new AbortController());
          // paused, it leaves its place to another: going on, it waits for its turn again
          const turn = this.queue.add(() => new Transfer(this.job(file.id, key), mine.signal).run());
          mine.signal.addEventListener("abort", () => turn.abort());
          turn.then(resolve, (error: unknown) => mine.signal.aborted || reject(error as Error));
        };
        events.onFilePause(file.id, (paused) => (paused ? run.abort() : begin()));
        events.onFileRemove(file.id, () => {
          run.abort();
          resolve();
        });
        begin();
      });
      const there = this.uppy.getFile(file.id); // else it was removed
      if (there) this.uppy.emit("upload-success", there, { status: 200 });
    } catch (error) {
      const recording = recordingOf(error);
      if (recording) this.opts.known(file.id, recording);
      else this.uppy.emit("upload-error", this.uppy.getFile(file.id), error as Error);
    } finally {
      events.remove();
    }
  }

  private job(id: string, key: string): Job {
    const file = this.uppy.getFile(id);
    return {
      file: file.data as File,
      said: this.opts.said(file),
      key,
      before: remembered(file)?.upload ?? "",
      digest: () => this.opts.digestOf(file),
      digestOfPart: (start, end) => this.opts.digestOfPart(file, start, end),
      declare: (upload, sha256) => this.opts.declare(upload, sha256),
      opened: (upload) => this.remember(id, { upload, kept: 0 }),
      progressed: (sent, kept) => this.progressed(id, sent, kept),
    };
  }

  private remember(id: string, what: Remembered): void {
    if (this.uppy.getFile(id)) this.uppy.setFileMeta(id, { direct: what });
    else this.giveUp(what.upload); // it was removed while its upload was opened
  }

  private progressed(id: string, bytesUploaded: number, kept: number): void {
    const file = this.uppy.getFile(id);
    if (!file) return;
    const before = remembered(file);
    if (before && before.kept !== kept) this.remember(id, { ...before, kept });
    const uploadStarted = file.progress.uploadStarted ?? Date.now();
    this.uppy.emit("upload-progress", file, { uploadStarted, bytesUploaded, bytesTotal: file.size ?? 0 });
  }

  /** What was given up is freed at once; where nobody answers, it expires. */
  private readonly removed = (file: Sent): void => {
    const upload = remembered(file)?.upload;
    if (upload && !file.progress.uploadComplete) this.giveUp(upload);
  };

  private giveUp(upload: string): void {
    giveUp(upload).then(this.opts.ended, () => undefined);
  }
}
