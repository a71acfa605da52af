import { QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, render, screen } from "@testing-library/react";
import type { ReactNode } from "react";
import { createMemoryRouter } from "react-router";
import { RouterProvider } from "react-router/dom";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { queries } from "@/api/query";
import { useKeys } from "./keys";
import { keepSession, RequireSession, useMay, type Me } from "./session";
import { safeNext } from "./SignIn";
import { initials } from "./TopBar";
import { patched } from "./url";

const ME: Me = {
  username: "m.kern",
  display_name: "M. Kern",
  role: "operator",
  fleets: ["harbour"],
  vehicles: [],
  may: ["alarms.read"],
  preferences: { distance: "km", temperature: "c", theme: "system", keys: true },
  csrf_token: "t",
  built_in: true,
  no_auth: false,
  expires_at: null,
};

function show(page: ReactNode) {
  const router = createMemoryRouter([{ path: "/", element: <RequireSession>{page}</RequireSession> }]);
  render(
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  );
}

function press(key: string, on: Element = document.body): void {
  act(() => void on.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })));
}

beforeEach(() => keepSession(ME));
afterEach(() => {
  cleanup();
  queries.clear();
});

describe("the address", () => {
  it("changes one value and leaves the others", () => {
    expect(patched("?view=mine&severity=3", { severity: "2,3" })).toBe("?view=mine&severity=2%2C3");
    expect(patched("?view=mine", { view: null })).toBe("");
  });
});

describe("after signing in", () => {
  it.each([
    ["/alarms?view=mine", "/alarms?view=mine"],
    ["//elsewhere.example", "/"],
    ["/\\elsewhere.example", "/"],
    ["https://elsewhere.example", "/"],
    ["/sign-in?next=/", "/"],
    [null, "/"],
  ])("%s leads to %s", (next, place) => {
    expect(safeNext(next)).toBe(place);
  });
});

describe("keys", () => {
  const ran = vi.fn<(what: string) => void>();
  function Page() {
    const key = (does: string) => ({ does, run: () => ran(does) });
    useKeys({ j: key("next"), "g f": key("go"), f: key("filter") });
    return (
      <>
        <input aria-label="field" />
        <span>{useMay()("alarms.read") ? "reads" : ""}</span>
      </>
    );
  }
  beforeEach(() => ran.mockClear());

  it("do something alone, and two in a row something else", () => {
    show(<Page />);
    for (const key of ["j", "g", "f", "f"]) press(key);
    expect(ran.mock.calls.flat()).toEqual(["next", "go", "filter"]);
    expect(screen.getByText("reads")).toBeTruthy();
  });
  it("do nothing while one writes", () => {
    show(<Page />);
    press("j", screen.getByLabelText("field"));
    expect(ran).not.toHaveBeenCalled();
  });
  it("do nothing when they are turned off", () => {
    keepSession({ ...ME, preferences: { ...ME.preferences, keys: false } });
    show(<Page />);
    press("j");
    expect(ran).not.toHaveBeenCalled();
  });
});

it("writes two letters for a name", () => {
  expect(["M. Kern", "m.kern", "anna", "Ada de Groot"].map(initials)).toEqual(["MK", "MK", "AN", "AG"]);
});
