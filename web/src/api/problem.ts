// What the service says when it does not do what it was asked (RFC 9457), and how it is asked again.
import type { components } from "./types";

export type Problem = components["schemas"]["Problem"];

/** A request that was not done. `status` is 0 when there was no answer at all. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    /** The request, as in the service's log. */
    readonly request: string,
  ) {
    super(detail || title);
  }

  /** Whether the same request may do better later. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  get hidden(): boolean {
    return this.status === 403 || this.status === 404;
  }
}

export const NO_ANSWER = new ApiError(0, "No connection", "The service did not answer.", "");

/** Read a problem from an answer's body, which may be anything when a proxy answered. */
export function problemOf(response: Response, body: unknown): ApiError {
  const told = (typeof body === "object" && body !== null ? body : {}) as Partial<Problem>;
  const title = told.title ?? `The service answered ${response.status}`;
  return new ApiError(response.status, title, told.detail ?? "", told.instance ?? "");
}

interface Answer<T> {
  data?: T | undefined;
  error?: unknown;
  response: Response;
}

/** Wait for what openapi-fetch answers; the data, or the problem thrown. */
export async function answered<T>(asked: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await asked;
  } catch (error) {
    if (error instanceof ApiError || (error instanceof DOMException && error.name === "AbortError"))
      throw error;
    throw NO_ANSWER;
  }
  if (!answer.response.ok) throw problemOf(answer.response, answer.error);
  return answer.data as T;
}
