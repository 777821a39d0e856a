/** Calls to this site's API with the session's cookie and its CSRF token. */

/** An answer that is not a success; `detail` is a sentence for the person, `problem` all that was answered. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly problem: Record<string, unknown> = {},
  ) {
    super(`${status}: ${detail}`);
  }

  /** Whether it is the problem of that name. */
  isA(type: string): boolean {
    return String(this.problem["type"]).endsWith(type);
  }
}

export function csrfToken(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";
}

/** Takes the token of the present session from a fresh copy of this page: after signing in anew in another tab. */
export async function refreshToken(): Promise<void> {
  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
  const fresh = page.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content;
  const meta = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]');
  if (fresh && meta) meta.content = fresh;
}

export interface Options {
  body?: unknown;
  headers?: Record<string, string>;
  keepalive?: boolean;
}

/** Throws Refused for an error status and TypeError where nothing answered. */
export async function call(method: string, path: string, options: Options = {}): Promise<Response> {
  const headers: Record<string, string> = {
    Accept: "application/json",
    "X-CSRF-Token": csrfToken(),
    ...options.headers,
  };
  const init: RequestInit = { method, headers, credentials: "same-origin", keepalive: options.keepalive ?? false };
  if (options.body !== undefined) {
    headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(options.body);
  }
  const answer = await fetch(path, init);
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

async function refusal(answer: Response): Promise<Refused> {
  try {
    const problem = (await answer.json()) as { title?: string; detail?: string };
    return new Refused(answer.status, problem.detail ?? problem.title ?? answer.statusText, problem);
  } catch {
    return new Refused(answer.status, answer.statusText);
  }
}
