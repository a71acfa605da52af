/** What lines, bands and marks mean. Lines that are named at their end are left out. */

import styles from "./charts.module.css";
import { DASHES } from "./palette";
import type { ChartSpec, Points, Series } from "./spec";

export function Legend({ spec }: { spec: ChartSpec }) {
  const shown = legendOf(spec);
  const stretches = (spec.events ?? []).filter((event) => event.legend !== undefined);
  if (shown.length + stretches.length === 0) return null;
  return (
    <ul className={styles.legend}>
      {shown.map((series) => (
        <li key={series.name}>
          <Sample series={series} />
          {series.name}
        </li>
      ))}
      {stretches.map((event) => (
        <li key={event.legend}>
          <Picture>
            <rect
              x="0"
              y="2"
              width="16"
              height="8"
              rx="1.5"
              fill={`var(--${event.tone})`}
              style={{ opacity: 0.2 }}
            />
          </Picture>
          {event.legend}
        </li>
      ))}
    </ul>
  );
}

/** The series that a legend names: each name once. */
export function legendOf(spec: ChartSpec): Series[] {
  const names = new Set<string>();
  return spec.panels.flatMap((panel) =>
    panel.series.filter((series) => {
      if (series.legend === false || names.has(series.name)) return false;
      names.add(series.name);
      return true;
    }),
  );
}

function Sample({ series }: { series: Series }) {
  const colour = `var(--${series.tone})`;
  if (series.kind === "band" || series.kind === "bars") {
    const opacity = series.kind === "band" ? `calc(var(--band-${series.tone}, 0.2) * 1.2)` : 0.82;
    return (
      <Picture>
        {<rect x="0" y="2" width="16" height="8" rx="1.5" fill={colour} style={{ opacity }} />}
      </Picture>
    );
  }
  if (series.kind === "points") return <Picture>{sign(series, colour)}</Picture>;
  const dash = series.kind === "line" ? DASHES[series.dash ?? "solid"] : "solid";
  const dashes = dash === "solid" ? undefined : dash.join(" ");
  return <Picture>{<path d="M0 6h16" stroke={colour} strokeWidth="1.8" strokeDasharray={dashes} />}</Picture>;
}

function sign({ mark }: Points, colour: string) {
  switch (mark) {
    case "triangle":
      return <path d="M8 1.5l4.6 8.6H3.4z" fill={colour} />;
    case "cross":
      return <path d="M4.5 2.5l7 7m0-7l-7 7" stroke={colour} strokeWidth="1.8" />;
    case "diamond":
      return <path d="M8 1.6L12.4 6 8 10.4 3.6 6z" fill="var(--surface)" stroke={colour} strokeWidth="1.5" />;
    case "ring":
      return <circle cx="8" cy="6" r="3.6" fill="var(--surface)" stroke={colour} strokeWidth="1.6" />;
    default:
      return <circle cx="8" cy="6" r="3.6" fill={colour} />;
  }
}

function Picture({ children }: { children: React.ReactNode }) {
  return (
    <svg width="16" height="12" viewBox="0 0 16 12" fill="none" aria-hidden="true">
      {children}
    </svg>
  );
}
