import { expect, it } from "vitest";
import { entries, home } from "./navigation";

const labels = (role: "owner" | "technician" | "operator", may: string[]) =>
  entries({ role, may }).map((entry) => entry.label);

it("shows a role what it may open, and nothing else", () => {
  expect(labels("operator", ["vehicle.find", "alarms.read", "data.read"])).toEqual([
    "Fleet",
    "Alarms",
    "Data",
  ]);
  expect(labels("technician", ["vehicle.find", "alarms.read"])).toEqual(["Fleet", "Alarms"]);
  expect(labels("operator", ["query"])).toEqual(["Data"]);
  expect(labels("owner", ["vehicle.find"])).toEqual(["Health", "Charging", "Trips", "Sharing"]);
});

it("begins where there is something to see", () => {
  expect(home({ role: "owner", may: [] })).toBe("/owner/health");
  expect(home({ role: "technician", may: ["alarms.read"] })).toBe("/alarms");
  expect(home({ role: "device", may: [] })).toBe("/settings");
});
