import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { MemoryRouter, Route, Routes, useLocation } from "react-router";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fitting, nextSort, sorted, tableCsv, type Column } from "./columns";
import { stepped } from "./steps";
import { Table } from "./Table";

interface Car {
  name: string;
  km: number | null;
}

const COLUMNS: Column<Car>[] = [
  { id: "name", head: "Vehicle", cell: (car) => car.name, sort: "name", csv: (car) => car.name },
  {
    id: "km",
    head: "Distance, km",
    align: "end",
    cell: (car) => car.km,
    sort: "km",
    first: "down",
    csv: (car) => car.km,
  },
  { id: "wide", head: "Wide", from: 800, cell: () => "" },
];
const CARS: Car[] = Array.from({ length: 10_000 }, (_, i) => ({ name: `HF-${i}`, km: i }));

function Where() {
  return <output>{useLocation().pathname}</output>;
}

function shown(props: Partial<Parameters<typeof Table<Car>>[0]> = {}) {
  return render(
    <MemoryRouter>
      <Table label="Vehicles" columns={COLUMNS} rows={CARS} rowKey={(car) => car.name} fill {...props} />
      <Routes>
        <Route path="*" element={<Where />} />
      </Routes>
    </MemoryRouter>,
  );
}

beforeEach(() => {
  // jsdom has no layout: a window of 320 px.
  vi.spyOn(Element.prototype, "clientHeight", "get").mockReturnValue(320);
  vi.spyOn(Element.prototype, "clientWidth", "get").mockReturnValue(900);
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

describe("a table", () => {
  it("draws only the rows in view, and says how many there are", () => {
    shown();
    expect(screen.getByRole("table").getAttribute("aria-rowcount")).toBe("10001");
    const rows = screen.getAllByRole("row");
    expect(rows.length).toBeGreaterThan(5);
    expect(rows.length).toBeLessThan(60);
    expect(rows[1]?.getAttribute("aria-rowindex")).toBe("2");
  });
  it("says how it is sorted, and sorts by a click on a heading", () => {
    const onSort = vi.fn();
    shown({ sort: "name", onSort });
    expect(screen.getByRole("columnheader", { name: /Vehicle/ }).getAttribute("aria-sort")).toBe("ascending");
    fireEvent.click(screen.getByRole("button", { name: /Vehicle/ }));
    fireEvent.click(screen.getByRole("button", { name: /Distance/ }));
    expect(onSort.mock.calls).toEqual([["-name"], ["-km"]]);
  });
  it("opens a row by a click, and its first cell is the link", () => {
    shown({ href: (car) => `/vehicles/${car.name}` });
    expect(screen.getByRole("link", { name: "HF-3" }).getAttribute("href")).toBe("/vehicles/HF-3");
    fireEvent.click(screen.getAllByRole("cell")[4] as HTMLElement);
    expect(screen.getByRole("status").textContent).toBe("/vehicles/HF-2");
  });
  it("is one stop for Tab, and arrow keys move inside", async () => {
    shown({ href: (car) => `/vehicles/${car.name}` });
    const first = screen.getByRole("link", { name: "HF-0" });
    expect([first.tabIndex, screen.getByRole("link", { name: "HF-1" }).tabIndex]).toEqual([0, -1]);
    act(() => first.focus());
    fireEvent.keyDown(first, { key: "ArrowDown" });
    await waitFor(() => expect(document.activeElement?.textContent).toBe("HF-1"));
  });
  it("draws rows that are not here as waiting, and tells how far it is looked at", () => {
    const onReach = vi.fn();
    shown({ rows: CARS.slice(0, 3), total: 10_000, onReach });
    expect(screen.getAllByRole("row").some((row) => row.getAttribute("aria-busy") === "true")).toBe(true);
    expect(onReach.mock.lastCall?.[0]).toBeGreaterThan(3);
  });
});

describe("columns", () => {
  it("are shown where there is room", () => {
    expect(fitting(COLUMNS, 400).map((column) => column.id)).toEqual(["name", "km"]);
    expect(fitting(COLUMNS, 900)).toHaveLength(3);
  });
  it("turn their sorting with every click", () => {
    const km = COLUMNS[1] as Column<Car>;
    expect([nextSort(km, ""), nextSort(km, "-km"), nextSort(km, "km")]).toEqual(["-km", "km", "-km"]);
  });
  it("are in CSV with all their rows, safe for spreadsheets", () => {
    expect(tableCsv(COLUMNS, [{ name: "=cmd", km: -1 }])).toBe('Vehicle,"Distance, km"\r\n\'=cmd,-1\r\n');
  });
});

describe("rows", () => {
  const values = { name: (car: Car) => car.name, km: (car: Car) => car.km };
  const cars: Car[] = [
    { name: "HF-10", km: null },
    { name: "HF-9", km: 2 },
    { name: "HF-11", km: 1 },
  ];
  it("are sorted with what is not known last, both ways", () => {
    expect(sorted(cars, "km", values).map((car) => car.km)).toEqual([1, 2, null]);
    expect(sorted(cars, "-km", values).map((car) => car.km)).toEqual([2, 1, null]);
  });
  it("are sorted by the numbers in their names", () => {
    expect(sorted(cars, "name", values).map((car) => car.name)).toEqual(["HF-9", "HF-10", "HF-11"]);
  });
  it.each([
    ["ArrowDown", 1],
    ["k", 0],
    ["PageDown", 9],
    ["End", 99],
    ["Tab", undefined],
  ])("%s leads to row %s", (key, row) => expect(stepped(key, 0, 100, 9)).toBe(row));
});
