/** The sending itself: Uppy with tus. What was being sent is remembered over a crash or a reload; footage is not: the
 * browser keeps names and places to go on from, never a copy of a picture. */

import Uppy, { type Meta, type UppyFile } from "@uppy/core";
import GoldenRetriever from "@uppy/golden-retriever";
import Tus, { type TusBody } from "@uppy/tus";

import { call, csrfToken, Refused } from "../shared/api";

export type Sent = UppyFile<Meta, TusBody>;
export type Sender = Uppy<Meta, TusBody>;

const ENDPOINT = "/api/v1/uploads";
const AT_ONCE = 2;
const PIECE = 64 * 2 ** 20; // as the server makes bytes durable; the last one waits for the digest
const PATIENCE_MS = [0, 1000, 3000, 5000, 10_000, 20_000, 30_000, 60_000];
const PASSING = [408, 460];
const QUIET = { debug: () => undefined, warn: () => undefined, error: () => undefined }; // the rows say it

interface Options {
  exercise: string;
  rememberHours: number;
  /** The file's digest, once it is known. */
  digestOf(file: Sent): Promise<string>;
  /** The force turned out to have handed this very file over before, as that recording. */
  known(id: string, recording: string): void;
}

export function makeSender({ exercise, rememberHours, digestOf, known }: Options): Sender {
  // the id is part of each file's, so that the same file for another exercise is another upload
  const uppy: Sender = new Uppy<Meta, TusBody>({ id: `cordon-${exercise}`, autoProceed: false, logger: QUIET });
  uppy.use(Tus, {
    endpoint: ENDPOINT,
    limit: AT_ONCE,
    chunkSize: PIECE,
    retryDelays: PATIENCE_MS,
    removeFingerprintOnSuccess: true,
    onBeforeRequest: async (request, file) => {
      request.setHeader("X-CSRF-Token", csrfToken());
      const offset = Number(request.getHeader("Upload-Offset") ?? Number.NaN);
      if (request.getMethod() === "PATCH" && offset + PIECE >= (file.size ?? 0) && !file.meta["sha256"])
        await declare(request.getURL(), await digestOf(file as Sent)).catch((error: unknown) => {
          const recording = error instanceof Refused && error.problem["recording_id"];
          if (typeof recording === "string") known(file.id, recording);
          throw error;
        });
    },
    onShouldRetry: (error, _attempt, _options, usual) => {
      const status = "originalResponse" in error ? (error.originalResponse?.getStatus() ?? 0) : 0;
      return PASSING.includes(status) || usual(error);
    },
  });
  uppy.use(GoldenRetriever, { expires: rememberHours * 3_600_000, indexedDB: { maxFileSize: 0 } as never });
  return uppy;
}

/** Says what the whole must hash to, before the last bytes are sent: what arrives otherwise is refused. */
async function declare(upload: string, sha256: string): Promise<void> {
  await call("POST", `${new URL(upload, location.href).pathname}/digest`, { body: { sha256 } });
}

/** Begins, goes on with, or tries again one file, whatever it has been through. */
export function start(uppy: Sender, id: string): void {
  void uppy.retryUpload(id);
}

/** Forgets the runs that a crash cut short: each file is begun by itself again. */
export function forgetRuns(uppy: Sender): void {
  uppy.setState({ currentUploads: {}, recoveredState: null, allowNewUpload: true });
}

/** What the server said, or that it said nothing, in a sentence. */
export function reasonOf(status: number, body: string): string {
  if (status === 0) return "The server could not be reached. What has arrived is kept: try again.";
  if (status === 401 || status === 403)
    return "You were signed out: sign in again in another tab, then try again. What has arrived is kept.";
  try {
    const problem = JSON.parse(body) as { title?: string; detail?: string };
    return `${problem.title ?? "Refused"}${problem.detail ? `: ${problem.detail}` : ""}`;
  } catch {
    return "The server refused the file: try again.";
  }
}
