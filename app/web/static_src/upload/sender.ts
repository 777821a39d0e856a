/** The sending itself: Uppy, with tus or straight into the store, as the operator chose. What was being sent is remembered
 * over a crash or a reload; footage is not: the browser keeps names and places to go on from, never a copy of a picture. */

import Uppy, { type Meta, type UppyFile } from "@uppy/core";
import GoldenRetriever from "@uppy/golden-retriever";
import Tus, { type TusBody } from "@uppy/tus";

import { call, csrfToken } from "../shared/api";
import { NAMES } from "./details";
import { PATIENCE_MS } from "./direct/patience";
import { Direct, remembered } from "./direct/plugin";
import { recordingOf } from "./reasons";

export type Sent = UppyFile<Meta, TusBody>;
export type Sender = Uppy<Meta, TusBody>;

const UPLOADS = "/api/v1/uploads";
const AT_ONCE = 2;
const PIECE = 64 * 2 ** 20; // as the server makes bytes durable; the last one waits for the digest
const PASSING = [408, 460];
const QUIET = { debug: () => undefined, warn: () => undefined, error: () => undefined }; // the rows say it

interface Options {
  exercise: string;
  rememberHours: number;
  /** Straight into the store, not through the service. */
  direct: boolean;
  /** The file's digest, once it is known. */
  digestOf(file: Sent): Promise<string>;
  digestOfPart(part: Blob): Promise<string>;
  /** The force turned out to have handed this very file over before, as that recording. */
  known(id: string, recording: string): void;
}

export function makeSender(options: Options): Sender {
  const { exercise, rememberHours, direct } = options;
  // the id is part of each file's, so that the same file for another exercise is another upload
  const uppy: Sender = new Uppy<Meta, TusBody>({ id: `cordon-${exercise}`, autoProceed: false, logger: QUIET });
  if (direct) straight(uppy, options);
  else byTus(uppy, options);
  uppy.use(GoldenRetriever, { expires: rememberHours * 3_600_000, indexedDB: { maxFileSize: 0 } as never });
  return uppy;
}

function byTus(uppy: Sender, { digestOf, known }: Options): void {
  uppy.use(Tus, {
    endpoint: UPLOADS,
    limit: AT_ONCE,
    chunkSize: PIECE,
    retryDelays: PATIENCE_MS,
    removeFingerprintOnSuccess: true,
    onBeforeRequest: async (request, file) => {
      request.setHeader("X-CSRF-Token", csrfToken());
      const offset = Number(request.getHeader("Upload-Offset") ?? Number.NaN);
      if (request.getMethod() === "PATCH" && offset + PIECE >= (file.size ?? 0) && !file.meta["sha256"])
        await declare(new URL(request.getURL(), location.href).pathname, await digestOf(file as Sent)).catch((error: unknown) => {
          const recording = recordingOf(error);
          if (recording) known(file.id, recording);
          throw error;
        });
    },
    onAfterResponse: (request) => {
      if (request.getMethod() === "DELETE") ended();
    },
    onShouldRetry: (error, _attempt, _options, usual) => {
      const status = "originalResponse" in error ? (error.originalResponse?.getStatus() ?? 0) : 0;
      return PASSING.includes(status) || usual(error);
    },
  });
}

function straight(uppy: Sender, { exercise, digestOf, digestOfPart, known }: Options): void {
  uppy.use(Direct, {
    atOnce: AT_ONCE,
    said: (file) => {
      const told = ["sha256", ...NAMES].map((name) => [name, file.meta[name]] as const).filter(([, value]) => value);
      const media = file.type ? { media_type: file.type } : {};
      return { exercise_id: exercise, filename: file.name ?? "unnamed", length: file.size ?? 0, ...media, ...Object.fromEntries(told) };
    },
    digestOf,
    digestOfPart: (file, start, end) => digestOfPart((file.data as File).slice(start, end)),
    declare: (id, sha256) => declare(`${UPLOADS}/${id}`, sha256),
    known,
    ended,
  });
}

/** An upload was given up, and the service knows: the list of files is read again. */
function ended(): void {
  document.body.dispatchEvent(new Event("files-changed"));
}

/** Says what the whole must hash to, before the last bytes are sent: what arrives otherwise is refused. */
async function declare(upload: string, sha256: string): Promise<void> {
  await call("POST", `${upload}/digest`, { body: { sha256 } });
}

/** Begins, goes on with, or tries again one file, whatever it has been through. */
export function start(uppy: Sender, id: string): void {
  void uppy.retryUpload(id);
}

/** Forgets the runs that a crash cut short: each file is begun by itself again. */
export function forgetRuns(uppy: Sender): void {
  uppy.setState({ currentUploads: {}, recoveredState: null, allowNewUpload: true });
}

/** How much of a file that was left by a crash is there, in percent. */
export function percentKept(file: Sent, direct: boolean): number {
  if (!direct) return file.progress.percentage ?? 0;
  return Math.floor((100 * (remembered(file)?.kept ?? 0)) / (file.size || 1));
}
