import { expect, it } from "vitest";
import { palettes, type Role } from "./tokens";
import css from "./tokens.css?raw";

function block(from: string): string {
  const start = css.indexOf(from);
  return css.slice(start, css.indexOf("}", start));
}

it.each([
  ["light", ":root {"],
  ["dark", ':root[data-theme="dark"]'],
  ["dark", ':root:not([data-theme="light"])'],
] as const)("has every %s colour of tokens.json in %s", (theme, selector) => {
  const found = block(selector);
  for (const [role, value] of Object.entries(palettes[theme]) as [Role, string][]) {
    expect(found).toContain(`--${role}: ${value.toLowerCase()};`);
  }
});
