import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import { bySeverity, Provenance, Reporting, Severity, WorstAlarm } from ".";

afterEach(cleanup);

describe("marks", () => {
  it.each(["measured", "estimated", "forecast"] as const)("%s has a name", (of) => {
    render(<Provenance of={of} />);
    expect(screen.getByRole("img", { name: of })).toBeTruthy();
  });
  it("say their name once where it stands beside them", () => {
    render(<Severity code={2} word />);
    expect(screen.queryByRole("img")).toBeNull();
    expect(screen.getByText("Warning")).toBeTruthy();
  });
  it("count the worst alarms, and tell of all", () => {
    render(<WorstAlarm counts={{ critical: 0, warning: 2, notice: 3, info: 0 }} />);
    expect(screen.getByRole("img", { name: "warning" })).toBeTruthy();
    expect(screen.getByTitle("2 warning, 3 notice").textContent).toBe("2");
    expect(bySeverity({ info: 1, critical: 4 })).toEqual([
      [3, 4],
      [0, 1],
    ]);
  });
  it("say none without alarms", () => {
    render(<WorstAlarm counts={{}} />);
    expect(screen.getByText("none")).toBeTruthy();
  });
  it("tell a stale vehicle by a hollow ring with its name and age", () => {
    render(<Reporting state="stale" at="2020-11-22T13:31:00Z" />);
    expect(screen.getByRole("img", { name: "stale" }).querySelector("circle")?.getAttribute("fill")).toBe(
      "none",
    );
    expect(screen.getByTitle("2020-11-22 13:31:00 UTC")).toBeTruthy();
  });
});
