// The one client of the API: typed by its OpenAPI, with the CSRF token on every change.
import createClient, { type Middleware } from "openapi-fetch";
import { lost, reached } from "./connection";
import type { components, paths } from "./types";

export type Schemas = components["schemas"];

const AWAY = new Set([502, 503, 504]);
const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

let csrfToken = "";
let signedOut: () => void = () => {};

/** Keep the token that goes with every change; it comes with `/v1/me`. */
export function setToken(token: string): void {
  csrfToken = token;
}

/** What is done when a request finds that the session has ended. */
export function onSignedOut(listener: () => void): void {
  signedOut = listener;
}

const frame: Middleware = {
  onRequest({ request }) {
    if (!SAFE.has(request.method) && csrfToken) request.headers.set("X-CSRF-Token", csrfToken);
    return request;
  },
  onResponse({ response, schemaPath }) {
    // A 503 in the service's own words is an answer; one from a proxy before it is not.
    const own = response.headers.get("content-type")?.includes("json") ?? false;
    if (AWAY.has(response.status) && !own) lost();
    else reached();
    if (response.status === 401 && schemaPath !== "/v1/me" && schemaPath !== "/v1/auth/sign-in") signedOut();
  },
  onError({ error }) {
    if (!(error instanceof DOMException && error.name === "AbortError")) lost();
  },
};

export const api = createClient<paths>({
  baseUrl: globalThis.location?.origin ?? "",
  credentials: "same-origin",
});
api.use(frame);

export { answered, ApiError } from "./problem";
export { queries, useApi, useChange } from "./query";
