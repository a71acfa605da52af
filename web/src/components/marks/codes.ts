/** How bad it is: code, name, and the order of the list of them. */

export type SeverityCode = 0 | 1 | 2 | 3;

export const SEVERITY_NAMES: Record<SeverityCode, string> = {
  3: "Critical",
  2: "Warning",
  1: "Notice",
  0: "Info",
};
/** Worst first. */
export const SEVERITIES: readonly SeverityCode[] = [3, 2, 1, 0];

/** A code as the API gives it; what is not known is told as info. */
export function severity(code: number): SeverityCode {
  return code === 3 || code === 2 || code === 1 ? code : 0;
}

export interface AlarmCounts {
  critical: number;
  warning: number;
  notice: number;
  info: number;
}

/** Counts by code, those that are not zero, worst first. */
export function bySeverity(counts: Partial<AlarmCounts>): [SeverityCode, number][] {
  const all: [SeverityCode, number | undefined][] = [
    [3, counts.critical],
    [2, counts.warning],
    [1, counts.notice],
    [0, counts.info],
  ];
  return all.flatMap(([code, many]): [SeverityCode, number][] => (many ? [[code, many]] : []));
}
