// The design tokens for what is drawn by script: charts cannot read CSS variables. CSS has the same in tokens.css.
import tokens from "./tokens.json";

export type Theme = "light" | "dark";

type Groups = (typeof tokens)["color"]["light"];
type Keys<T> = T extends unknown ? keyof T : never;
/** A colour by what it means: `measured`, `ink-3`, `warn-fill`. */
export type Role = Keys<Groups[keyof Groups]>;
export type Palette = Readonly<Record<Role, string>>;

function flat(theme: Theme): Palette {
  return Object.assign({}, ...Object.values(tokens.color[theme])) as Palette;
}

export const palettes: Readonly<Record<Theme, Palette>> = { light: flat("light"), dark: flat("dark") };
export const bandOpacity = tokens.chart.band_opacity;
export const chart = tokens.chart;
export const breakpoint = tokens.breakpoint;
