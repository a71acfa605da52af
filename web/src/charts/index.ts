/** Charts: described as data (`ChartSpec`), drawn by `Chart`, with heading and menu by `ChartCard`. */

export { Chart, type ChartHandle, type ChartProps } from "./Chart";
export { ChartCard, type ChartCardProps } from "./ChartCard";
export { withGaps } from "./gaps";
export { Legend } from "./Legend";
export { ReadOut } from "./ReadOut";
export { useCursor } from "./link";
export type { Box, Drag, Pick } from "./useChartPointer";
export type * from "./spec";
