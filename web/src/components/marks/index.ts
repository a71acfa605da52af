export { Provenance, type ProvenanceName } from "./Provenance";
export { Reporting, type ReportingState } from "./Reporting";
export { Severity, WorstAlarm } from "./Severity";
export {
  bySeverity,
  SEVERITIES,
  SEVERITY_NAMES,
  severity,
  type AlarmCounts,
  type SeverityCode,
} from "./codes";
